using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>A whole import, which is on the disk when it returns, beside a copy that is.</summary>
internal sealed class ImportBenchmark : Benchmark
{
    private const string Ours = "iaas import";
    private const string Peer = "cp --sparse=always; sync -d";
    private const string Machine = "bench";

    public override string Name => "import";

    public override string Description => "a whole import with its fsync, beside cp --sparse=always and sync -d";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var rows = new List<Row>();
        foreach (var image in new[] { await workshop.Corpus.SyntheticAsync(ImageKind.Raw), await workshop.Corpus.FileSystemAsync(ImageKind.Raw) })
            rows.Add(await CompareAsync(workshop, image));
        return rows;
    }

    private async Task<Row> CompareAsync(Workshop workshop, BenchImage image)
    {
        Workshop.Say($"importing {image.Name}");
        var folder = workshop.EmptyFolder("import");
        _ = new BenchFabric(folder, HypervisorKind.Simulated);
        var copy = Path.Combine(folder, "copy.raw");
        void Prepare()
        {
            SparseFile.Warm(image.Path);
            SparseFile.TouchMemory(folder, image.Data);
        }

        // What the kernel writes back in the background while others are quiet is these runs' own.
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(
            new Contestant(Ours, async () =>
            {
                Prepare();
                var run = await BenchFabric.IaasAsync("import", image.Path, "--name", Machine);
                await BenchFabric.IaasAsync("remove", Machine);
                return run.Elapsed;
            }),
            new Contestant(Peer, async () =>
            {
                Prepare();
                var run = await WholeProcess.RunAsync(["sh", "-c", "cp --sparse=always \"$1\" \"$2\" && sync -d \"$2\"", "sh", image.Path, copy]);
                File.Delete(copy);
                return run.Elapsed;
            }));
        return new Row(Name, $"{image.Name}, iaas import, synchronised", Row.Time(times[Ours]), $"{Peer} {Row.Time(times[Peer])}", Row.Ratio(times[Peer] / times[Ours]));
    }
}
