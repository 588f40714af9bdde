using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Benchmarks.Simulation;

/// <summary>What forecasts.</summary>
internal enum Forecaster
{
    /// <summary>The product's simulator, one replication.</summary>
    Ours,

    /// <summary>The product's simulator, 32 replications on some threads.</summary>
    Replications,

    /// <summary>A plain priority queue of objects.</summary>
    Plain,
}

/// <summary>A forecast of host failures.</summary>
/// <param name="Forecaster">By whom.</param>
/// <param name="Hosts">How many hosts.</param>
/// <param name="Machines">How many machines.</param>
/// <param name="Years">How long.</param>
/// <param name="Seed">The seed of its random numbers.</param>
/// <param name="Threads">On how many threads.</param>
internal sealed record Forecast(Forecaster Forecaster, int Hosts, int Machines, double Years, int Seed, int Threads = 1)
{
    /// <summary>As a line.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Forecaster} {Hosts} {Machines} {Years:R} {Seed} {Threads}");

    /// <summary>From a line.</summary>
    /// <param name="line">The line.</param>
    public static Forecast Of(string line)
    {
        var words = line.Split(' ');
        int Number(int at) => int.Parse(words[at], CultureInfo.InvariantCulture);
        return new Forecast(Enum.Parse<Forecaster>(words[0]), Number(1), Number(2), double.Parse(words[3], CultureInfo.InvariantCulture), Number(4), Number(5));
    }
}

/// <summary>
/// Forecasts in a process of their own, one after another as they are asked for on its standard input, each answered by its events a second. So they
/// run as in a PowerShell, whose runtime compiles what runs long anew from what it has seen of it; this program and the command line do without, to start sooner.
/// </summary>
internal static class ForecastVerb
{
    /// <summary>The word that chooses it.</summary>
    public const string Name = "do-forecast";

    private const long Gibi = 1L << 30;

    /// <summary>Answers until there is nothing more to answer.</summary>
    public static void Run()
    {
        while (Console.ReadLine() is { } line)
            Console.WriteLine(RateOf(Forecast.Of(line)).ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>The time that this process has had of the processors.</summary>
    public static TimeSpan Processor()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private static double RateOf(Forecast asked) => asked.Forecaster switch
    {
        Forecaster.Ours => Single(asked),
        Forecaster.Replications => Replications(asked),
        _ => PlainFleet.Run(asked.Hosts, asked.Machines, asked.Years, asked.Seed),
    };

    // Events a second of processor time, without what is done once for a fleet. A short run first, so that the code is compiled.
    private static double Single(Forecast asked)
    {
        var run = new FleetRun(Fleet.Of(Model(asked)));
        run.Run((ulong)asked.Seed, 0, Clock.Ticks(asked.Years / 10 * TimeText.Year), 0);
        var begun = Processor();
        run.Run((ulong)asked.Seed, 1, Clock.Ticks(asked.Years * TimeText.Year), 0);
        return run.Events / (Processor() - begun).TotalSeconds;
    }

    private static double Replications(Forecast asked)
    {
        var options = new SimulationOptions { Years = asked.Years, WarmUpYears = 0, Replications = 32, Threads = asked.Threads, Seed = asked.Seed, Sensitivity = false };
        var report = Simulator.Measure(Model(asked), options);
        return report.Events / report.Elapsed.TotalSeconds;
    }

    private static FleetModel Model(Forecast asked)
    {
        var perHost = asked.Machines / asked.Hosts * 2;
        return new FleetModel
        {
            Hosts = [new HostGroup { Count = asked.Hosts, Cpu = 2 * perHost, Memory = perHost * (8 * Gibi) }],
            Machines = [new MachineGroup { Count = asked.Machines }],
            Failures = new FailureModel { Host = Law.Exponential(TimeText.Year), HostRepair = Law.Exponential(6 * 3600) },
            Recovery = new RecoveryModel { Detection = Law.Fixed(120), Boot = Law.Fixed(120), Slots = 4 },
        };
    }
}
