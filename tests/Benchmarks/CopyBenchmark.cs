using System.Globalization;
using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks;

/// <summary>Copying an image to a raw disk, whole processes, cache warm.</summary>
internal sealed class CopyBenchmark : Benchmark
{
    private const string WithDigest = "with digest";
    private const string WithoutDigest = "without digest";
    private const string Cp = "cp";
    private const string Qemu = "qemu-img";
    private const string QemuThreads = "qemu-img -m 16 -W";

    /// <summary>What the digest leaves of cp's speed: SHA-256 alone runs at about that on one core.</summary>
    public const double DigestTarget = 0.6;

    /// <summary>Without a digest nothing is to be lost but the start of a .NET program.</summary>
    public const double PlainTarget = 0.95;

    public override string Name => "copy";

    public override string Description => "copying images to a raw disk, beside cp --sparse=always and qemu-img convert";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var rows = new List<Row>();
        rows.AddRange(await CompareAsync(workshop, await workshop.Corpus.FileSystemAsync(ImageKind.Raw)));
        foreach (var kind in ImageKind.All)
            rows.AddRange(await CompareAsync(workshop, await workshop.Corpus.SyntheticAsync(kind)));
        rows.AddRange(await CompareAsync(workshop, await workshop.Corpus.ThinAsync(ImageKind.Raw), isAim: false));
        return rows;
    }

    private async Task<IEnumerable<Row>> CompareAsync(Workshop workshop, BenchImage image, bool isAim = true)
    {
        Workshop.Say($"copying {image.Name}");
        var folder = workshop.EmptyFolder("copies");
        var target = Path.Combine(folder, "target.raw");
        Contestant Whole(string name, params string[] line) => new(name, async () =>
        {
            SparseFile.Warm(image.Path);
            SparseFile.TouchMemory(folder, image.Data);
            var run = await WholeProcess.RunAsync(line);
            File.Delete(target);
            return run.Elapsed;
        });

        // cp knows plain files only: where the disk is not the file, it says nothing. Of those there are many, so that each has fewer rounds.
        var rounds = image.IsPlain ? workshop.Rounds : (workshop.Rounds + 1) / 2;
        Contestant[] cp = !image.IsPlain ? [] : [Whole(Cp, "cp", "--sparse=always", image.Path, target)];
        var times = await new Contest(rounds).HoldAsync(
        [
            Whole(WithDigest, [.. CopyVerb.Line(image.Path, target, digest: true)]),
            .. cp,
            Whole(WithoutDigest, [.. CopyVerb.Line(image.Path, target, digest: false)]),
            Whole(Qemu, "qemu-img", "convert", "-f", image.Format, "-O", "raw", image.Path, target),
            Whole(QemuThreads, "qemu-img", "convert", "-m", "16", "-W", "-f", image.Format, "-O", "raw", image.Path, target),
        ]);
        return new[] { WithDigest, WithoutDigest }.SelectMany(ours => Rows(image, times, ours, isAim));
    }

    private IEnumerable<Row> Rows(BenchImage image, Times times, string ours, bool isAim)
    {
        var faster = times[Qemu] <= times[QemuThreads] ? Qemu : QemuThreads;
        string[] peers = image.IsPlain ? [Cp, faster] : [faster];
        foreach (var peer in peers)
        {
            var ratio = times[peer] / times[ours];
            var target = isAim && peer == Cp ? Target.AtLeast(ratio, ours == WithDigest ? DigestTarget : PlainTarget) : null;
            yield return new Row(Name, $"{image.Name}, {ours}", Speed(image, times[ours]), $"{peer} {Speed(image, times[peer])}", Row.Ratio(ratio), target) { IsDisturbed = times.IsDisturbed };
        }
    }

    private static string Speed(BenchImage image, TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{image.Data / time.TotalSeconds / (1 << 20):0} MiB/s");
}
