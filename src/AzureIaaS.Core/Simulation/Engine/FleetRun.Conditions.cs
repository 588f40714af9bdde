using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>What machines mean for applications, and for machines that start after others.</summary>
internal sealed partial class FleetRun
{
    private readonly List<int>?[] _waiters;
    private int[] _met = [];        // machines up, by condition
    private int[] _lacking = [];    // unmet conditions and unavailable dependencies, by application

    /// <summary>Whether an application is unavailable.</summary>
    public bool IsUnavailable(int application) => _lacking[application] > 0;

    private void ResetConditions()
    {
        _met = [.. _fleet.Requirements.Conditions.Select(c => c.Of)];
        _lacking = new int[_fleet.Requirements.ApplicationCount];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountDown(int machine, OutageCause cause, int source)
    {
        if (_met.Length > 0)
            CountDownConditions(machine, cause, source);
    }

    private void CountDownConditions(int machine, OutageCause cause, int source)
    {
        foreach (var condition in _fleet.Requirements.Of(machine))
        {
            ref readonly var needs = ref _fleet.Requirements.Conditions[condition];
            if (_met[condition]-- == needs.Needed && needs.Application >= 0)
                Lack(needs.Application, cause, source);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountUp(int machine)
    {
        if (_met.Length > 0)
            CountUpConditions(machine);
    }

    private void CountUpConditions(int machine)
    {
        foreach (var condition in _fleet.Requirements.Of(machine))
        {
            ref readonly var needs = ref _fleet.Requirements.Conditions[condition];
            if (++_met[condition] != needs.Needed)
                continue;
            if (needs.Application >= 0)
                Regain(needs.Application);
            else if (_waiters[condition] is { Count: > 0 } waiting)
                Release(condition, waiting);
        }
    }

    private void Release(int condition, List<int> waiting)
    {
        // Those that start may wait again, for something else; so the list is taken away first.
        _waiters[condition] = null;
        foreach (var machine in waiting)
        {
            ref var status = ref _machines[machine];
            if (status.Phase == OutagePhase.Order)
                RequestStart(machine, ref status);
        }
    }

    private void Lack(int application, OutageCause cause, int source)
    {
        if (_lacking[application]++ > 0)
            return;
        _ledger.ApplicationDown(application, cause, source, _now);
        foreach (var dependent in _fleet.Requirements.Dependents[application])
            Lack(dependent, cause, source);
    }

    private void Regain(int application)
    {
        if (--_lacking[application] > 0)
            return;
        _ledger.ApplicationUp(application, _now);
        foreach (var dependent in _fleet.Requirements.Dependents[application])
            Regain(dependent);
    }
}
