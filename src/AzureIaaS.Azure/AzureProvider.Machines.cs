using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure;

/// <summary>What lists and runs machines; each ability is a class of its own.</summary>
internal sealed partial class AzureProvider : IMachineEditor, IGuestProvider
{
    public async Task<IReadOnlyList<VirtualMachine>> ListAsync(CancellationToken cancellation) =>
        [.. (await _directory.ListAsync(cancellation)).Select(f => f.Machine)];

    public async Task<VirtualMachine?> FindAsync(Guid id, CancellationToken cancellation)
    {
        if (await _directory.FindAsync(id, cancellation) is not { } found)
            return null;
        await _adapters.DescribeAsync(found.Machine, cancellation);
        await _ports.DescribeAsync(found.Machine, cancellation);
        await _checkpoints.DescribeAsync(found.Machine, cancellation);
        return found.Machine;
    }

    public Task<Guid?> FindIdAsync(string name, CancellationToken cancellation) => _directory.FindIdAsync(name, cancellation);

    public async Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (options.Publish is { } ports)
        {
            var machine = (await _runner.NeededAsync(id, cancellation)).Machine;
            await _adapters.DescribeAsync(machine, cancellation);
            await _ports.SetAsync(machine, ports, options.PublishFrom, notices, cancellation);
        }

        await _runner.StartAsync(id, notices, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public async Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await _runner.StopAsync(id, options, notices, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public async Task<VirtualMachine> RestartAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await _runner.RestartAsync(id, options, notices, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public async Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await _runner.NeededAsync(id, cancellation);
        MachineRunner.MayDo(found.Machine, MachineRequest.Resume);   // nothing is ever paused in Azure, so there is nothing to do
        return found.Machine;
    }

    public Task RemoveAsync(Guid id, bool force, bool keepDisks, IProgress<Notice> notices, CancellationToken cancellation) =>
        _remover.RemoveAsync(id, force, keepDisks, notices, cancellation);

    public Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _console.WaitAsync(id, options, notices, cancellation);

    public IAsyncEnumerable<string> ReadConsoleAsync(Guid id, int? tail, bool follow, CancellationToken cancellation) => _console.ReadAsync(id, tail, follow, cancellation);

    public async Task<VirtualMachine> ChangeAsync(Guid id, MachineChange change, CancellationToken cancellation)
    {
        await new MachineEditor(_connection, _directory, _disks).ChangeAsync(id, change, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public async Task<VirtualMachine> AddDiskAsync(Guid id, long length, DiskController controller, CancellationToken cancellation)
    {
        if (controller != DiskController.Unknown)
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure chooses the controllers of disks.", "Leave -DiskController out.", controller);
        await new DataDisks(_connection, _directory, _disks).AddAsync(id, length, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public async Task<VirtualMachine> RemoveDiskAsync(Guid id, string disk, bool keepFile, CancellationToken cancellation)
    {
        await new DataDisks(_connection, _directory, _disks).RemoveAsync(id, disk, keepFile, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public Task<byte[]> ScreenshotAsync(Guid id, CancellationToken cancellation) => throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure",
        "Pictures of guests' displays are not fetched from Azure by this version.", "The portal shows one under Boot diagnostics; Get-IaaSVmConsole shows the serial console.", id);

    public Task<VmCommandResult> RunCommandAsync(Guid id, string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation) =>
        new GuestCommands(_connection, _runner).RunAsync(id, program, arguments, timeout, cancellation);

    private async Task<VirtualMachine> AfterAsync(Guid id, CancellationToken cancellation) => await FindAsync(id, cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"Machine {id} was removed by somebody else meanwhile.", "Get-IaaSVm shows those there are.", id);
}
