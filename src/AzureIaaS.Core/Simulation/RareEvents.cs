using System.Globalization;
using AzureIaaS.Providers;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>
/// Estimates outages that are too rare to wait for, by importance sampling over cycles. A cycle begins with everything up, and ends with
/// everything up again. While machines of the application are down, further failures of what the others run on are made likely, and each cycle
/// counts with the ratio of its chance in truth and in the experiment. The mean length of a cycle comes from cycles without any bias, and so does
/// where the machines are when a cycle begins.
/// (Measure-specific dynamic importance sampling; Goyal et al., IEEE Transactions on Computers 41(1), 1992.)
/// </summary>
internal static class RareEvents
{
    private const int Blocks = 64;
    private const int WarmUpCycles = 64;
    private const int FirstCycles = 64;      // of each block
    private const int MostCycles = 1 << 11;
    private const double MostDown = 3;       // sources down at once, on average; beyond, a fleet is hardly ever whole
    private const int FewestOutages = 30;
    private const int MostMachines = 20_000;
    private const double Precision = 0.05;

    /// <summary>Replaces the figures of applications that failed too seldom in plain replications, where that is possible.</summary>
    public static void Refine(Fleet fleet, SimulationOptions options, Totals totals, AvailabilityReport report, CancellationToken cancellation)
    {
        if (options.RareEvents == false)
            return;
        for (var application = 0; application < fleet.Requirements.ApplicationCount; application++)
        {
            var seen = totals.Runs.Sum(r => (long)r.Applications[application].Interruptions);
            if (options.RareEvents is null && seen >= FewestOutages)
                continue;
            var figure = report.Applications[application];
            if (Obstacle(fleet.Model) is { } obstacle)
            {
                report.Notes.Add($"{figure.Name} was unavailable {seen} times in {totals.Years.ToString("N0", CultureInfo.InvariantCulture)} simulated years: its interval is wide. Importance sampling was not possible: {obstacle}.");
                continue;
            }

            options.Notices?.Report(Notice.Step($"simulating rare outages of {figure.Name}"));
            var estimate = Estimate(fleet, options, application, cancellation);
            if (!(estimate.Mean > 0) || !double.IsFinite(estimate.HalfWidth) || estimate.HalfWidth > estimate.Mean)
                continue;   // it found no better answer
            Replace(figure, estimate, totals, application);
            report.Notes.Add($"{figure.Name} was unavailable {seen} times in {totals.Years.ToString("N0", CultureInfo.InvariantCulture)} simulated years; its availability was estimated by importance sampling.");
        }
    }

    /// <summary>The unplanned unavailability of an application.</summary>
    internal static Estimate Estimate(Fleet fleet, SimulationOptions options, int application, CancellationToken cancellation)
    {
        var plan = new BiasPlan(fleet, application);
        var blocks = Enumerable.Range(0, Blocks).Select(b => new Block(fleet, plan, (ulong)options.Seed, b)).ToArray();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Threads), CancellationToken = cancellation };
        Parallel.ForEach(blocks, parallel, block => block.Settle());
        // Biased so that another failure while machines are down is about as likely as not.
        var times = blocks.Sum(b => b.DegradedTimes);
        var bias = times > 0 ? Clock.PerSecond * times / blocks.Sum(b => b.DegradedTime) : 1.0 / 600;
        for (var cycles = FirstCycles; ; cycles *= 2)
        {
            Parallel.ForEach(blocks, parallel, block => block.Walk(cycles, bias, cancellation));
            var estimate = Ratio(blocks);
            if (cycles >= MostCycles || (estimate.Mean > 0 && estimate.HalfWidth < Precision * estimate.Mean))
                return estimate;
        }
    }

    // The blocks are independent of each other; the cycles in one are not, since machines stay where they were started.
    private static Estimate Ratio(Block[] blocks)
    {
        var mean = blocks.Sum(b => b.Loss) / blocks.Sum(b => b.Length);
        var length = blocks.Average(b => b.Length);
        var variance = blocks.Sum(b => Math.Pow(b.Loss - (mean * b.Length), 2)) / (Blocks - 1) / Blocks / (length * length);
        var half = Special.StudentQuantile(0.975, Blocks - 1) * Math.Sqrt(variance);
        return new Estimate(mean, mean - half, mean + half);
    }

    private static void Replace(AvailabilityFigure figure, Estimate unplanned, Totals totals, int application)
    {
        var planned = totals.Runs.Average(r => (double)r.Applications[application].Planned) / (totals.Counted / totals.Runs.Count);
        var better = AvailabilityFigure.Of(figure.Kind, figure.Name, new Estimate(unplanned.Mean + planned, unplanned.Low + planned, unplanned.High + planned));
        (figure.Availability, figure.Low, figure.High, figure.MinutesPerYear, figure.Method) = (better.Availability, better.Low, better.High, better.MinutesPerYear, "ImportanceSampling");
    }

    private static double Down(FleetModel model)
    {
        var failures = model.Failures;
        double Of(Law between, double down) => between.Kind == LawKind.Never ? 0 : down / between.Mean;
        return (model.HostCount * Of(failures.Host, failures.HostRepair.Mean)) + (model.MachineCount * Of(failures.Guest, model.Recovery.GuestDetection.Mean + model.Recovery.Boot.Mean));
    }

    private static string? Obstacle(FleetModel model)
    {
        var failures = model.Failures;
        Law[] laws = [failures.Host, failures.FaultDomain, failures.Zone, failures.Region, failures.Storage, failures.Guest];
        return laws.Any(l => l.Kind is not (LawKind.Exponential or LawKind.Never)) ? "it needs exponential times between failures"
            : model.Replication is not null ? "a second region is in the model"
            : failures.Script.Count > 0 ? "the model tells failures"
            : model.Maintenance?.Mode == MaintenanceMode.Reboot || model.Maintenance is { Mode: MaintenanceMode.LiveMigrate, Eligible: < 1 } ? "maintenance restarts machines"
            : laws.All(l => l.Kind == LawKind.Never) ? "nothing fails"
            : Down(model) > MostDown ? "something of so large a fleet is always down"
            : model.MachineCount > MostMachines ? $"it is for up to {MostMachines} machines"
            : null;
    }

    /// <summary>Cycles one after another, each beginning where the natural one before it ended.</summary>
    private sealed class Block(Fleet fleet, BiasPlan plan, ulong seed, int number)
    {
        private readonly BiasedWalk _walk = new(fleet, plan, seed);
        private int _next = number << 22;

        public double Length { get; private set; }

        public double Loss { get; private set; }

        public double DegradedTime { get; private set; }

        public int DegradedTimes { get; private set; }

        /// <summary>Lets machines move about as they do in the long run.</summary>
        public void Settle()
        {
            for (var i = 0; i < WarmUpCycles; i++)
            {
                var (_, degraded) = _walk.Natural(_next++);
                DegradedTime += degraded;
                DegradedTimes += degraded > 0 ? 1 : 0;
            }
        }

        public void Walk(int cycles, double bias, CancellationToken cancellation)
        {
            for (var i = 0; i < cycles; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                Loss += _walk.Biased(_next++, bias);
                Length += _walk.Natural(_next++).Length;
            }
        }
    }
}
