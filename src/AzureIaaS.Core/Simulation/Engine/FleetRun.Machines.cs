using System.Runtime.CompilerServices;
using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>Machines go down, are placed, and are up again.</summary>
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
        if (status.IsUp)
        {
            _ledger.Interrupted(ref status, phase, cause, source, _now);
            _downMachines++;
            _struck++;
            CountDown(machine, cause, source);
        }
        else
        {
            GoDownAgain(machine, ref status, phase, cause, source);
        }
    }

    private void GoDownAgain(int machine, ref MachineStatus status, OutagePhase phase, OutageCause cause, int source)
    {
        if (status.Phase == OutagePhase.Planned)
        {
            _ledger.EndPlanned(machine, ref status, _now);
            _ledger.Interrupted(ref status, phase, cause, source, _now);
            _struck++;
        }
        else
        {
            _ledger.Advanced(ref status, phase, _now);
        }
    }

    private void Advance(int machine, OutagePhase phase) => Advance(ref _machines[machine], phase);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(ref MachineStatus status, OutagePhase phase)
    {
        status.Round++;
        _ledger.Advanced(ref status, phase, _now);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ComeUp(int machine, ref MachineStatus status)
    {
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
        if (_index.IsAlike)
        {
            EvacuateAlike(host, taken, classes[0].Need);
            return;
        }

        foreach (var machine in taken)
        {
            ref var status = ref _machines[machine];
            ref readonly var kind = ref classes[status.Class];
            _board.Take(host, kind.Need, -1);
            Place(machine, ref status, kind);
        }
    }

    // As many as a host takes before another comes first go there at once.
    private void EvacuateAlike(int host, ReadOnlySpan<int> taken, in HostNeed need)
    {
        _board.Take(host, need, -taken.Length);
        while (!taken.IsEmpty)
        {
            var target = _index.ChooseAlike(taken.Length, out var several);
            if (target < 0)
            {
                foreach (var machine in taken)
                    WaitForRoom(machine, ref _machines[machine]);
                return;
            }

            _members.Add(target, taken[..several]);
            _board.Take(target, need, several);
            _index.Changed(target);
            ref var status = ref _hosts[target];
            foreach (var machine in taken[..several])
            {
                ref var machineStatus = ref _machines[machine];
                machineStatus.Host = target;
                Tell(EventKind.HostDetected, "placed", machine);
                RequestStart(machine, ref machineStatus, ref status);
            }

            taken = taken[several..];
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
            _waiting[PoolOf(status, machine)].Remove(machine);
            _lackRoom--;
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
        Settle(machine, ref status, _fleet.Classes[status.Class].Need, host);
        if (indexed)
            _index.Changed(host);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Settle(int machine, ref MachineStatus status, in HostNeed need, int host)
    {
        status.Host = host;
        _members.Add(host, machine);
        _board.Take(host, need, 1);
    }

    private int ChooseFor(int machine)
    {
        ref readonly var status = ref _machines[machine];
        ref readonly var kind = ref _fleet.Classes[status.Class];
        return _index.Choose(kind.Size, kind.Set, PoolOf(status, machine));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PoolOf(in MachineStatus status, int machine) => status.IsAway ? AwayPool(machine) : status.HomePool;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Place(int machine, ref MachineStatus status, in MachineClass kind)
    {
        var host = _index.Choose(kind.Size, kind.Set, PoolOf(status, machine));
        if (host < 0)
        {
            WaitForRoom(machine, ref status);
            return;
        }

        Settle(machine, ref status, kind.Need, host);
        _index.Changed(host);
        Tell(EventKind.HostDetected, "placed", machine);
        RequestStart(machine, ref status);
    }

    private void WaitForRoom(int machine, ref MachineStatus status)
    {
        (status.Host, status.LackedRoom) = (Nobody, true);
        Advance(ref status, OutagePhase.Capacity);
        _waiting[PoolOf(status, machine)].Add(machine);
        _lackRoom++;
        _ledger.LackedRoom(1, _now);
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
                _lackRoom--;
                _ledger.LackedRoom(-1, _now);
                Settle(machine, chosen);
                Tell(EventKind.HostDetected, "placed", machine);
                RequestStart(machine, ref _machines[machine]);
            }
            else if (_fleet.Sizes.Length == 1)
            {
                break;   // the others need as much
            }

            machine = next;
        }
    }
}
