using AzureIaaS.Hosts;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Fabric;

/// <summary>
/// Gives machines their places. One at a time in the whole fabric: two that fit singly may not fit together. Its picture of the fabric is kept
/// while no other process has written anything, since drawing it anew for each of ten thousand machines would take minutes.
/// </summary>
internal sealed class PlaceKeeper(IStateStore store, IHypervisor hypervisor) : IDisposable
{
    private const string LockName = "placement";
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private readonly object _gate = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly MachinePicture _machines = new(store.Machines);
    private PlacementMap? _map;
    private long _version;
    private long _hosts;

    /// <summary>Where a machine would go.</summary>
    /// <param name="need">What it needs.</param>
    public Placement Choose(PlacementNeed need)
    {
        lock (_gate)
            return Map().Choose(need);
    }

    /// <summary>What a machine needs; one that has kept its place stays there while its host is up.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="options">How it is started.</param>
    public PlacementNeed NeedOf(VirtualMachine machine, StartOptions options)
    {
        var kept = machine.Host is { } host && store.Hosts.Find(host)?.State == HostState.Up ? host : null;
        return PlacementNeed.Of(machine) with { Overcommit = options.Overcommit, Only = kept };
    }

    /// <summary>Gives a machine a place, and writes it down.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="need">What it needs.</param>
    /// <param name="write">Writes the machine, whose host is set, before anyone else has a turn.</param>
    /// <param name="cancellation">Stops waiting for the turn.</param>
    /// <exception cref="IaaSException">No host has room, or this computer has not the memory.</exception>
    public async Task<Placement> ClaimAsync(OwnedMachine owned, PlacementNeed need, Action write, CancellationToken cancellation)
    {
        using var turn = await TakeTurnAsync(cancellation);
        var placement = Choose(need);
        if (placement.Host is null)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "NoHostFits", placement.Reason,
                "Stop another machine, add a host with New-IaaSHost or bring one back with Resume-IaaSHost, or insist with -Overcommit.", owned.Machine.Name);
        }

        CheckMemory(owned.Machine, need.Overcommit);
        owned.Machine.Host = placement.Host;
        write();
        return placement;
    }

    /// <summary>Nobody else gives a place away until this is disposed: a host that changes its state must not be given a machine in the same moment.</summary>
    /// <param name="cancellation">Stops waiting for the turn.</param>
    public async Task<IDisposable> TakeTurnAsync(CancellationToken cancellation)
    {
        // Within this process turns are handed over at once; only another process has to be asked again and again.
        await _turn.WaitAsync(cancellation);
        try
        {
            var held = await store.Locks.AcquireAsync(LockName, Within, cancellation)
                ?? throw new IaaSException(ErrorKind.Busy, "PlacementBusy", $"Places are being given away by {store.Locks.DescribeHolder(LockName) ?? "another process"} for a long time.", "Wait for that to end, then try again.");
            return new Turn(held, _turn);
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    /// <summary>Notes what this process has changed of a machine.</summary>
    /// <param name="machine">The machine.</param>
    public void Note(VirtualMachine machine)
    {
        lock (_gate)
        {
            if (machine.Host is { } host)
                _map?.Reserve(PlacementNeed.Of(machine), host);
            else
                _map?.Release(machine.Id);
        }
    }

    /// <summary>Forgets the picture: a host has changed.</summary>
    public void Forget()
    {
        lock (_gate)
            _map = null;
    }

    public void Dispose() => _turn.Dispose();

    private sealed class Turn(IDisposable held, SemaphoreSlim turn) : IDisposable
    {
        private IDisposable? _held = held;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _held, null) is not { } mine)
                return;
            mine.Dispose();
            turn.Release();
        }
    }

    private PlacementMap Map()
    {
        var version = store.Version;
        if (_map is not null && version == _version)
            return _map;
        _version = version;
        var hosts = store.Hosts.Change;
        var changes = _machines.Refresh();
        if (_map is null || hosts != _hosts)
        {
            _hosts = hosts;
            return _map = new PlacementMap(store.Hosts.List(), _machines.All.Select(m => m.Machine));
        }

        foreach (var machine in changes.Written.Select(m => m.Machine))
            Note(machine);
        foreach (var id in changes.Removed)
            _map.Release(id);
        return _map;
    }

    /// <summary>Refuses a machine whose memory this computer has not: what running guests were promised and have not touched yet counts as taken.</summary>
    private void CheckMemory(VirtualMachine machine, bool overcommit)
    {
        if (overcommit || !hypervisor.UsesMemory)
            return;
        var promised = store.Machines.List().Where(s => s.Machine.State.IsActive() && s.Machine.Id != machine.Id)
            .Sum(s => Math.Max(0, s.Machine.Memory - (s.Machine.ProcessId is { } pid ? ProcessTable.ResidentMemory(pid) : 0)));
        var free = HostMemory.Available() - promised;
        if (machine.Memory <= free)
            return;
        throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughMemory",
            $"{machine.Name} needs {ByteSize.Format(machine.Memory)} of memory, and this computer has {ByteSize.Format(Math.Max(0, free))} left, whatever its hosts offer.",
            "Stop another machine, give this one less memory, or insist with -Overcommit.", machine.Name);
    }
}
