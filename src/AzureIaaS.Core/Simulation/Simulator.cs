using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Providers;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>
/// Forecasts a fleet by discrete events: independent replications in parallel, until the interval is as narrow as asked. The same model and seed
/// give the same report on any number of threads.
/// </summary>
public static class Simulator
{
    /// <summary>The most machines that are reported one by one.</summary>
    public const int MostMachinesListed = 10_000;

    private const int FirstWave = 32;
    private const int MostReplications = 100_000;
    private const double DefaultPrecision = 0.05;

    /// <summary>The events that a forecast may cost when nothing was asked for: a few seconds.</summary>
    private const long DefaultEffort = 10_000_000;

    /// <summary>Forecasts a fleet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="file">The file that the model came from, for messages; null for none.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">The model or the options make no sense; the message has the line.</exception>
    public static AvailabilityReport Measure(FleetModel model, SimulationOptions? options = null, string? file = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var watch = Stopwatch.StartNew();
        options = Paired(options ?? new SimulationOptions());
        var fleet = Fleet.Of(model, file);
        var (warmUp, end) = Horizon(model, options);
        options.Notices?.Report(Notice.Verbose(string.Create(CultureInfo.InvariantCulture, $"Closed forms, without waiting and with room for all, give {ClosedForm.FirstAnswer(model) * 100:0.0000} % for a machine.")));
        var sums = fleet.MachineCount <= MostMachinesListed ? new MachineSums(fleet.MachineCount) : null;
        var totals = Replicate(fleet, options, warmUp, end, sums, cancellation);
        var report = new ReportBuilder(fleet, options, totals, warmUp, end).Build(sums);
        RareEvents.Refine(fleet, options, totals, report, cancellation);
        Sensitivity.Find(model, options, totals, report, cancellation);
        report.Answer = Sentences.Answer(report);
        report.Elapsed = watch.Elapsed;
        return report;
    }

    /// <summary>Tells what happens in one replication, event by event.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="replication">The replication's number, from 0.</param>
    public static IReadOnlyList<StoryEvent> Tell(FleetModel model, SimulationOptions? options = null, int replication = 0)
    {
        options ??= new SimulationOptions();
        var story = new List<StoryEvent>();
        var (warmUp, end) = Horizon(model, options);
        new FleetRun(Fleet.Of(model)) { Story = story.Add }.Run((ulong)options.Seed, replication, end, warmUp);
        return story;
    }

    internal static (long WarmUp, long End) Horizon(FleetModel model, SimulationOptions options)
    {
        var warmUp = options.WarmUpYears ?? WarmUp(model);
        if (!(options.Years > 0) || !(warmUp >= 0) || options.Years + warmUp > Clock.LongestYears)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidHorizon", string.Create(CultureInfo.InvariantCulture, $"{options.Years:0.##} years, after {warmUp:0.##} to warm up, cannot be simulated."),
                $"Give -Years above 0; with the warm-up at most {Clock.LongestYears:N0}.", options.Years);
        }

        var ticks = Clock.Ticks(warmUp * TimeText.Year);
        return (ticks, ticks + Clock.Ticks(options.Years * TimeText.Year));
    }

    internal static Totals Replicate(Fleet fleet, SimulationOptions options, long warmUp, long end, MachineSums? sums, CancellationToken cancellation)
    {
        var totals = new Totals(fleet, end - warmUp);
        var idle = new ConcurrentBag<FleetRun>();
        RunSummary One(int replication)
        {
            if (!idle.TryTake(out var run))
                run = new FleetRun(fleet);
            run.Run((ulong)options.Seed, replication, end, warmUp, cancellation);
            sums?.Add(run.Ledger);
            var summary = RunSummary.Of(run, fleet, replication);
            idle.Add(run);
            return summary;
        }

        var most = options.Replications ?? MostReplications;
        if (options is { Replications: null, Precision: null })
        {
            // The first one shows what they cost.
            totals.Add(One(0));
            most = (int)Math.Clamp(DefaultEffort / Math.Max(1, totals.Events), 1, MostReplications);
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Threads), CancellationToken = cancellation };
        while (totals.Runs.Count < most)
        {
            var done = totals.Runs.Count;
            var wave = options.Replications is not null ? Math.Min(64, most - done) : Math.Min(Math.Max(FirstWave - done, done / 2), most - done);
            if (options.Replications is null && done >= FirstWave && IsNarrow(totals, fleet, options.Precision ?? DefaultPrecision))
                break;
            var runs = new RunSummary[wave];
            // One at a time for whoever is free: a share given out beforehand waits for the slower thread.
            var next = -1;
            Parallel.For(0, parallel.MaxDegreeOfParallelism, parallel, _ =>
            {
                for (int i; (i = Interlocked.Increment(ref next)) < wave;)
                    runs[i] = One(done + i);
            });
            foreach (var run in runs)
                totals.Add(run);
            options.Notices?.Report(Progress(totals, options, most));
        }

        totals.TrimLongest();
        return totals;
    }

    private static bool IsNarrow(Totals totals, Fleet fleet, double precision)
    {
        bool Narrow(Estimate estimate) => estimate.Mean > 0 && estimate.HalfWidth <= precision * estimate.Mean;
        return Narrow(totals.Fleet()) && Enumerable.Range(0, fleet.Requirements.ApplicationCount).All(a => Narrow(totals.Application(a)));
    }

    private static Notice Progress(Totals totals, SimulationOptions options, int most)
    {
        var fleet = totals.Fleet();
        var width = fleet.Mean > 0 && double.IsFinite(fleet.HalfWidth) ? fleet.HalfWidth / fleet.Mean : 1;
        // The width falls with the square root of the effort.
        var done = options.Replications is not null ? (double)totals.Runs.Count / most
            : Math.Clamp(Math.Max(Math.Pow((options.Precision ?? DefaultPrecision) / width, 2), (double)totals.Runs.Count / most), 0, 1);
        return Notice.Step(string.Create(CultureInfo.InvariantCulture, $"simulating: {totals.Runs.Count} replications, ± {width * 100:0.0} % of the downtime"), done);
    }

    // Everything begins up and new. Repairs settle within a few of their means; where age matters, so do failures.
    private static double WarmUp(FleetModel model)
    {
        var failures = model.Failures;
        (Law Between, Law Repair)[] pairs =
        [
            (failures.Host, failures.HostRepair), (failures.FaultDomain, failures.FaultDomainRepair), (failures.Zone, failures.ZoneRepair),
            (failures.Region, failures.RegionRepair), (failures.Storage, failures.StorageRepair), (failures.Guest, model.Recovery.Boot),
        ];
        double seconds = 0;
        foreach (var (between, repair) in pairs.Where(p => p.Between.Kind != LawKind.Never))
        {
            if (repair.Kind != LawKind.Never)
                seconds = Math.Max(seconds, 5 * repair.Mean);
            if (between.Kind != LawKind.Exponential)
                seconds = Math.Max(seconds, 2 * between.Mean);
        }

        return Math.Min(seconds / TimeText.Year, Clock.LongestYears / 2);
    }

    // Pairs need the same seed, horizon and number of replications as their baseline.
    private static SimulationOptions Paired(SimulationOptions options) => options.Baseline is not { } baseline ? options : options with
    {
        Seed = baseline.Seed,
        Years = baseline.Years,
        WarmUpYears = baseline.WarmUpYears,
        Replications = baseline.Replications,
    };
}
