namespace AzureIaaS.Simulation.Engine;

/// <summary>What importance sampling needs: failures come from outside, and what follows from them runs as ever.</summary>
internal sealed partial class FleetRun
{
    /// <summary>When the next event of its own is due; <see cref="Clock.Never"/> when there is none.</summary>
    public long NextTime => _events.NextTime;

    public long Now => _now;

    /// <summary>Lets the next event of its own happen.</summary>
    public void Step()
    {
        if (_events.TryTake(out var next))
            Happen(next);
    }

    /// <summary>Whether a source is down.</summary>
    public bool IsDown(int source) => _sources[source].IsDown;

    public bool IsUp(int machine) => _machines[machine].IsUp;

    /// <summary>The host a machine is on; -1 for none.</summary>
    public int HostOf(int machine) => _machines[machine].Host;

    /// <summary>Lets a source fail now.</summary>
    public void Force(int source, long time)
    {
        _now = time;
        Fail(source);
    }

    /// <summary>Lets a machine's guest crash now.</summary>
    public void ForceGuest(int machine, long time)
    {
        _now = time;
        _guestFailures[machine]++;
        FailGuest(machine);
    }

    /// <summary>Lets time pass; no event may be due before.</summary>
    public void Wait(long time) => _now = time;

    /// <summary>Whether any of a set of conditions has fewer machines up than it has machines.</summary>
    public bool IsDegraded(ReadOnlySpan<int> conditions)
    {
        foreach (var condition in conditions)
        {
            if (_met[condition] < _fleet.Requirements.Conditions[condition].Of)
                return true;
        }

        return false;
    }
}
