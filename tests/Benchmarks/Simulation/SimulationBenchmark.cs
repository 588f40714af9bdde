using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Simulation;

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
        using var process = new ForecastProcess();
        rows.AddRange(await PeersAsync(workshop, process, hosts, machines));
        rows.Add(await ThreadsAsync(workshop, process));
        rows.AddRange(await GrowthAsync(workshop, process));
        rows.Add(await MillionAsync(workshop));
        rows.Add(ClosedForms());
        return rows;
    }

    private async Task<IReadOnlyList<Row>> PeersAsync(Workshop workshop, ForecastProcess process, int hosts, int machines)
    {
        Workshop.Say($"simulating {machines:N0} machines on {hosts:N0} hosts");
        var years = workshop.IsQuick ? 3 : 30;
        var folder = workshop.EmptyFolder("simulate");
        var script = Path.Combine(folder, "fleet.py");
        await File.WriteAllTextAsync(script, SimPyFleet.Program);
        var (ours, plain, python) = (new List<double>(), new List<double>(), new List<double>());
        // The runtime compiles what runs long again and again, from what it has seen of it: five runs, until nothing changes any more.
        const int Warm = 5;
        for (var round = -Warm; round < workshop.Rounds; round++)
        {
            var (our, their) = (await process.RateAsync(new Forecast(Forecaster.Ours, hosts, machines, years, Math.Abs(round) + 1)), await process.RateAsync(new Forecast(Forecaster.Plain, hosts, machines, years / 3.0, Math.Abs(round) + 1)));
            if (round < 0)
                continue;
            ours.Add(our);
            plain.Add(their);
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

    private async Task<Row> ThreadsAsync(Workshop workshop, ForecastProcess process)
    {
        Workshop.Say("simulating on one thread and on two");
        Task<double> OnceAsync(int threads) => process.RateAsync(new Forecast(Forecaster.Replications, 100, 1_000, workshop.IsQuick ? 100 : 500, 1, threads));
        // In turns, since a neighbour's load comes and goes; the first of each compiles.
        var turns = new List<(double One, double Two)>();
        for (var round = 0; round < workshop.Rounds + 2; round++)
            turns.Add((await OnceAsync(1), await OnceAsync(2)));
        var (one, two) = (Median(turns.Skip(1).Select(t => t.One)), Median(turns.Skip(1).Select(t => t.Two)));
        return new Row(Name, "replications of 1,000 machines on two threads, over one", PerSecond(two), PerSecond(one), Row.Ratio(two / one), Target.AtLeast(two / one, 1.8));
    }

    private async Task<IReadOnlyList<Row>> GrowthAsync(Workshop workshop, ForecastProcess process)
    {
        // As many events each, so that only the size of the fleet differs; in turns, since a neighbour's load comes and goes.
        int[] sizes = workshop.IsQuick ? [100, 1_000] : [100, 1_000, 10_000, 50_000];
        Workshop.Say($"simulating {sizes.Min():N0} to {sizes.Max():N0} hosts");
        var rates = sizes.ToDictionary(h => h, _ => new List<double>());
        for (var round = 0; round < Math.Min(workshop.Rounds, 3); round++)
        {
            foreach (var (hosts, list) in rates)
                list.Add(await process.RateAsync(new Forecast(Forecaster.Ours, hosts, 20 * hosts, 100_000.0 / hosts, round + 1)));
        }

        var first = Median(rates[sizes[0]]);
        return [.. rates.Select(r =>
        {
            var (machines, rate) = (20 * r.Key, Median(r.Value));
            // n log n would let the cost of an event grow as the logarithm.
            var allowed = Math.Log(machines) / Math.Log(20 * sizes[0]);
            return new Row(Name, $"growth: {machines:N0} machines on {r.Key:N0} hosts", PerSecond(rate), PerSecond(first), $"{Row.Ratio(first / rate)} of the cost of an event; n log n is {Row.Ratio(allowed)}");
        })];
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

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string PerSecond(double rate) => string.Create(CultureInfo.InvariantCulture, $"{rate / 1e6:0.00} M/s");
}
