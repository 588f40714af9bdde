using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Simulation.Statistics;

/// <summary>What all replications together have seen. They are added in the order of their numbers, so the sums do not depend on threads.</summary>
internal sealed class Totals(Fleet fleet, long counted)
{
    private const int Longest = 20;
    private const int FewestForReplications = 10;

    private readonly List<RunSummary> _runs = [];

    public IReadOnlyList<RunSummary> Runs => _runs;

    public long Events { get; private set; }

    public ulong Fingerprint { get; private set; }

    /// <summary>The ticks that count, of all replications.</summary>
    public double Counted => (double)counted * _runs.Count;

    public double Years => Counted / Clock.PerSecond / TimeText.Year;

    public CauseBook Causes { get; } = new();

    public double[] Phases { get; } = new double[CauseBook.Count];

    public OutageHistogram Machines { get; } = new();

    public OutageHistogram Applications { get; } = new();

    public List<(LongOutage Outage, int Replication)> LongestOutages { get; } = [];

    public string Method => _runs.Count >= FewestForReplications ? "Replications" : "BatchMeans";

    public void Add(RunSummary run)
    {
        _runs.Add(run);
        Events += run.Events;
        Fingerprint = ulong.RotateLeft(Fingerprint, 13) ^ run.Fingerprint;
        Causes.Add(run.Causes);
        for (var i = 0; i < Phases.Length; i++)
            Phases[i] += run.Phases[i];
        Machines.Add(run.Machines);
        Applications.Add(run.ApplicationOutages);
        LongestOutages.AddRange(run.Longest.Select(o => (o, run.Replication)));
        if (LongestOutages.Count > 10 * Longest)
            TrimLongest();
    }

    public void TrimLongest()
    {
        var kept = LongestOutages.OrderByDescending(o => o.Outage.Ticks).ThenBy(o => o.Replication).ThenBy(o => o.Outage.Began).Take(Longest).ToList();
        LongestOutages.Clear();
        LongestOutages.AddRange(kept);
    }

    /// <summary>The unavailability of all machines, in each replication.</summary>
    public IReadOnlyList<double> FleetSamples() => [.. _runs.Select(r => r.Groups.Sum(g => g.Down + g.Planned) / counted / fleet.MachineCount)];

    public IReadOnlyList<double> GroupSamples(int group) => [.. _runs.Select(r => (r.Groups[group].Down + r.Groups[group].Planned) / counted / fleet.Model.Machines[group].Count)];

    public IReadOnlyList<double> ApplicationSamples(int application) => [.. _runs.Select(r => (double)(r.Applications[application].Down + r.Applications[application].Planned) / counted)];

    /// <summary>The unavailability of all machines.</summary>
    public Estimate Fleet() => EstimateOf(FleetSamples(), 0);

    public Estimate Application(int application) => EstimateOf(ApplicationSamples(application), application + 1);

    public Estimate Group(int group) => _runs.Count >= FewestForReplications || fleet.Classes.Length > 1 ? Estimate.Of([.. GroupSamples(group)]) : Fleet();

    // Few long runs: their parts are the sample. Parts are far longer than any outage, so that neighbours hardly depend on each other.
    private Estimate EstimateOf(IReadOnlyList<double> samples, int series) =>
        _runs.Count >= FewestForReplications ? Estimate.Of([.. samples]) : Estimate.Of([.. _runs.SelectMany(r => r.Batches[series])]);
}

/// <summary>The downtime of each machine over all replications, in whole ticks, so that sums do not depend on their order.</summary>
internal sealed class MachineSums(int machines)
{
    private readonly UInt128[] _squares = new UInt128[machines];

    public UInt128[] Down { get; } = new UInt128[machines];

    public UInt128[] Planned { get; } = new UInt128[machines];

    public int[] Interruptions { get; } = new int[machines];

    public void Add(Ledger ledger)
    {
        var run = ledger.Machines;
        var extras = ledger.Extras;
        lock (_squares)
        {
            for (var i = 0; i < run.Length; i++)
            {
                var lost = (UInt128)(ulong)(run[i].Down + extras[i].Planned);
                _squares[i] += lost * lost;
                Down[i] += (UInt128)run[i].Down;
                Planned[i] += (UInt128)extras[i].Planned;
                Interruptions[i] += run[i].Interruptions;
            }
        }
    }

    /// <summary>The unavailability of a machine.</summary>
    public Estimate Estimate(int machine, int runs, long counted)
    {
        var mean = (double)(Down[machine] + Planned[machine]) / runs / counted;
        if (runs < 2)
            return new Estimate(mean, 0, 1);
        var square = (double)_squares[machine] / runs / ((double)counted * counted);
        var half = Special.StudentQuantile(0.975, runs - 1) * Math.Sqrt(Math.Max(0, square - (mean * mean)) / (runs - 1));
        return new Estimate(mean, mean - half, mean + half);
    }
}
