using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>Machines go down, are placed, queue for a start, start, and are up again.</summary>
internal sealed partial class FleetRun
{
    private readonly int[] _guestFailures;

    private void ScheduleGuestFailure(int machine)
    {
        if (IsDriven)
            return;
        var chance = _chance.Uniform(_fleet.IdentityOf(machine), Purpose.GuestFailure, _guestFailures[machine]++);
        Schedule(Clock.After(_now, _model.Failures.Guest.Draw(chance)), EventKind.GuestFailed, machine);
    }

    private void FailGuest(int machine)
    {
        ScheduleGuestFailure(machine);
        if (!_machines[machine].IsUp)
            return;   // what is down cannot crash
        _struck = 0;
        GoDown(machine, OutagePhase.Detection, OutageCause.Guest, Nobody);
        _ledger.Struck(OutageCause.Guest, _struck, _now);
        var detection = _model.Recovery.GuestDetection;
        var seconds = detection.IsFixed ? detection.Mean : detection.Draw(_chance.Uniform(_fleet.IdentityOf(machine), Purpose.GuestDetection, _guestFailures[machine]));
        Schedule(Clock.After(_now, seconds), EventKind.GuestDetected, machine, _machines[machine].Round);
    }

    // Takes a machine down, or what is down already back to an earlier phase.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GoDown(int machine, OutagePhase phase, OutageCause cause, int source)
    {
        ref var status = ref _machines[machine];
        status.Round++;
        status.IsFrozen = false;
        if (status.Phase is OutagePhase.None or OutagePhase.Planned)
        {
            _ledger.Interrupted(machine, ref status, cause, source, _now);
            if (status.Phase == OutagePhase.None)
            {
                _downMachines++;
                CountDown(machine, cause, source);
            }

            status.Phase = phase;
            _struck++;
            return;
        }

        _ledger.Advanced(ref status, phase, _now);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(int machine, OutagePhase phase)
    {
        ref var status = ref _machines[machine];
        status.Round++;
        _ledger.Advanced(ref status, phase, _now);
    }

    private void ComeUp(int machine)
    {
        ref var status = ref _machines[machine];
        status.Round++;
        _ledger.Close(machine, ref status, _now, isEnd: false);
        status.Phase = OutagePhase.None;
        status.IsFrozen = false;
        _downMachines--;
        Tell(EventKind.Started, "up", machine);
        CountUp(machine);
    }

    // The host's machines are to be started elsewhere.
    private void Evacuate(int host)
    {
        // The host is down: nobody is placed on it meanwhile, and its list can be emptied at once.
        var taken = _members.Sorted(host);
        _members.Empty(host);
        var classes = _fleet.Classes;
        foreach (var machine in taken)
        {
            ref var status = ref _machines[machine];
            _board.Take(host, classes[status.Class].Need, -1);
            status.Host = Nobody;
            Place(machine);
        }
    }

    private void Leave(int machine)
    {
        ref var status = ref _machines[machine];
        if (status.Phase == OutagePhase.Slot)
            LeaveQueue(machine);
        else if (status.Phase == OutagePhase.Boot)
            LeaveSlot(machine);
        if (status.Host < 0)
        {
            _waiting[PoolOf(machine)].Remove(machine);
            return;
        }

        _members.Remove(status.Host, machine);
        _board.Take(status.Host, _fleet.Classes[status.Class].Need, -1);
        _index.Changed(status.Host);
        status.Host = Nobody;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Settle(int machine, int host, bool indexed = true)
    {
        ref var status = ref _machines[machine];
        status.Host = host;
        _members.Add(host, machine);
        _board.Take(host, _fleet.Classes[status.Class].Need, 1);
        if (indexed)
            _index.Changed(host);
    }

    private int ChooseFor(int machine)
    {
        ref readonly var kind = ref _fleet.Classes[_machines[machine].Class];
        return _index.Choose(kind.Size, kind.Set, PoolOf(machine));
    }

    private int PoolOf(int machine) => _machines[machine].IsAway ? AwayPool(machine) : _machines[machine].HomePool;

    private void Place(int machine)
    {
        var host = ChooseFor(machine);
        if (host < 0)
        {
            _machines[machine].LackedRoom = true;
            Advance(machine, OutagePhase.Capacity);
            _waiting[PoolOf(machine)].Add(machine);
            _ledger.LackedRoom(1, _now);
            return;
        }

        Settle(machine, host);
        Tell(EventKind.HostDetected, "placed", machine);
        RequestStart(machine);
    }

    // A host is back: those that wait for room get it, in the order in which they came.
    private void GiveRoom(int host)
    {
        var waiting = _waiting[_fleet.HostPool[host]];
        for (var machine = waiting.First; machine >= 0 && _board[host].IsUp;)
        {
            var next = _machines[machine].Next;
            var chosen = ChooseFor(machine);
            if (chosen >= 0)
            {
                waiting.Remove(machine);
                _ledger.LackedRoom(-1, _now);
                Settle(machine, chosen);
                Tell(EventKind.HostDetected, "placed", machine);
                RequestStart(machine);
            }
            else if (_fleet.Sizes.Length == 1)
            {
                break;   // the others need as much
            }

            machine = next;
        }
    }

    // A machine has a place on a host that is up: it starts as soon as its storage, its order and a slot allow.
    private void RequestStart(int machine)
    {
        ref var status = ref _machines[machine];
        if (_unitIsDown.Length > 0 && !status.IsAway && _unitIsDown[_fleet.StorageUnitOf(machine)])
        {
            Advance(machine, OutagePhase.Storage);
            return;
        }

        if (_met.Length > 0 && _fleet.Requirements.StartAfter[status.Class] is var condition and >= 0 && _met[condition] == 0)
        {
            Advance(machine, OutagePhase.Order);
            (_waiters[condition] ??= []).Add(machine);
            return;
        }

        ref var host = ref _hosts[status.Host];
        if (host.Starting >= _slots)
        {
            Advance(machine, OutagePhase.Slot);
            status.Queued = Nobody;
            if (host.LastQueued >= 0)
                _machines[host.LastQueued].Queued = machine;
            else
                host.FirstQueued = machine;
            host.LastQueued = machine;
            return;
        }

        host.Starting++;
        Advance(machine, OutagePhase.Boot);
        Schedule(_boot >= 0 ? Clock.After(_now, _boot) : BootDrawn(machine), EventKind.Started, machine, status.Round);
    }

    private long BootDrawn(int machine) =>
        Clock.After(_now, _model.Recovery.Boot.Draw(_chance.Uniform(_fleet.IdentityOf(machine), Purpose.Boot, _extras[machine].Starts++)));

    private void Started(int machine)
    {
        var host = _machines[machine].Host;
        _hosts[host].Starting--;
        ComeUp(machine);
        NextInQueue(host);
    }

    private void LeaveSlot(int machine)
    {
        var host = _machines[machine].Host;
        _hosts[host].Starting--;
        NextInQueue(host);
    }

    private void NextInQueue(int host)
    {
        ref var status = ref _hosts[host];
        while (status.FirstQueued >= 0 && status.Starting < _slots)
        {
            var next = status.FirstQueued;
            status.FirstQueued = _machines[next].Queued;
            if (status.FirstQueued < 0)
                status.LastQueued = Nobody;
            RequestStart(next);
        }
    }

    // Rare: a machine is taken away while it queues.
    private void LeaveQueue(int machine)
    {
        ref var host = ref _hosts[_machines[machine].Host];
        var previous = Nobody;
        for (var at = host.FirstQueued; at >= 0; previous = at, at = _machines[at].Queued)
        {
            if (at != machine)
                continue;
            var next = _machines[at].Queued;
            if (previous >= 0)
                _machines[previous].Queued = next;
            else
                host.FirstQueued = next;
            if (next < 0)
                host.LastQueued = previous;
            return;
        }
    }
}
