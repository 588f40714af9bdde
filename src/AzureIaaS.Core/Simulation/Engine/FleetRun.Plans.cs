namespace AzureIaaS.Simulation.Engine;

/// <summary>What people do: maintenance, and the way to the second region and back.</summary>
internal sealed partial class FleetRun
{
    private int _round;          // of maintenance
    private long _roundBegan;

    private int AwayPool(int machine) => _fleet.SecondPools[_fleet.NumberInGroup(machine) % _fleet.SecondPools.Length];

    private void BeginMaintenance(int wave)
    {
        var plan = _model.Maintenance!;
        if (wave == 0)
            _roundBegan = _now;
        var hosts = _fleet.MaintenanceWaves[wave];
        foreach (var host in hosts)
        {
            _hosts[host].IsDraining = true;
            Offer(host);
        }

        Tell(EventKind.MaintenanceBegan, $"update domain {wave}");
        _struck = 0;
        foreach (var host in hosts)
        {
            // A copy, since those that are moved leave the list.
            foreach (var machine in _members.Sorted(host).ToArray())
            {
                if (_machines[machine].IsUp)
                    Maintain(machine, plan);
            }
        }

        _ledger.Struck(OutageCause.Maintenance, _struck, _now);
        var ended = Clock.After(_now, plan.Duration.TotalSeconds);
        Schedule(ended, EventKind.MaintenanceEnded, wave);
        var isLast = wave == _fleet.MaintenanceWaves.Length - 1;
        var next = isLast ? Math.Max(Clock.After(_roundBegan, plan.Interval.TotalSeconds), ended) : Clock.After(ended, plan.Between.TotalSeconds);
        _round += isLast ? 1 : 0;
        Schedule(next, EventKind.MaintenanceBegan, isLast ? 0 : wave + 1);
    }

    private void Maintain(int machine, MaintenanceModel plan)
    {
        var identity = _fleet.IdentityOf(machine);
        var moves = plan.Mode == MaintenanceMode.LiveMigrate && (plan.Eligible >= 1 || _chance.Uniform(identity, Purpose.Eligible, _round) < plan.Eligible);
        var target = moves ? ChooseFor(machine) : Nobody;
        if (target >= 0)
        {
            Leave(machine);
            Settle(machine, target);
            Tell(EventKind.MaintenanceBegan, "moved", machine);
        }

        var stands = target >= 0 || plan.Mode == MaintenanceMode.Freeze;
        var seconds = stands ? plan.Pause.Draw(_chance.Uniform(identity, Purpose.Pause, _round)) : plan.Duration.TotalSeconds;
        StandStill(machine, seconds);
    }

    private void StandStill(int machine, double seconds)
    {
        ref var status = ref _machines[machine];
        status.Round++;
        Ledger.Planned(ref status, _now);
        _downMachines++;
        _struck++;
        CountDown(machine, OutageCause.Maintenance, Nobody);
        Schedule(Clock.After(_now, seconds), EventKind.PlannedEnded, machine, status.Round);
    }

    private void EndMaintenance(int wave)
    {
        Tell(EventKind.MaintenanceEnded, $"update domain {wave}");
        foreach (var host in _fleet.MaintenanceWaves[wave])
        {
            _hosts[host].IsDraining = false;
            Offer(host);
            if (_lackRoom > 0)
                GiveRoom(host);
        }
    }

    // Somebody has decided: what the disaster still has down goes to the second region.
    private void LeaveRegion(int source)
    {
        if (!_sources[source].IsDown)
            return;
        var spec = _fleet.Sources[source];
        var copy = _model.Replication!;
        Tell(EventKind.Decided, spec.Name);
        for (var machine = 0; machine < _machines.Length; machine++)
        {
            ref var status = ref _machines[machine];
            if (!_fleet.Classes[_fleet.ClassOf[machine]].Replicated || status.IsAway || status.Phase is OutagePhase.None or OutagePhase.Planned || !IsHomeOf(spec, machine))
                continue;
            var lost = copy.Lag.TotalSeconds + (copy.Period.TotalSeconds * _chance.Uniform(_fleet.IdentityOf(machine), Purpose.RecoveryPoint, status.Round));
            _ledger.Recovered(lost, _now);
            if (status.Host < 0)
                _ledger.LackedRoom(-1, _now);
            Leave(machine);
            status.IsAway = true;
            Place(machine, ref status, _fleet.Classes[status.Class]);
        }
    }

    private void ComeHome(int source)
    {
        var spec = _fleet.Sources[source];
        if (_sources[source].IsDown)
            return;   // it was lost again; the way home begins again when it is back
        var isFull = false;
        for (var machine = 0; machine < _machines.Length; machine++)
        {
            ref var status = ref _machines[machine];
            if (!status.IsAway || !IsHomeOf(spec, machine) || status.Phase is OutagePhase.Planned)
                continue;
            ref readonly var kind = ref _fleet.Classes[_fleet.ClassOf[machine]];
            var host = _unitIsDown.Length > 0 && _unitIsDown[_fleet.StorageUnitOf(machine)] ? Nobody : _index.Choose(kind.Size, kind.Set, _fleet.HomePool[machine]);
            if (host < 0)
            {
                isFull = true;
                continue;
            }

            if (status.Host < 0)
                _ledger.LackedRoom(-1, _now);
            Leave(machine);
            status.IsAway = false;
            Settle(machine, host);
            Tell(EventKind.FailedBack, "moved", machine);
            if (status.IsUp)
                StandStill(machine, _model.Replication!.Failback.TotalSeconds);
            else
                RequestStart(machine, ref status);
        }

        if (isFull)
            Schedule(Clock.After(_now, 3600), EventKind.FailedBack, source);   // room may come
    }

    private bool IsHomeOf(FailureSource spec, int machine)
    {
        if (spec.StorageUnit >= 0)
            return _fleet.StorageUnitOf(machine) == spec.StorageUnit;
        var home = _fleet.HomeZone[machine];
        return spec.Cause == OutageCause.Region ? _fleet.RegionOfZone[_fleet.ZoneOfHost[spec.Hosts[0]]] == _fleet.RegionOfZone[home] : Array.Exists(spec.Hosts, h => _fleet.ZoneOfHost[h] == home);
    }
}
