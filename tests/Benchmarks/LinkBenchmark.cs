using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>How long it takes until a machine is defined that runs on its image: a sparse disk of 1 TiB in each kind of image.</summary>
internal sealed class LinkBenchmark : Benchmark
{
    private const string Machine = "bench";
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    public override string Name => "link";

    public override string Description => "a linked import of a sparse disk of 1 TiB, until the machine is defined";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("link");
        _ = new BenchFabric(folder, HypervisorKind.Simulated);
        var length = workshop.IsQuick ? 64L << 30 : 1L << 40;
        var raw = Path.Combine(folder, "large.raw");
        MemoryBenchmark.Create(raw, length);
        var rows = new List<Row> { await MeasureAsync(workshop, raw, "raw", length) };
        foreach (var (name, format, options) in new[] { ("qcow2", "qcow2", ""), ("VHDX", "vhdx", ""), ("VMDK", "vmdk", ""), ("VMDK streamOptimized", "vmdk", "subformat=streamOptimized"), ("VDI", "vdi", "") })
        {
            var image = Path.ChangeExtension(raw, format);
            await WholeProcess.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", format, .. options.Length > 0 ? new[] { "-o", options } : [], raw, image]);
            rows.Add(await MeasureAsync(workshop, image, name, length));
            File.Delete(image);
        }

        Directory.Delete(folder, recursive: true);
        return rows;
    }

    private async Task<Row> MeasureAsync(Workshop workshop, string image, string name, long length)
    {
        Workshop.Say($"linking {name} of {ByteSize.Format(length)}");

        // Removing it ends the process that serves and copies the image; until then that one works, too.
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(new Contestant(name, async () =>
        {
            var run = await BenchFabric.IaasAsync("import", image, "--name", Machine, "--linked");
            await BenchFabric.IaasAsync("remove", Machine);
            return run.Elapsed;
        }));
        return new Row(Name, $"{ByteSize.Format(length)} {name}, iaas import --linked", Row.Time(times[name]), "", Row.Time(times[name]), Target.Below(times[name], Most)) { IsDisturbed = times.IsDisturbed };
    }
}
