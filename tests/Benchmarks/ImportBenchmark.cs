using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>A whole import, which is on the disk when it returns, beside a copy that is.</summary>
internal sealed class ImportBenchmark : Benchmark
{
    private const string WithDigest = "iaas import";
    private const string WithoutDigest = "iaas import --skip-digest";
    private const string Peer = "cp --sparse=always; sync -d";
    private const string Machine = "bench";

    public override string Name => "import";

    public override string Description => "a whole import with its fsync, beside cp --sparse=always and sync -d";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop) => await CompareAsync(workshop, await workshop.Corpus.FileSystemAsync(ImageKind.Raw));

    private async Task<IReadOnlyList<Row>> CompareAsync(Workshop workshop, BenchImage image)
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

        Contestant Import(string name, params string[] options) => new(name, async () =>
        {
            Prepare();
            var run = await BenchFabric.IaasAsync(["import", image.Path, "--name", Machine, .. options]);
            await BenchFabric.IaasAsync("remove", Machine);
            return run.Elapsed;
        });

        // What the kernel writes back in the background while others are quiet is these runs' own.
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(
            Import(WithDigest),
            new Contestant(Peer, async () =>
            {
                Prepare();
                var run = await WholeProcess.RunAsync(["sh", "-c", "cp --sparse=always \"$1\" \"$2\" && sync -d \"$2\"", "sh", image.Path, copy]);
                File.Delete(copy);
                return run.Elapsed;
            }),
            Import(WithoutDigest, "--skip-digest"));
        Row RowOf(string ours, double least)
        {
            var ratio = times[Peer] / times[ours];
            return new Row(Name, $"{image.Name}, {ours}, on the disk", Row.Time(times[ours]), $"{Peer} {Row.Time(times[Peer])}", Row.Ratio(ratio), Target.AtLeast(ratio, least)) { IsDisturbed = times.IsDisturbed };
        }

        return [RowOf(WithDigest, CopyBenchmark.DigestTarget), RowOf(WithoutDigest, CopyBenchmark.PlainTarget)];
    }
}
