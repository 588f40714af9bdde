using System.Globalization;
using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Disks;
using AzureIaaS.Guests;

namespace AzureIaaS.Benchmarks;

/// <summary>What it costs to learn what a large disk holds: the judgement as a whole process, and how much of the disk is read for it.</summary>
internal sealed class InspectBenchmark : Benchmark
{
    private const string Judge = "iaas readiness";
    private const double MostPercent = 1;
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);

    public override string Name => "inspect";

    public override string Description => "the inspection of a Linux on a disk of 40 GiB";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var rows = new List<Row>();
        foreach (var kind in new[] { ImageKind.Raw, ImageKind.All.First(k => k.Format == "vhdx") })
            rows.AddRange(await InspectAsync(workshop, await workshop.Corpus.SystemAsync(kind)));
        return rows;
    }

    private async Task<IReadOnlyList<Row>> InspectAsync(Workshop workshop, BenchImage image)
    {
        Workshop.Say($"inspecting {image.Name}");
        var times = await new Contest(workshop.Rounds).HoldAsync(new Contestant(Judge, async () => (await BenchFabric.IaasAsync("readiness", image.Path)).Elapsed));
        using var disk = new CountingImage(DiskFormat.OpenImage(image.Path, new DiskOpenOptions()));
        if (GuestInspector.Inspect([disk], CancellationToken.None).Kernels is not [{ BootDrivers: not null }])
            throw new InvalidOperationException($"{image.Path}: its kernel and initramfs were not seen");
        var percent = 100.0 * disk.BytesRead / disk.Length;
        return
        [
            new Row(Name, $"{image.Name}, {Judge}, whole process", Row.Time(times[Judge]), "", Row.Time(times[Judge]), Target.Below(times[Judge], Most)) { IsDisturbed = times.IsDisturbed },
            new Row(Name, $"{image.Name}, read of the disk", ByteSize.Format(disk.BytesRead), "", string.Create(CultureInfo.InvariantCulture, $"{percent:0.00} %"),
                new Target("< 1 %", percent < MostPercent)),
        ];
    }
}
