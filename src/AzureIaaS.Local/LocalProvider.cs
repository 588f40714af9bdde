using System.Collections.Concurrent;
using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Failover;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Guests;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Imports;
using AzureIaaS.Local.Machines;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;

namespace AzureIaaS.Local;

/// <summary>Machines on this computer: a folder each, and a process each while they run.</summary>
internal sealed partial class LocalProvider : IVmProvider
{
    /// <summary>What a machine's folder needs beside its disks' data: variables, logs, digests.</summary>
    private const long Overhead = 2 << 20;

    private readonly LocalServices _services;
    private readonly MachineWaiter _waiter;

    public LocalProvider(IStateStore store, FabricLayout layout, IHypervisor hypervisor, TimeProvider time, WatcherCommand? watcher)
    {
        _services = new LocalServices(store, layout, hypervisor, time, watcher);
        _services.Keeper.Recover = (owned, _) => MachineSagas.RecoverAsync(owned, _services);
        _waiter = new MachineWaiter(_services, FindAsync);
        _mover = new MachineMover(_services);
        _hosts = new HostKeeper(_services, _mover);
        _checkpoints = new Checkpoints(_services);
        _rehearsals = new Rehearsals(_services, _checkpoints);
        _failovers = new FailoverService(_services, _mover, _hosts, _rehearsals, this);
        _watcher = new FabricWatcher(_services, new Healer(_services), _rehearsals, new BootVerifier(_services, _waiter), new CutOffFailovers(_services, this));
        _editor = new MachineEditor(_services);
        _guests = new GuestProvider(_services);
        _networks = new Networking.FabricNetworks(_services);
    }

    public string Name => "Local";

    /// <summary>What it works with.</summary>
    internal LocalServices Services => _services;

    private FabricLayout Layout => _services.Layout;

    public async Task<IReadOnlyList<VirtualMachine>> ListAsync(CancellationToken cancellation)
    {
        var stored = _services.Store.Machines.List().Where(s => s.Machine.RehearsalOf is null).ToList();
        var found = new ConcurrentDictionary<Guid, VirtualMachine>();
        await Parallel.ForEachAsync(stored, cancellation, async (s, c) => found[s.Machine.Id] = await LookAsync(s, c));
        return [.. stored.Select(s => found[s.Machine.Id])];
    }

    public async Task<VirtualMachine?> FindAsync(Guid id, CancellationToken cancellation) =>
        _services.Store.Machines.Find(id) is { } stored ? await LookAsync(stored, cancellation) : null;

    public ImportPlace DescribePlace() => new(Layout.Root, new DriveInfo(Layout.Root).AvailableFreeSpace, Overhead) { TakesPasses = true, Judged = ReadinessTarget.Local };

    public void Complete(VirtualMachine machine)
    {
        var files = Layout.Machine(machine.Id);
        foreach (var disk in machine.Disks)
        {
            (disk.Path, disk.Format) = disk.Link is null ? (files.Disk(disk.Name), "raw") : (files.FirstLayer(disk.Name), "qcow2");
            if (disk.Link is { } link)
                link.Socket = Layout.Link(machine.Id).Socket(disk.Name);
            if (disk.Controller == DiskController.Unknown)
                disk.Controller = disk.LogicalSectorSize == 512 ? DiskController.Ide : DiskController.VirtioScsi;
        }

        if (machine.NetworkAdapters.Count == 0)
            machine.NetworkAdapters.Add(new NetworkAdapter { Name = "nic0" });
        // Asked only for an address that the source had: one that is made of the machine's id is hardly ever another's, and joining checks it again.
        var others = new Lazy<HashSet<string>>(() => [.. _services.Store.Machines.List().Where(m => m.Machine.Id != machine.Id).SelectMany(m => m.Machine.NetworkAdapters).Select(a => a.MacAddress)]);
        var own = new HashSet<string>();
        foreach (var (adapter, index) in machine.NetworkAdapters.Select((a, i) => (a, i)))
        {
            adapter.Model = adapter.Model is { Length: > 0 } model ? model : "e1000";
            var hadOne = adapter.MacAddress is { Length: > 0 };
            adapter.MacAddress = MacAddress.Choose(adapter.MacAddress, machine.Id, index, mac => own.Contains(mac) || (hadOne && others.Value.Contains(mac)));
            own.Add(adapter.MacAddress);
        }
    }

    public IImportStage OpenStage(Guid operation, IProgress<Notice> notices)
    {
        // Not earlier: a plan that is only looked at (-WhatIf) makes no folder.
        Layout.Create();
        RemoveLeftovers();
        return new ImportStage(Layout.Stage(operation));
    }

    public Task DefineAsync(VirtualMachine machine, Guid operation, CancellationToken cancellation)
    {
        Layout.Create();
        var (stage, place) = (Layout.Stage(operation), Layout.Machine(machine.Id).Folder);
        if (Directory.Exists(stage))
            Directory.Move(stage, place);
        else if (!Directory.Exists(place))
            throw new IaaSException(ErrorKind.InvalidData, "StageMissing", $"{stage}: the imported disks are no longer there.", "Import the machine again.", stage);
        return Task.CompletedTask;
    }

    public Task UndefineAsync(Guid id)
    {
        Delete(Layout.Machine(id).Folder);
        return Task.CompletedTask;
    }

    public async Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (options.PublishFrom.Count > 0)
        {
            throw new IaaSException(ErrorKind.NotSupported, "PublishFromNotLocal", "On this computer a published port is open to whoever reaches the address it listens at: 127.0.0.1 for this computer alone.",
                "Leave -PublishFrom out; give the address before the ports, -PublishPort 192.168.1.10:8080:80, and let this computer's firewall choose among those who reach it.", id);
        }

        if (options.Publish is { } ports)
            await _networks.PublishAsync(id, ports, cancellation);
        var machine = await _services.Runner.StartAsync(id, options, notices, cancellation);
        _services.Watcher.Ensure(notices);
        await _services.Networks.SyncAsync(machine, notices, cancellation);
        return machine;
    }

    public Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _services.Runner.StopAsync(id, options, notices, cancellation);

    public async Task<VirtualMachine> RestartAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using (var owned = await _services.Keeper.OwnAsync(id, cancellation))
        {
            var decision = MachineLifecycle.Decide(owned.Machine.State, MachineRequest.Restart);
            if (decision.Verdict == Verdict.Deny && !options.Force)
                throw MachineRunner.Denied(owned.Machine, decision);
        }

        await _services.Runner.StopAsync(id, options with { StayProvisioned = true }, notices, cancellation);
        return await StartAsync(id, new StartOptions(), notices, cancellation);
    }

    public async Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await _services.Runner.ResumeAsync(id, notices, cancellation);
        _services.Watcher.Ensure(notices);
        return machine;
    }

    public async Task RemoveAsync(Guid id, bool force, bool keepDisks, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (force)
            await _services.Runner.StopAsync(id, new StopOptions { Force = true }, notices, cancellation);
        using var owned = await _services.Keeper.OwnAsync(id, cancellation);
        var decision = MachineLifecycle.Decide(owned.Machine.State, MachineRequest.Remove);
        if (decision.Verdict == Verdict.Deny)
            throw MachineRunner.Denied(owned.Machine, decision);
        new MachineRemover(_services, Layout).Check(owned, keepDisks);
        cancellation.ThrowIfCancellationRequested();
        new MachineRemover(_services, Layout).Remove(owned, keepDisks, notices);
    }

    public Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _waiter.WaitAsync(id, options, notices, cancellation);

    public IAsyncEnumerable<string> ReadConsoleAsync(Guid id, int? tail, bool follow, CancellationToken cancellation) =>
        ConsoleLog.ReadLinesAsync(Layout.Machine(id).Console, tail, follow, cancellation);

    public void Dispose()
    {
        _watcher.Dispose();
        _services.Places.Dispose();
        _services.Hypervisor.Dispose();
    }

    private async Task<VirtualMachine> LookAsync(StoredMachine stored, CancellationToken cancellation)
    {
        try
        {
            return _services.Links.Describe(await _services.Keeper.LookAsync(stored, cancellation));
        }
        catch (Exception e) when (e is IaaSException or IOException or UnauthorizedAccessException)
        {
            // A listing shows what is broken, it does not throw.
            stored.Machine.State = MachineState.Unknown;
            stored.Machine.StateReason = e.Message;
            return stored.Machine;
        }
    }

    /// <summary>Finishes removals that were cut off after the machine was gone.</summary>
    private void RemoveLeftovers()
    {
        foreach (var folder in Directory.EnumerateDirectories(Layout.Machines, FabricLayout.RemovedPrefix + "*"))
        {
            if (Guid.TryParse(Path.GetFileName(folder)[FabricLayout.RemovedPrefix.Length..], out var id) && _services.Store.Machines.Find(id) is null)
                Delete(folder);
        }
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
