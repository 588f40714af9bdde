namespace AzureIaaS.Simulation.Engine;

/// <summary>What fails and is repaired.</summary>
internal sealed partial class FleetRun
{
    private readonly Crews _crews;
    private readonly int[][] _machinesOfUnit;
    private readonly bool[] _unitIsDown;
    private int _struck;   // machines that the failure under way has interrupted

    /// <summary>Whether nothing is down.</summary>
    public bool IsAllClear => _downSources == 0 && _downMachines == 0;

    private static int[][] UnitMembers(Fleet fleet)
    {
        if (fleet.Model.Failures.Storage.Kind == LawKind.Never)
            return [];
        var units = new List<int>[fleet.RegionOfZone.Length * fleet.Model.Failures.StorageUnits];
        for (var machine = 0; machine < fleet.MachineCount; machine++)
            (units[fleet.StorageUnitOf(machine)] ??= []).Add(machine);
        return [.. units.Select(u => u?.ToArray() ?? [])];
    }

    private void ScheduleFailure(int source)
    {
        ref readonly var status = ref _sources[source];
        if (status.OnlyHost < 0 && _fleet.Sources[source].FailsAt is { } told)
        {
            if (status.Round == 0)
                Schedule(told, EventKind.Failed, source);
            return;
        }

        var between = _laws[status.Between];
        if (between.Kind == LawKind.Never)
            return;
        Schedule(Clock.After(_now, between.Draw(_chance.Uniform(status.Identity, Purpose.TimeToFailure, status.Round))), EventKind.Failed, source);
    }

    private void Fail(int source)
    {
        ref var status = ref _sources[source];
        if (status.IsDown)
            return;   // a forced failure came first
        status.IsDown = true;
        status.Round++;
        _downSources++;
        if (Story is not null)
            Tell(EventKind.Failed, _fleet.Sources[source].Name);
        status.BackAt = Clock.Never;
        if (status.Crews < 0 || _crews.TryTake(status.Crews, source))
            BeginRepair(source);
        _struck = 0;
        if (status.OnlyHost >= 0)
            LoseHost(status.OnlyHost, source);
        else
            FailSeveral(source, status.BackAt);
        _ledger.Struck(status.Cause, _struck, _now);
    }

    private void FailSeveral(int source, long back)
    {
        var spec = _fleet.Sources[source];
        if (spec.StorageUnit >= 0)
            LoseStorage(spec, source, back);
        foreach (var host in spec.Hosts)
            LoseHost(host, source);
        var round = _sources[source].Round;
        if (spec.IsDisaster && _model.Replication is { } copy)
            Schedule(Clock.After(_now, copy.Decision.Draw(_chance.Uniform(spec.Identity, Purpose.Decision, round))), EventKind.Decided, source, round);
    }

    private void BeginRepair(int source)
    {
        ref var status = ref _sources[source];
        status.BackAt = Clock.After(_now, _laws[status.Repair].Draw(_chance.Uniform(status.Identity, Purpose.Repair, status.Round)));
        Schedule(status.BackAt, EventKind.Repaired, source);
    }

    private void Repair(int source)
    {
        ref var status = ref _sources[source];
        status.IsDown = false;
        _downSources--;
        if (Story is not null)
            Tell(EventKind.Repaired, _fleet.Sources[source].Name);
        if (status.Crews >= 0 && _crews.GiveBack(status.Crews) is var next and >= 0)
            BeginRepair(next);
        if (status.OnlyHost >= 0)
            RegainHost(status.OnlyHost);
        else
            RepairSeveral(source);
        if (!IsDriven)
            ScheduleFailure(source);
    }

    private void RepairSeveral(int source)
    {
        var spec = _fleet.Sources[source];
        if (spec.StorageUnit >= 0)
            RegainStorage(spec);
        foreach (var host in spec.Hosts)
            RegainHost(host);
        if (spec.IsDisaster && _model.Replication is { } copy)
            Schedule(Clock.After(_now, copy.FailbackAfter.TotalSeconds), EventKind.FailedBack, source);
    }

    private void LoseHost(int host, int source)
    {
        ref var status = ref _hosts[host];
        if (status.Down++ > 0)
            return;
        status.Round++;
        _board.SetUp(host, false);
        _index.Changed(host);
        var phase = _heals ? OutagePhase.Detection : OutagePhase.Repair;
        var cause = _sources[source].Cause;
        foreach (var machine in _members[host])
            GoDown(machine, phase, cause, source);
        (status.Starting, status.FirstQueued, status.LastQueued) = (0, Nobody, Nobody);
        if (_heals && _members[host].Length > 0)
        {
            var detection = _model.Recovery.Detection;
            var seconds = detection.IsFixed ? detection.Mean : detection.Draw(_chance.Uniform(_sources[host].Identity, Purpose.Detection, status.Round));
            Schedule(Clock.After(_now, seconds), EventKind.HostDetected, host, status.Round);
        }
    }

    // What an event will touch lies anywhere in a memory that is larger than the cache. It is fetched while the event comes near: first what is known
    // of a host, and when that is there, the machines on it.
    private void Expect(ulong key)
    {
        var host = EventKey.Thing(key);
        if (EventKey.Kind(key) is not (EventKind.Failed or EventKind.Repaired) || host >= _hosts.Length)
            return;
        _sources.Prefetch(host);
        _hosts.Prefetch(host);
        _members.Prefetch(host);
        _index.Prefetch(host);
    }

    private void Prepare(ulong key)
    {
        var thing = EventKey.Thing(key);
        if (EventKey.Kind(key) == EventKind.Started)
        {
            _machines.Prefetch(thing);
        }
        else if (EventKey.Kind(key) == EventKind.Failed && thing < _hosts.Length)
        {
            foreach (var machine in _members[thing])
                _machines.Prefetch(machine);
        }
    }

    private void RegainHost(int host)
    {
        ref var status = ref _hosts[host];
        if (--status.Down > 0)
            return;
        status.Round++;
        Offer(host);
        // What had not been taken elsewhere by now starts where it was.
        foreach (var machine in _members.Sorted(host))
        {
            ref var machineStatus = ref _machines[machine];
            if (machineStatus.Phase is OutagePhase.Detection or OutagePhase.Repair)
                RequestStart(machine, ref machineStatus);
        }

        if (_lackRoom > 0)
            GiveRoom(host);
    }

    private void Offer(int host)
    {
        _board.SetUp(host, _hosts[host].Down == 0 && !_hosts[host].IsDraining);
        _index.Changed(host);
    }

    private void LoseStorage(FailureSource spec, int source, long back)
    {
        _unitIsDown[spec.StorageUnit] = true;
        // So short an outage only freezes its machines: they go on by themselves.
        var brief = back - _now <= Clock.Ticks(_model.Failures.StorageGrace.TotalSeconds);
        foreach (var machine in _machinesOfUnit[spec.StorageUnit])
        {
            ref var status = ref _machines[machine];
            if (status.IsAway)
                continue;
            if (status.IsUp || status.Phase == OutagePhase.Planned)
            {
                GoDown(machine, OutagePhase.Storage, OutageCause.Storage, source);
                status.IsFrozen = brief;
            }
            else if (status.Phase is OutagePhase.Boot)
            {
                LeaveSlot(machine);
                Advance(machine, OutagePhase.Storage);
            }
        }
    }

    private void RegainStorage(FailureSource spec)
    {
        _unitIsDown[spec.StorageUnit] = false;
        foreach (var machine in _machinesOfUnit[spec.StorageUnit])
        {
            ref var status = ref _machines[machine];
            if (status.Phase != OutagePhase.Storage || status.IsAway)
                continue;
            if (status.IsFrozen)
                ComeUp(machine, ref status);
            else
                RequestStart(machine, ref status);
        }
    }
}
