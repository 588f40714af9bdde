using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Failover;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Guests;
using AzureIaaS.Local.Imports;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Networking.Sites;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local;

/// <summary>What this provider can beyond what every provider can; each ability is a class of its own.</summary>
internal sealed partial class LocalProvider
    : IWatchable, IPlacementPreview, IHostProvider, IFailoverProvider, ICheckpointProvider, IMachineEditor, ISuspendProvider, IGuestProvider, IMoveProvider, IOperationProvider, IDiskLender, IFabricNetworks, ISiteProvider, ILinkProvider
{
    private readonly MachineMover _mover;
    private readonly HostKeeper _hosts;
    private readonly Checkpoints _checkpoints;
    private readonly Rehearsals _rehearsals;
    private readonly FailoverService _failovers;
    private readonly FabricWatcher _watcher;
    private readonly MachineEditor _editor;
    private readonly GuestProvider _guests;
    private readonly FabricNetworks _networks;

    public Task<bool> WatchAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation) => _watcher.RunAsync(stay, notices, cancellation);

    public Placement PreviewPlacement(Guid id, StartOptions options) =>
        _services.Places.Choose(_services.Places.NeedOf(_services.Store.Machines.Find(id)!.Machine, options));

    public IReadOnlyList<FabricHost> ListHosts() => _hosts.ListHosts();

    public FabricHost? FindHost(string name) => _hosts.FindHost(name);

    public FabricHost AddHost(FabricHost host) => _hosts.AddHost(host);

    public void RemoveHost(string name) => _hosts.RemoveHost(name);

    public Task<DrainResult> DrainHostAsync(string name, IProgress<Notice> notices, CancellationToken cancellation) => _hosts.DrainHostAsync(name, notices, cancellation);

    public Task<FabricHost> ResumeHostAsync(string name, bool bringBack, IProgress<Notice> notices, CancellationToken cancellation) =>
        _hosts.ResumeHostAsync(name, bringBack, notices, cancellation);

    public Task<IReadOnlyList<FabricHost>> LoseHostsAsync(IReadOnlyList<string> names, IProgress<Notice> notices, CancellationToken cancellation) =>
        _hosts.LoseHostsAsync(names, notices, cancellation);

    public Placement PreviewFailover(Guid id, FailoverOptions options) => _failovers.PreviewFailover(id, options);

    public async Task<FailoverReport> FailOverAsync(Guid id, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var report = await _failovers.FailOverAsync(id, options, notices, cancellation);
        _services.Watcher.Ensure(notices);
        return report;
    }

    public async Task<VirtualMachine> MoveAsync(Guid id, string? to, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var state = (await FindAsync(id, cancellation))?.State;
        return state == MachineState.Running
            ? await _mover.MoveAsync(id, to, MachineMover.DefaultLimit, notices, null, cancellation)
            : await _mover.MovePlaceAsync(id, to, cancellation);
    }

    public Task<VmCheckpoint> CreateCheckpointAsync(Guid id, string name, bool memory, IProgress<Notice> notices, CancellationToken cancellation) =>
        _checkpoints.CreateCheckpointAsync(id, name, memory, notices, cancellation);

    public Task<VirtualMachine> RestoreCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation) =>
        _checkpoints.RestoreCheckpointAsync(id, checkpoint, notices, cancellation);

    public Task RemoveCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation) =>
        _checkpoints.RemoveCheckpointAsync(id, checkpoint, notices, cancellation);

    public Task<VirtualMachine> ChangeAsync(Guid id, MachineChange change, CancellationToken cancellation) => _editor.ChangeAsync(id, change, cancellation);

    public Task<VirtualMachine> AddDiskAsync(Guid id, long length, DiskController controller, CancellationToken cancellation) => _editor.AddDiskAsync(id, length, controller, cancellation);

    public Task<VirtualMachine> RemoveDiskAsync(Guid id, string disk, bool keepFile, CancellationToken cancellation) => _editor.RemoveDiskAsync(id, disk, keepFile, cancellation);

    public Task<VirtualMachine> SuspendAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation) => _editor.SuspendAsync(id, notices, cancellation);

    public Task LendDisksAsync(Guid id, Func<VirtualMachine, Task> work, CancellationToken cancellation) => _editor.LendDisksAsync(id, work, cancellation);

    public Task<byte[]> ScreenshotAsync(Guid id, CancellationToken cancellation) => _guests.ScreenshotAsync(id, cancellation);

    public Task<VmCommandResult> RunCommandAsync(Guid id, string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation) =>
        _guests.RunCommandAsync(id, program, arguments, timeout, cancellation);

    public IReadOnlyList<VirtualNetwork> ListNetworks() => _networks.ListNetworks();

    public VirtualNetwork AddNetwork(VirtualNetwork network) => _networks.AddNetwork(network);

    public VirtualNetwork SetPeers(Guid network, IReadOnlyList<string> peers) => _networks.SetPeers(network, peers);

    public Task RemoveNetworkAsync(Guid network, CancellationToken cancellation) => _networks.RemoveNetworkAsync(network, cancellation);

    public Task<VirtualMachine> JoinAsync(Guid vm, Guid network, JoinOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _networks.JoinAsync(vm, network, options, notices, cancellation);

    public Task<VirtualMachine> ExitAsync(Guid vm, Guid? network, IProgress<Notice> notices, CancellationToken cancellation) =>
        _networks.ExitAsync(vm, network, notices, cancellation);

    public Task<int> RunShellAsync(Guid network, IReadOnlyList<string> command, IProgress<Notice> notices, CancellationToken cancellation) =>
        _networks.RunShellAsync(network, command, notices, cancellation);

    public Task<bool> RunSwitchAsync(Guid network, bool stay, IProgress<Notice> notices, CancellationToken cancellation) =>
        _networks.RunSwitchAsync(network, stay, notices, cancellation);

    public Task<IReadOnlyList<Site>> ListSitesAsync(CancellationToken cancellation) => _services.Sites.ListAsync(cancellation);

    public Task<Site> AddSiteAsync(Site site, Networks.SiteCredential? credential, IProgress<Notice> notices, CancellationToken cancellation) =>
        _services.Sites.AddAsync(site, credential, notices, cancellation);

    public Task RemoveSiteAsync(Guid site, IProgress<Notice> notices, CancellationToken cancellation) => _services.Sites.RemoveAsync(site, notices, cancellation);

    public Task<Networks.DomainFacts> LookForDomainAsync(Guid network, string domain, CancellationToken cancellation) =>
        new DomainProbe(_services).LookAsync(network, domain, cancellation);

    public string ReadSharedKey(Guid site) => _services.Sites.Keys.ReadShared(site);

    public async Task<bool> RunSiteGatewayAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await using var gateway = new SiteGateway(_services, notices);
        return await gateway.RunAsync(stay, cancellation);
    }

    public void EnsureLink(Guid vm, IProgress<Notice> notices)
    {
        if (_services.Store.Machines.Find(vm) is { } stored)
            _services.Links.Ensure([stored.Machine], notices);
        _services.Watcher.Ensure(notices);
    }

    public async Task<bool> RunLinkAsync(Guid vm, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var host = new LinkHost(_services, vm, notices);
        return await host.RunAsync(cancellation);
    }

    public bool Owns(string kind) => kind == Rehearsals.Kind || MachineSagas.Has(kind);

    public async Task EndOperationAsync(Guid operation, bool undo, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var record = _services.Store.Sagas.Find(operation)!;
        if (record.Kind == Rehearsals.Kind)
        {
            using var owner = _services.Store.Locks.TryAcquire(SagaRunner.LockName(operation))
                ?? throw new IaaSException(ErrorKind.Busy, "OperationIsRunning", $"The rehearsal of {record.VmName} is being worked on.", "Wait for that to end.", operation);
            await _rehearsals.UndoAsync(record);
            return;
        }

        // Whoever owns the machine finds what was cut off, and ends it.
        if (Guid.TryParse(record.Source, out var vm) && _services.Store.Machines.Find(vm) is not null)
            (await _services.Keeper.OwnAsync(vm, cancellation)).Dispose();
        if (_services.Store.Sagas.Find(operation) is { IsOpen: true })
            _services.Store.Sagas.Close(operation);   // it had not touched its machine yet
    }
}
