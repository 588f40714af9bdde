namespace AzureIaaS.Simulation.Engine;

/// <summary>Walks through cycles from all up to all up, with failures more likely than they are, and keeps the likelihood ratio.</summary>
internal sealed class BiasedWalk(Fleet fleet, BiasPlan plan, ulong seed)
{
    private const int LongestCycle = 100_000;   // events; a fleet that is never whole has no cycles

    private readonly FleetRun _run = new(fleet) { IsDriven = true };
    private readonly List<int> _relevant = [];
    private readonly Dictionary<int, double> _shares = [];
    private Chance _chance;
    private int _draws;
    private double _weight;
    private double _upShare;

    /// <summary>Where the machines are: at the beginning of the next cycle, which ends where the natural one before it did.</summary>
    public int[] Placement { get; } = [.. fleet.FirstHost];

    /// <summary>Walks one cycle as it comes, and goes on from where it ends.</summary>
    /// <param name="number">Its number: it gives the cycle its random numbers.</param>
    /// <returns>Its length, and the time that machines of the application were down, in ticks.</returns>
    public (double Length, double Degraded) Natural(int number)
    {
        var degraded = Walk(number, bias: 0);
        for (var machine = 0; machine < Placement.Length; machine++)
            Placement[machine] = _run.HostOf(machine);
        // The time until the first failure is known on average, and needs no chance.
        return ((Clock.PerSecond / plan.Total) + _run.Now, degraded);
    }

    /// <summary>Walks one cycle with more failures than there are, and stays where it began.</summary>
    /// <param name="number">Its number: it gives the cycle its random numbers.</param>
    /// <param name="bias">The rate of failures, a second, that is added while machines of the application are down.</param>
    /// <returns>The time that the application was unavailable, in ticks, weighted by the likelihood ratio.</returns>
    public double Biased(int number, double bias)
    {
        Walk(number, bias);
        var totals = _run.Ledger.Applications[plan.Application];
        return _weight * (totals.Down + totals.Planned);
    }

    private double Walk(int number, double bias)
    {
        _run.Reset(seed, number, Clock.Never - 1, 0, Placement);
        (_chance, _draws, _weight) = (new Chance(seed ^ 0x5DEECE66D, number), 0, 1);
        var isBiased = bias > 0;
        if (isBiased)
            Shares();
        FailFirst(isBiased);
        long degraded = 0;
        for (var steps = 0; !_run.IsAllClear && steps < LongestCycle; steps++)
        {
            isBiased &= !_run.IsUnavailable(plan.Application);   // once it has happened, the rest goes its natural way
            var isDegraded = _run.IsDegraded(plan.Conditions);
            var extra = isBiased && isDegraded ? bias : 0;
            if (extra > 0)
                Shares();
            var wait = Clock.Ticks(-Math.Log(Draw()) / (plan.Total + extra));
            var (from, next) = (_run.Now, _run.NextTime);
            var failsAt = wait == Clock.Never ? Clock.Never : from + wait;
            var until = Math.Min(next, failsAt);
            if (until == Clock.Never)
                break;
            if (isDegraded)
                degraded += until - from;
            if (extra > 0)
                _weight *= Math.Exp(extra * _upShare * (until - from) / Clock.PerSecond);
            if (next <= failsAt)
                _run.Step();
            else
                Fail(failsAt, extra);
        }

        return degraded;
    }

    // Half of the first failures are chosen among what the application depends on.
    private void FailFirst(bool isBiased)
    {
        var what = isBiased && Draw() < 0.5 ? PickRelevant() : plan.Natural(Draw());
        if (isBiased)
        {
            var natural = plan.RateOf(what) / plan.Total;
            _weight *= natural / ((0.5 * natural) + (0.5 * _shares.GetValueOrDefault(what)));
        }

        Strike(what, _run.Now);
    }

    private void Fail(long time, double extra)
    {
        var what = Draw() * (plan.Total + extra) < extra ? PickRelevant() : plan.Natural(Draw());
        var isUp = what >= 0 ? !_run.IsDown(what) : _run.IsUp(-1 - what);
        if (extra > 0 && isUp)
            _weight *= plan.RateOf(what) / (plan.RateOf(what) + (extra * _shares.GetValueOrDefault(what)));
        if (isUp)
            Strike(what, time);
        else
            _run.Wait(time);
    }

    private void Strike(int what, long time)
    {
        if (what >= 0)
            _run.Force(what, time);
        else
            _run.ForceGuest(-1 - what, time);
    }

    private int PickRelevant()
    {
        var at = Draw();
        foreach (var (what, share) in _shares)
        {
            at -= share;
            if (at < 0)
                return what;
        }

        return _shares.Keys.Last();
    }

    // How the added failures are shared out: evenly over the application's machines, and over what each depends on.
    private void Shares()
    {
        _shares.Clear();
        foreach (var machine in plan.Machines)
        {
            plan.Relevant(machine, _run.HostOf(machine), _relevant);
            foreach (var what in _relevant)
                _shares[what] = _shares.GetValueOrDefault(what) + (1.0 / plan.Machines.Length / _relevant.Count);
        }

        _upShare = 0;
        double sum = 0;
        foreach (var (what, share) in _shares)
        {
            sum += share;
            if (what >= 0 ? !_run.IsDown(what) : _run.IsUp(-1 - what))
                _upShare += share;
        }

        if (sum is > 0 and < 1)
        {
            // Some machines have no host now; the rest is shared by the others.
            foreach (var what in _shares.Keys.ToList())
                _shares[what] /= sum;
            _upShare /= sum;
        }
    }

    private double Draw() => _chance.Uniform(0, Purpose.Bias, _draws++);
}
