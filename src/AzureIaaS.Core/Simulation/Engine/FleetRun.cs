using System.Runtime.CompilerServices;
using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// One fleet over one stretch of time: the discrete-event simulation itself. It can be run again and again; each run depends on the seed and the
/// number of the replication, and on nothing else.
/// </summary>
internal sealed partial class FleetRun
{
    private const int Nobody = -1;

    private readonly Fleet _fleet;
    private readonly FleetModel _model;
    private readonly EventQueue _events;
    private readonly AlignedArray<MachineStatus> _machines;
    private readonly MachineExtra[] _extras;
    private readonly AlignedArray<HostStatus> _hosts;
    private readonly AlignedArray<SourceStatus> _sources;
    private readonly SourceStatus[] _freshSources;
    private readonly Law[] _laws;
    private readonly HostMembers _members;
    private readonly WaitingList[] _waiting;
    private readonly Ledger _ledger;
    private readonly bool _heals;
    private readonly bool _hasToWait;   // whether anything but slots can hold a start back
    private readonly int _slots;      // starts at once on a host
    private readonly long _boot;      // in ticks, where it always takes as long; else negative
    private HostBoard _board;
    private HostIndex _index;
    private Chance _chance;
    private long _now;
    private long _end;
    private int _downSources;
    private int _downMachines;
    private int _lackRoom;   // machines that wait for room on any host

    /// <summary>Prepares runs of a fleet.</summary>
    /// <param name="fleet">The fleet.</param>
    public FleetRun(Fleet fleet)
    {
        _fleet = fleet;
        _model = fleet.Model;
        _events = new EventQueue(Expect, Prepare);
        _machines = new AlignedArray<MachineStatus>(fleet.MachineCount);
        _extras = new MachineExtra[fleet.MachineCount];
        _hosts = new AlignedArray<HostStatus>(fleet.HostCount);
        _laws = [.. fleet.Sources.SelectMany(s => new[] { s.Between, s.Repair }).Distinct()];
        var numbers = _laws.Select((law, i) => (law, i)).ToDictionary(l => l.law, l => l.i);
        _freshSources = [.. fleet.Sources.Select(s => SourceStatus.Of(s, numbers))];
        _sources = new AlignedArray<SourceStatus>(_freshSources.Length);
        _members = new HostMembers(fleet.HostCount, fleet.MachineCount / Math.Max(1, fleet.HostCount));
        _waiting = [.. Enumerable.Range(0, fleet.PoolCount).Select(_ => new WaitingList(_machines))];
        _crews = new Crews(fleet.RegionCount, _model.Failures.Crews);
        _ledger = new Ledger(fleet, _machines, _extras);
        (_heals, _slots) = (_model.Recovery.Healing, _model.Recovery.Slots > 0 ? _model.Recovery.Slots : int.MaxValue);
        _boot = _model.Recovery.Boot is { IsFixed: true } boot ? Clock.Ticks(boot.Mean) : -1;
        (_board, _index) = NewBoard();
        _machinesOfUnit = UnitMembers(fleet);
        _unitIsDown = new bool[_machinesOfUnit.Length];
        _guestFailures = new int[_model.Failures.Guest.Kind == LawKind.Never ? 0 : fleet.MachineCount];
        _waiters = new List<int>[fleet.Requirements.Conditions.Length];
        _hasToWait = _unitIsDown.Length > 0 || _waiters.Length > 0;
    }

    /// <summary>What the run has seen.</summary>
    public Ledger Ledger => _ledger;

    /// <summary>How many events have been taken from the queue.</summary>
    public long Events { get; private set; }

    /// <summary>A number that two runs share only when they saw the same events at the same times.</summary>
    public ulong Fingerprint { get; private set; }

    /// <summary>Whether failures are chosen from outside, and none comes by itself.</summary>
    public bool IsDriven { get; init; }

    /// <summary>Receives every event in words, for tests and stories; null for none.</summary>
    public Action<StoryEvent>? Story { get; set; }

    /// <summary>Runs.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="replication">The number of the replication.</param>
    /// <param name="end">How long, in ticks.</param>
    /// <param name="warmUp">How much of the beginning does not count, in ticks.</param>
    /// <param name="cancellation">Stops it.</param>
    public void Run(ulong seed, int replication, long end, long warmUp, CancellationToken cancellation = default)
    {
        Reset(seed, replication, end, warmUp);
        for (var source = 0; source < _sources.Length; source++)
            ScheduleFailure(source);
        if (_model.Failures.Guest.Kind != LawKind.Never)
        {
            for (var machine = 0; machine < _machines.Length; machine++)
                ScheduleGuestFailure(machine);
        }

        if (_model.Maintenance is { } plan)
            Schedule(Clock.Ticks(plan.Interval.TotalSeconds), EventKind.MaintenanceBegan, 0);
        Live(cancellation);
        Finish();
    }

    // Most of what happens are starts, and most of those come in turn: they go straight to where they belong.
    private void Live(CancellationToken cancellation)
    {
        while (true)
        {
            if ((Events & 0xFFFF) == 0)
                cancellation.ThrowIfCancellationRequested();
            // Each into a variable of its own: one that is given away by reference could not stay in a register.
            if (_events.TryTakeInTurn(out var start))
            {
                Note(start);
                var machine = EventKey.Thing(start.Key);
                ref var status = ref _machines[machine];
                if (EventKey.IsRound(start.Key, status.Round))
                    Started(machine, ref status);
            }
            else if (_events.TryTake(out var next))
            {
                Happen(next);
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Puts everything back to where it begins: all hosts and machines up.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="replication">The number of the replication.</param>
    /// <param name="end">How long, in ticks.</param>
    /// <param name="warmUp">How much of the beginning does not count, in ticks.</param>
    /// <param name="placement">The host of each machine; null for the first ones.</param>
    public void Reset(ulong seed, int replication, long end, long warmUp, int[]? placement = null)
    {
        (_chance, _now, _end, Events, Fingerprint) = (new Chance(seed, replication), 0, end, 0, 14695981039346656037);
        (_downSources, _downMachines, _lackRoom, _round, _roundBegan) = (0, 0, 0, 0, 0);
        _events.Clear();
        for (var source = 0; source < _freshSources.Length; source++)
            _sources[source] = _freshSources[source];
        for (var host = 0; host < _hosts.Length; host++)
            _hosts[host] = new HostStatus { FirstQueued = Nobody, LastQueued = Nobody };
        Array.Fill(_extras, new MachineExtra { Month = Nobody });
        _members.Clear();
        foreach (var waiting in _waiting)
            waiting.Clear();
        (_board, _index) = NewBoard();
        for (var machine = 0; machine < _machines.Length; machine++)
        {
            _machines[machine] = new MachineStatus { Host = Nobody, Queued = Nobody, Source = Nobody, Class = _fleet.ClassOf[machine], HomePool = _fleet.HomePool[machine] };
            Settle(machine, (placement ?? _fleet.FirstHost)[machine], indexed: false);
        }

        for (var host = 0; host < _hosts.Length; host++)
            _index.Changed(host);
        _crews.Reset();
        foreach (var waiters in _waiters)
            waiters?.Clear();
        _ledger.Reset(warmUp, end);
        Array.Clear(_guestFailures);
        Array.Clear(_unitIsDown);
        ResetConditions();
    }

    private (HostBoard Board, HostIndex Index) NewBoard()
    {
        var board = new HostBoard(_fleet.Hosts);
        return (board, new HostIndex(board, _fleet.Sizes, _fleet.HostPool, _fleet.HasSets));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Schedule(long time, EventKind kind, int thing, int round = 0)
    {
        if (time <= _end)   // what comes later is not seen
            _events.Add(time, EventKey.Of(kind, thing, round));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Note(in Event next)
    {
        Events++;
        _now = next.Time;
        Fingerprint = (ulong.RotateLeft(Fingerprint, 7) ^ (ulong)next.Time ^ next.Key) * 1099511628211;
    }

    private void Happen(in Event next)
    {
        Note(next);
        var thing = EventKey.Thing(next.Key);
        switch (EventKey.Kind(next.Key))
        {
            case EventKind.Failed:
                Fail(thing);
                break;
            case EventKind.Repaired:
                Repair(thing);
                break;
            case EventKind.Started when EventKey.IsRound(next.Key, _machines[thing].Round):
                Started(thing, ref _machines[thing]);
                break;
            case EventKind.HostDetected when EventKey.IsRound(next.Key, _hosts[thing].Round):
                Evacuate(thing);
                break;
            case EventKind.GuestFailed:
                FailGuest(thing);
                break;
            case EventKind.GuestDetected when EventKey.IsRound(next.Key, _machines[thing].Round):
                RequestStart(thing, ref _machines[thing]);
                break;
            case EventKind.PlannedEnded when EventKey.IsRound(next.Key, _machines[thing].Round):
                ComeUp(thing, ref _machines[thing]);
                break;
            case EventKind.MaintenanceBegan:
                BeginMaintenance(thing);
                break;
            case EventKind.MaintenanceEnded:
                EndMaintenance(thing);
                break;
            case EventKind.Decided when EventKey.IsRound(next.Key, _sources[thing].Round):
                LeaveRegion(thing);
                break;
            case EventKind.FailedBack:
                ComeHome(thing);
                break;
        }
    }

    private void Finish()
    {
        _now = _end;
        _ledger.Finish(_now);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Tell(EventKind kind, string what, int machine = Nobody)
    {
        if (Story is not null)
            TellStory(kind, what, machine);
    }

    private void TellStory(EventKind kind, string what, int machine)
    {
        var (name, host) = machine >= 0 ? (_fleet.NameOf(machine), _machines[machine].Host) : (null, Nobody);
        Story!(new StoryEvent(TimeSpan.FromMicroseconds(_now), kind.ToString(), what, name, host >= 0 ? _fleet.HostNames[host] : null));
    }
}

/// <summary>Something that happened, in words.</summary>
/// <param name="Time">When, from the beginning.</param>
/// <param name="Kind">What sort of thing: <c>Failed</c>, <c>Repaired</c>, <c>Started</c>, <c>Placed</c>.</param>
/// <param name="What">What it happened to.</param>
/// <param name="Machine">The machine; null for none.</param>
/// <param name="Host">The host that the machine is on afterwards; null for none.</param>
public sealed record StoryEvent(TimeSpan Time, string Kind, string What, string? Machine, string? Host);
