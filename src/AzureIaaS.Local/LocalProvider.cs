using System.Collections.Concurrent;
using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Local;

/// <summary>Machines on this computer: a folder each, and a process each while they run.</summary>
internal sealed class LocalProvider : IVmProvider, IWatchable
{
    /// <summary>What a machine's folder needs beside its disks' data: variables, logs, digests.</summary>
    private const long Overhead = 2 << 20;

    private readonly IStateStore _store;
    private readonly FabricLayout _layout;
    private readonly MachineKeeper _keeper;
    private readonly MachineRunner _runner;
    private readonly MachineWaiter _waiter;
    private readonly FabricWatcher _watcher;
    private readonly WatcherProcess _watcherProcess;

    public LocalProvider(IStateStore store, FabricLayout layout, IHypervisor hypervisor, TimeProvider time, WatcherCommand? watcher)
    {
        _store = store;
        _layout = layout;
        _keeper = new MachineKeeper(store, layout, hypervisor);
        _watcher = new FabricWatcher(store, layout, hypervisor, _keeper);
        _watcherProcess = new WatcherProcess(store, layout, watcher);
        _runner = new MachineRunner(store, layout, hypervisor, _keeper, time);
        _waiter = new MachineWaiter(_keeper, hypervisor, layout, FindAsync, time);
    }

    public string Name => "Local";

    public async Task<IReadOnlyList<VirtualMachine>> ListAsync(CancellationToken cancellation)
    {
        var stored = _store.Machines.List();
        var found = new ConcurrentDictionary<Guid, VirtualMachine>();
        await Parallel.ForEachAsync(stored, cancellation, async (s, c) => found[s.Machine.Id] = await LookAsync(s, c));
        return [.. stored.Select(s => found[s.Machine.Id])];
    }

    public async Task<VirtualMachine?> FindAsync(Guid id, CancellationToken cancellation) =>
        _store.Machines.Find(id) is { } stored ? await LookAsync(stored, cancellation) : null;

    public ImportPlace DescribePlace() => new(_layout.Root, new DriveInfo(_layout.Root).AvailableFreeSpace, Overhead);

    public void Complete(VirtualMachine machine)
    {
        var files = _layout.Machine(machine.Id);
        foreach (var disk in machine.Disks)
        {
            disk.Path = files.Disk(disk.Name);
            disk.Format = "raw";
            if (disk.Controller == DiskController.Unknown)
                disk.Controller = disk.LogicalSectorSize == 512 ? DiskController.Ide : DiskController.VirtioScsi;
        }

        if (machine.NetworkAdapters.Count == 0)
            machine.NetworkAdapters.Add(new NetworkAdapter { Name = "nic0" });
        foreach (var (adapter, index) in machine.NetworkAdapters.Select((a, i) => (a, i)))
        {
            adapter.Model = adapter.Model is { Length: > 0 } model ? model : "e1000";
            adapter.MacAddress = adapter.MacAddress is { Length: > 0 } mac ? mac : MacFor(machine.Id, index);
        }
    }

    public IImportStage OpenStage(Guid operation)
    {
        // Not earlier: a plan that is only looked at (-WhatIf) makes no folder.
        _layout.Create();
        RemoveLeftovers();
        return new ImportStage(_layout.Stage(operation));
    }

    public Task DefineAsync(VirtualMachine machine, Guid operation, CancellationToken cancellation)
    {
        _layout.Create();
        var (stage, place) = (_layout.Stage(operation), _layout.Machine(machine.Id).Folder);
        if (Directory.Exists(stage))
            Directory.Move(stage, place);
        else if (!Directory.Exists(place))
            throw new IaaSException(ErrorKind.InvalidData, "StageMissing", $"{stage}: the imported disks are no longer there.", "Import the machine again.", stage);
        return Task.CompletedTask;
    }

    public Task UndefineAsync(Guid id)
    {
        Delete(_layout.Machine(id).Folder);
        return Task.CompletedTask;
    }

    public async Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await _runner.StartAsync(id, options, notices, cancellation);
        _watcherProcess.Ensure(notices);
        return machine;
    }

    public Task<bool> WatchAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation) => _watcher.RunAsync(stay, notices, cancellation);

    public Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _runner.StopAsync(id, options, notices, cancellation);

    public async Task<VirtualMachine> RestartAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using (var owned = await _keeper.OwnAsync(id, cancellation))
        {
            var decision = MachineLifecycle.Decide(owned.Machine.State, MachineRequest.Restart);
            if (decision.Verdict == Verdict.Deny && !options.Force)
                throw MachineRunner.Denied(owned.Machine, decision);
        }

        await _runner.StopAsync(id, options with { StayProvisioned = true }, notices, cancellation);
        return await StartAsync(id, new StartOptions(), notices, cancellation);
    }

    public Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation) =>
        _runner.ResumeAsync(id, notices, cancellation);

    public async Task RemoveAsync(Guid id, bool force, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (force)
            await _runner.StopAsync(id, new StopOptions { Force = true }, notices, cancellation);
        using var owned = await _keeper.OwnAsync(id, cancellation);
        var decision = MachineLifecycle.Decide(owned.Machine.State, MachineRequest.Remove);
        if (decision.Verdict == Verdict.Deny)
            throw MachineRunner.Denied(owned.Machine, decision);
        cancellation.ThrowIfCancellationRequested();
        var removed = Path.Combine(_layout.Machines, FabricLayout.RemovedPrefix + id.ToString("N"));
        try
        {
            // Out of the way in one step: a machine is either whole or gone, whenever this process dies.
            if (Directory.Exists(owned.Files.Folder))
                Directory.Move(owned.Files.Folder, removed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "VmNotRemovable", $"{owned.Files.Folder}: the machine's folder cannot be removed: {e.Message}",
                "Make the fabric's folder writable, then try again; the machine is unharmed.", owned.Machine.Name, e);
        }

        _store.Machines.Remove(id);
        Delete(removed);
        Delete(owned.Files.Run);
    }

    public Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _waiter.WaitAsync(id, options, notices, cancellation);

    public IAsyncEnumerable<string> ReadConsoleAsync(Guid id, int? tail, bool follow, CancellationToken cancellation) =>
        ConsoleLog.ReadLinesAsync(_layout.Machine(id).Console, tail, follow, cancellation);

    public void Dispose()
    {
        // Nothing is held between calls.
    }

    private async Task<VirtualMachine> LookAsync(StoredMachine stored, CancellationToken cancellation)
    {
        try
        {
            return await _keeper.LookAsync(stored, cancellation);
        }
        catch (Exception e) when (e is IaaSException or IOException or UnauthorizedAccessException)
        {
            // A listing shows what is broken, it does not throw.
            stored.Machine.State = MachineState.Unknown;
            stored.Machine.StateReason = e.Message;
            return stored.Machine;
        }
    }

    /// <summary>The address that a machine without one gets: QEMU's own prefix and three bytes of the machine's id.</summary>
    private static string MacFor(Guid id, int index)
    {
        var bytes = id.ToByteArray();
        return $"52:54:00:{bytes[13]:x2}:{bytes[14]:x2}:{(byte)(bytes[15] + index):x2}";
    }

    /// <summary>Finishes removals that were cut off after the machine was gone.</summary>
    private void RemoveLeftovers()
    {
        foreach (var folder in Directory.EnumerateDirectories(_layout.Machines, FabricLayout.RemovedPrefix + "*"))
        {
            if (Guid.TryParse(Path.GetFileName(folder)[FabricLayout.RemovedPrefix.Length..], out var id) && _store.Machines.Find(id) is null)
                Delete(folder);
        }
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
