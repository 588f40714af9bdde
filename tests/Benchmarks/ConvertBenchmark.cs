using System.Globalization;
using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks;

/// <summary>Making an image of one format of an image of another, whole processes, cache warm.</summary>
internal sealed class ConvertBenchmark : Benchmark
{
    private const string Ours = "Convert-IaaSImage";
    private const string Qemu = "qemu-img";
    private const string QemuThreads = "qemu-img -m 16 -W";

    private static readonly Kind Raw = new("raw", "Raw", "raw");
    private static readonly Kind Vhd = new("VHD fixed", "VhdFixed", "vpc", "-o", "subformat=fixed,force_size=on");

    private static readonly (ImageKind From, Kind To, double Target)[] Works =
    [
        (ImageKind.Raw, Vhd, 0.95),
        (ImageKind.StreamOptimized, Raw, 2.5),
        (ImageKind.StreamOptimized, Vhd, 2.5),
        (ImageKind.PackedQcow2, Raw, 1.8),
        (ImageKind.PackedQcow2, Vhd, 1.8),
        (ImageKind.ZstdQcow2, Raw, 1.5),
        (ImageKind.SparseVmdk, Raw, 1.8),
        (ImageKind.Raw, new Kind("VMDK streamOptimized", "VmdkStreamOptimized", "vmdk", "-o", "subformat=streamOptimized"), 4),
        (ImageKind.Raw, new Kind("qcow2 zlib", "Qcow2Zlib", "qcow2", "-c"), 2.4),
    ];

    public override string Name => "convert";

    public override string Description => "converting disk images, beside the faster of qemu-img convert and qemu-img convert -m 16 -W";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var rows = new List<Row>();
        foreach (var (from, to, target) in Works)
            rows.AddRange(await CompareAsync(workshop, await workshop.Corpus.SyntheticAsync(from), to, target));
        return rows;
    }

    private async Task<IEnumerable<Row>> CompareAsync(Workshop workshop, BenchImage image, Kind to, double least)
    {
        Workshop.Say($"converting {image.Name} to {to.Words}");
        var folder = workshop.EmptyFolder("copies");
        var target = Path.Combine(folder, "target.image");
        var sizes = new Dictionary<string, long>();
        Contestant Whole(string name, params string[] line) => new(name, async () =>
        {
            SparseFile.Warm(image.Path);
            SparseFile.TouchMemory(folder, image.Data);
            var run = await WholeProcess.RunAsync(line);
            sizes[name] = new FileInfo(target).Length;
            File.Delete(target);
            return run.Elapsed;
        });

        string[] convert = ["-f", image.Format, "-O", to.Qemu, .. to.Options, image.Path, target];
        var times = await new Contest((workshop.Rounds + 1) / 2).HoldAsync(
        [
            Whole(Ours, [.. ConvertVerb.Line(image.Path, target, to.Name)]),
            Whole(Qemu, ["qemu-img", "convert", .. convert]),
            Whole(QemuThreads, ["qemu-img", "convert", "-m", "16", "-W", .. convert]),
        ]);
        var faster = times[Qemu] <= times[QemuThreads] ? Qemu : QemuThreads;
        var ratio = times[faster] / times[Ours];
        var name = $"{image.Name}, to {to.Words}";
        var row = new Row(Name, name, Speed(image, times[Ours]), $"{faster} {Speed(image, times[faster])}", Row.Ratio(ratio), Target.AtLeast(ratio, least)) { IsDisturbed = times.IsDisturbed };
        if (!to.IsPacked)
            return [row];
        var size = (double)sizes[Ours] / sizes[faster];
        return [row, new Row(Name, $"{name}: its size", Size(sizes[Ours]), $"{faster} {Size(sizes[faster])}", Row.Ratio(size), Target.AtMost(size, 1.03))];
    }

    private static string Speed(BenchImage image, TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{image.Data / time.TotalSeconds / (1 << 20):0} MiB/s");

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB");

    /// <summary>What is made.</summary>
    /// <param name="Words">What people call it.</param>
    /// <param name="Name">The product's name of it.</param>
    /// <param name="Qemu">qemu-img's name of it.</param>
    /// <param name="Options">What qemu-img is told beside.</param>
    private sealed record Kind(string Words, string Name, string Qemu, params string[] Options)
    {
        /// <summary>Whether it is compressed, so that its size says something.</summary>
        public bool IsPacked => Name is "VmdkStreamOptimized" or "Qcow2Zlib";
    }
}
