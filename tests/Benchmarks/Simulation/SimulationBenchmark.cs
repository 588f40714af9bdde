using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Benchmarks.Simulation;

/// <summary>
/// Forecasting: events a second of the host-failure model, beside SimPy and a plain priority queue; two processors against one; how the cost grows
/// with the fleet; and closed forms. An event is a failure, a detection, a start or a repair: one removal from our queue.
/// What runs on one processor is measured by the time that it had of it, so that others on the machine take away caches, and no seconds.
/// </summary>
internal sealed class SimulationBenchmark : Benchmark
{
    private const double Wanted = 15e6;
    private const double OverPython = 100;
    private const double OverPlain = 4;
    private const long Gibi = 1L << 30;

    private static readonly TimeSpan MillionMachines = TimeSpan.FromSeconds(30);

    public override string Name => "simulate";

    public override string Description => "events a second of a forecast, beside SimPy and a plain priority queue; a fleet of a million machines";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var rows = new List<Row>();
        var (hosts, machines) = workshop.IsQuick ? (1_000, 10_000) : (10_000, 100_000);
        rows.AddRange(await PeersAsync(workshop, hosts, machines));
        rows.Add(Threads(workshop));
        rows.AddRange(Growth(workshop));
        rows.Add(await MillionAsync(workshop));
        rows.Add(ClosedForms());
        return rows;
    }

    private async Task<IReadOnlyList<Row>> PeersAsync(Workshop workshop, int hosts, int machines)
    {
        Workshop.Say($"simulating {machines:N0} machines on {hosts:N0} hosts");
        var years = workshop.IsQuick ? 3 : 30;
        var folder = workshop.EmptyFolder("simulate");
        var script = Path.Combine(folder, "fleet.py");
        await File.WriteAllTextAsync(script, SimPyFleet.Program);
        var (ours, plain, python) = (new List<double>(), new List<double>(), new List<double>());
        // The runtime compiles what runs long again and again, from what it has seen of it: five times a run, until nothing changes any more.
        for (var warm = 0; warm < 5; warm++)
            (_, _) = (Single(hosts, machines, years, seed: 1), PlainFleet.Run(hosts, machines, years / 3.0, seed: 1));
        for (var round = 0; round < workshop.Rounds; round++)
        {
            ours.Add(Single(hosts, machines, years, seed: round + 1));
            plain.Add(PlainFleet.Run(hosts, machines, years / 3.0, seed: round + 1));
            if (SimPyFleet.Exists)
                python.Add(await SimPyFleet.RunAsync(script, hosts, machines, years / 30.0, seed: round + 1));
        }

        var (us, queue) = (Median(ours), Median(plain));
        var rows = new List<Row>
        {
            new(Name, $"host failures, {machines:N0} machines on {hosts:N0} hosts, one thread", PerSecond(us), "", PerSecond(us), Target.AtLeast(us / 1e6, Wanted / 1e6)),
            new(Name, "the same, over a plain PriorityQueue of objects", PerSecond(us), PerSecond(queue), Row.Ratio(us / queue), Target.AtLeast(us / queue, OverPlain)),
        };
        if (python.Count > 0)
            rows.Add(new Row(Name, "the same, over SimPy", PerSecond(us), PerSecond(Median(python)), Row.Ratio(us / Median(python)), Target.AtLeast(us / Median(python), OverPython)));
        Directory.Delete(folder, recursive: true);
        return rows;
    }

    private Row Threads(Workshop workshop)
    {
        Workshop.Say("simulating on one thread and on two");
        double Once(int threads) => Rate(Measure(100, 1_000, workshop.IsQuick ? 100 : 500, seed: 1, threads, replications: 32));
        // In turns, since a neighbour's load comes and goes; the first of each compiles.
        var turns = Enumerable.Range(0, workshop.Rounds + 2).Select(_ => (One: Once(1), Two: Once(2))).Skip(1).ToList();
        var (one, two) = (Median(turns.Select(t => t.One)), Median(turns.Select(t => t.Two)));
        return new Row(Name, "replications of 1,000 machines on two threads, over one", PerSecond(two), PerSecond(one), Row.Ratio(two / one), Target.AtLeast(two / one, 1.8));
    }

    private IEnumerable<Row> Growth(Workshop workshop)
    {
        // As many events each, so that only the size of the fleet differs.
        double? first = null;
        foreach (var hosts in workshop.IsQuick ? new[] { 100, 1_000 } : [100, 1_000, 10_000, 50_000])
        {
            Workshop.Say($"simulating {hosts:N0} hosts");
            var rate = Single(hosts, 20 * hosts, 100_000.0 / hosts, seed: 1);
            first ??= rate;
            // n log n would let the cost of an event grow as the logarithm.
            var allowed = Math.Log(20.0 * hosts) / Math.Log(2_000);
            yield return new Row(Name, $"growth: {20 * hosts:N0} machines on {hosts:N0} hosts", PerSecond(rate), PerSecond(first.Value), $"{Row.Ratio(first.Value / rate)} of the cost of an event; n log n is {Row.Ratio(allowed)}");
        }
    }

    private async Task<Row> MillionAsync(Workshop workshop)
    {
        var (machines, hosts) = workshop.IsQuick ? (100_000, 5_000) : (1_000_000, 50_000);
        Workshop.Say($"forecasting {machines:N0} machines with iaas");
        var run = await WholeProcess.RunAsync([Workshop.Iaas, "measure", "--vm-count", $"{machines}", "--host-count", $"{hosts}", "--years", "1", "--replication-count", "1", "--sensitivity", "false", "--output", "table"], withMemory: true);
        return new Row(Name, $"{machines:N0} machines on {hosts:N0} hosts for a year, every kind of failure, whole process", Row.Time(run.Elapsed), "", $"{Row.Time(run.Elapsed)}, {ByteSize.Format(run.PeakMemory)}",
            new Target("< 30 s, < 2 GB", run.Elapsed < MillionMachines && run.PeakMemory < 2 * Gibi));
    }

    private Row ClosedForms()
    {
        double sum = 0;
        var watch = Stopwatch.StartNew();
        const int Times = 1000;
        for (var i = 0; i < Times; i++)
            sum += ClosedForm.Availability(8, 10, 1 + (i % 10), 0.001, 0.1) + ClosedForm.ErlangC(10, 8) + ClosedForm.KOfN(8, 10, 0.99) + ClosedForm.MeanTimeToFailure(8, 10, 2, 0.001, 0.1);
        var each = watch.Elapsed / Times;
        if (!double.IsFinite(sum))
            throw new InvalidOperationException("A closed form has no value.");
        return new Row(Name, "four closed forms", string.Create(CultureInfo.InvariantCulture, $"{each.TotalMicroseconds:0.0} µs"), "", string.Create(CultureInfo.InvariantCulture, $"{each.TotalMicroseconds:0.0} µs"), Target.Below(each, TimeSpan.FromMilliseconds(1)));
    }

    private static AvailabilityReport Measure(int hosts, int machines, double years, long seed, int threads = 1, int replications = 1) =>
        Simulator.Measure(Model(hosts, machines), new SimulationOptions { Years = years, WarmUpYears = 0, Replications = replications, Threads = threads, Seed = seed, Sensitivity = false });

    // Events a second of processor time, without what is done once for a fleet. A short run first, so that the code is compiled.
    private static double Single(int hosts, int machines, double years, int seed)
    {
        var run = new FleetRun(Fleet.Of(Model(hosts, machines)));
        run.Run((ulong)seed, 0, Clock.Ticks(years / 10 * TimeText.Year), 0);
        var begun = Processor();
        run.Run((ulong)seed, 1, Clock.Ticks(years * TimeText.Year), 0);
        return run.Events / (Processor() - begun).TotalSeconds;
    }

    internal static TimeSpan Processor()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private static FleetModel Model(int hosts, int machines)
    {
        var perHost = machines / hosts * 2;
        return new FleetModel
        {
            Hosts = [new HostGroup { Count = hosts, Cpu = 2 * perHost, Memory = perHost * (8 * Gibi) }],
            Machines = [new MachineGroup { Count = machines }],
            Failures = new FailureModel { Host = Law.Exponential(TimeText.Year), HostRepair = Law.Exponential(6 * 3600) },
            Recovery = new RecoveryModel { Detection = Law.Fixed(120), Boot = Law.Fixed(120), Slots = 4 },
        };
    }

    private static double Rate(AvailabilityReport report) => report.Events / report.Elapsed.TotalSeconds;

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string PerSecond(double rate) => string.Create(CultureInfo.InvariantCulture, $"{rate / 1e6:0.00} M/s");
}
