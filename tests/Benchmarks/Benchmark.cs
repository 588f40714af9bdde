using AzureIaaS.Benchmarks.Cloud;
using AzureIaaS.Benchmarks.Failover;
using AzureIaaS.Benchmarks.Networks;
using AzureIaaS.Benchmarks.Scale;
using AzureIaaS.Benchmarks.Simulation;

namespace AzureIaaS.Benchmarks;

/// <summary>A benchmark: measures the product beside a peer, in one run, and says what came out. What exists is the one list <see cref="Known"/>.</summary>
internal abstract class Benchmark
{
    /// <summary>Every benchmark, in the order of the table.</summary>
    public static IReadOnlyList<Benchmark> Known { get; } =
    [
        new CopyBenchmark(),
        new ConvertBenchmark(),
        new ImportBenchmark(),
        new StageBenchmark(),
        new LinkBenchmark(),
        new InspectBenchmark(),
        new MemoryBenchmark(),
        new StartBenchmark(),
        new ListBenchmark(),
        new ModuleBenchmark(),
        new PlannedBenchmark(),
        new UnplannedBenchmark(),
        new WatcherBenchmark(),
        new SwitchBenchmark(),
        new GuestsBenchmark(),
        new SiteBenchmark(),
        new ScaleBenchmark(),
        new SimulationBenchmark(),
        new UploadBenchmark(),
        new CloudListBenchmark(),
    ];

    /// <summary>The word that chooses it on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What it measures, as a sentence.</summary>
    public abstract string Description { get; }

    /// <summary>Measures.</summary>
    /// <param name="workshop">What it works with.</param>
    /// <returns>The lines of the table.</returns>
    public abstract Task<IReadOnlyList<Row>> RunAsync(Workshop workshop);
}
