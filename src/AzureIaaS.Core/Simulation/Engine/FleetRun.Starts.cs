using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>Machines start on the host that they have been given, so many at once.</summary>
internal sealed partial class FleetRun
{
    // A machine has a place on a host that is up: it starts as soon as its storage, its order and a slot allow.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RequestStart(int machine, ref MachineStatus status) => RequestStart(machine, ref status, ref _hosts[status.Host]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RequestStart(int machine, ref MachineStatus status, ref HostStatus host)
    {
        if (_hasToWait && IsHeldBack(machine, ref status))
            return;
        if (host.Starting >= _slots)
        {
            Advance(ref status, OutagePhase.Slot);
            status.Queued = Nobody;
            if (host.LastQueued >= 0)
                _machines[host.LastQueued].Queued = machine;
            else
                host.FirstQueued = machine;
            host.LastQueued = machine;
            return;
        }

        host.Starting++;
        Advance(ref status, OutagePhase.Boot);
        ScheduleStart(machine, status.Round);
    }

    private bool IsHeldBack(int machine, ref MachineStatus status)
    {
        if (_unitIsDown.Length > 0 && !status.IsAway && _unitIsDown[_fleet.StorageUnitOf(machine)])
        {
            Advance(ref status, OutagePhase.Storage);
            return true;
        }

        if (_met.Length == 0 || _fleet.Requirements.StartAfter[status.Class] is not (>= 0 and var condition) || _met[condition] > 0)
            return false;
        Advance(ref status, OutagePhase.Order);
        (_waiters[condition] ??= []).Add(machine);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ScheduleStart(int machine, int round)
    {
        var time = _boot >= 0 ? Clock.After(_now, _boot) : BootDrawn(machine);
        if (time > _end)
            return;   // not seen
        var key = EventKey.Of(EventKind.Started, machine, round);
        if (_boot >= 0)
            _events.AddInTurn(time, key);
        else
            _events.Add(time, key);
    }

    private long BootDrawn(int machine) =>
        Clock.After(_now, _model.Recovery.Boot.Draw(_chance.Uniform(_fleet.IdentityOf(machine), Purpose.Boot, _extras[machine].Starts++)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Started(int machine, ref MachineStatus status)
    {
        ref var host = ref _hosts[status.Host];
        host.Starting--;
        ComeUp(machine, ref status);
        if (host.FirstQueued >= 0)
            NextInQueue(ref host);
    }

    private void LeaveSlot(int machine)
    {
        ref var host = ref _hosts[_machines[machine].Host];
        host.Starting--;
        NextInQueue(ref host);
    }

    private void NextInQueue(ref HostStatus host)
    {
        while (host.FirstQueued >= 0 && host.Starting < _slots)
        {
            var next = host.FirstQueued;
            ref var status = ref _machines[next];
            host.FirstQueued = status.Queued;
            if (host.FirstQueued < 0)
                host.LastQueued = Nobody;
            RequestStart(next, ref status, ref host);
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
