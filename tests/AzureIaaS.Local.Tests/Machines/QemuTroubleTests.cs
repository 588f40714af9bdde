using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>A QEMU that is missing, or does not do what it should. The PATH belongs to the whole process, so these run alone.</summary>
[Collection(nameof(PathCollection))]
public sealed class QemuTroubleTests : IDisposable
{
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");
    private readonly TestFabric _fabric = new(HypervisorKind.Qemu);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", _path);
        _fabric.Dispose();
    }

    [SkippableFact]
    public async Task WithoutQemuItSaysWhatToInstall()
    {
        var machine = await _fabric.ImportAsync();
        Environment.SetEnvironmentVariable("PATH", _fabric.Folder);
        var error = await StartFailsAsync(machine);
        Assert.Equal(("QemuNotInstalled", ErrorKind.NotInstalled), (error.ErrorId, error.Kind));
        Assert.Contains("apt install", error.Remedy, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AQemuThatDiesAtOnceIsQuoted()
    {
        var machine = await _fabric.ImportAsync();
        UseFake("""
            case "$*" in *"-machine help"*) echo "pc  Standard PC (alias of pc-i440fx-7.2)"; exit 0;; esac
            echo "qemu: could not do it: no reason" >&2; exit 1
            """);
        var error = await StartFailsAsync(machine);
        Assert.Equal("QemuDied", error.ErrorId);
        Assert.Contains("no reason", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AProgramThatIsNoQemuIsRefused()
    {
        var machine = await _fabric.ImportAsync();
        UseFake("echo hello");
        Assert.Equal("QemuUnusable", (await StartFailsAsync(machine)).ErrorId);
    }

    [SkippableFact]
    public async Task ADiskThatIsMissingIsNamed()
    {
        var machine = await _fabric.ImportAsync();
        File.Delete(machine.Disks[0].Path);
        var error = await StartFailsAsync(machine);
        Assert.Equal("DiskMissing", error.ErrorId);
        Assert.Contains(machine.Disks[0].Path, error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AMachineWhoseFolderIsGoneIsListedAndCanBeRemoved()
    {
        var machine = await _fabric.ImportAsync();
        Directory.Delete(_fabric.Layout.Machine(machine.Id).Folder, recursive: true);
        var found = await _fabric.LookAsync(machine);
        Assert.Equal(MachineState.Failed, found.State);
        Assert.Contains("missing", found.StateReason, StringComparison.Ordinal);
        await _fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, _fabric.Notices, CancellationToken.None);
        Assert.Empty(await _fabric.Session.ListAsync(CancellationToken.None));
    }

    private void UseFake(string script)
    {
        var fake = Path.Combine(_fabric.Folder, "qemu-system-x86_64");
        File.WriteAllText(fake, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(fake, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", _fabric.Folder + ":" + _path);
    }

    /// <summary>Starting fails, and nothing is different from before.</summary>
    private async Task<IaaSException> StartFailsAsync(VirtualMachine machine)
    {
        var error = await Assert.ThrowsAsync<IaaSException>(() => _fabric.StartAsync(machine));
        Assert.NotEmpty(error.Remedy);
        Assert.Equal(MachineState.Deallocated, (await _fabric.LookAsync(machine)).State);
        Assert.Empty(_fabric.QemuProcesses());
        return error;
    }
}

/// <summary>Tests that change what belongs to the whole process.</summary>
[CollectionDefinition(nameof(PathCollection), DisableParallelization = true)]
public class PathCollection;
