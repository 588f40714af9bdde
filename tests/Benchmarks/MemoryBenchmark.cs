using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>How much memory an import takes, however large the disk: 1 TiB, nearly all of it never written.</summary>
internal sealed class MemoryBenchmark : Benchmark
{
    private const long Most = 200L << 20;
    private const int Runs = 512;
    private const int RunLength = 1 << 20;

    public override string Name => "memory";

    public override string Description => "the peak working set of importing a sparse disk of 1 TiB";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("memory");
        _ = new BenchFabric(folder, HypervisorKind.Simulated);
        var length = workshop.IsQuick ? 64L << 30 : 1L << 40;
        var raw = Path.Combine(folder, "large.raw");
        Create(raw, length);
        var rows = new List<Row> { await MeasureAsync(raw, "raw", length) };
        foreach (var (format, suffix) in new[] { ("qcow2", ".qcow2"), ("vhdx", ".vhdx"), ("vmdk", ".vmdk") })
        {
            var image = Path.ChangeExtension(raw, suffix);
            await WholeProcess.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", format, raw, image]);
            rows.Add(await MeasureAsync(image, format, length));
            File.Delete(image);
        }

        Directory.Delete(folder, recursive: true);
        return rows;
    }

    private async Task<Row> MeasureAsync(string image, string format, long length)
    {
        Workshop.Say($"importing {Path.GetFileName(image)} of {ByteSize.Format(length)}");
        await OtherLoad.WaitForQuietAsync();
        var run = await WholeProcess.RunAsync([Workshop.Iaas, "import", image, "--name", format], withMemory: true);
        await BenchFabric.IaasAsync("remove", format);
        return new Row(Name, $"{ByteSize.Format(length)} {format}, {ByteSize.Format((long)Runs * RunLength)} of data, iaas import", ByteSize.Format(run.PeakMemory), "",
            $"{ByteSize.Format(run.PeakMemory)}, {Row.Time(run.Elapsed)}", Target.Below(run.PeakMemory, Most));
    }

    /// <summary>Makes a sparse disk, with a little data everywhere.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Its length in bytes.</param>
    internal static void Create(string path, long length)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, length);
        var random = new Random(1);
        var run = new byte[RunLength];
        for (var i = 0; i < Runs; i++)
        {
            random.NextBytes(run);
            RandomAccess.Write(file, run, length / Runs * i);
        }
    }
}
