using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>What the second pass of a staged import costs, when a hundredth of the disk has changed since the first.</summary>
internal sealed class StageBenchmark : Benchmark
{
    private const string Pass = "iaas import --stage";
    private const string Peer = "cp --sparse=always; sync -d";
    private const string Machine = "bench";
    private const int Run = 1 << 20;

    public override string Name => "stage";

    public override string Description => "a second pass of a staged import, 1 % of the disk changed, beside a whole copy";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var image = await workshop.Corpus.FileSystemAsync(ImageKind.Raw);
        var folder = workshop.EmptyFolder("stage");
        _ = new BenchFabric(folder, HypervisorKind.Simulated);
        var (source, copy) = (Path.Combine(folder, "source.raw"), Path.Combine(folder, "copy.raw"));
        await WholeProcess.RunAsync(["cp", "--sparse=always", image.Path, source]);
        await BenchFabric.IaasAsync("import", source, "--name", Machine, "--stage");
        var changes = 0;
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(
            new Contestant(Pass, async () =>
            {
                Change(source, ++changes);
                SparseFile.Warm(source);
                return (await BenchFabric.IaasAsync("import", source, "--name", Machine, "--stage")).Elapsed;
            }),
            new Contestant(Peer, async () =>
            {
                SparseFile.Warm(source);
                SparseFile.TouchMemory(folder, image.Data);
                var run = await WholeProcess.RunAsync(["sh", "-c", "cp --sparse=always \"$1\" \"$2\" && sync -d \"$2\"", "sh", source, copy]);
                File.Delete(copy);
                return run.Elapsed;
            }));
        await BenchFabric.IaasAsync("complete", Machine);
        await BenchFabric.IaasAsync("remove", Machine);
        Directory.Delete(folder, recursive: true);
        return [new Row(Name, $"{image.Name}, second pass, 1 % changed", Row.Time(times[Pass]), $"{Peer} {Row.Time(times[Peer])}", Row.Ratio(times[Peer] / times[Pass])) { IsDisturbed = times.IsDisturbed }];
    }

    /// <summary>Writes over a hundredth of the disk, a mebibyte here and there.</summary>
    private static void Change(string path, int seed)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        var random = new Random(seed);
        var run = new byte[Run];
        var length = RandomAccess.GetLength(file);
        for (var i = 0L; i < length / 100 / Run; i++)
        {
            random.NextBytes(run);
            RandomAccess.Write(file, run, length / (length / 100 / Run) * i);
        }
    }
}
