using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using AzureIaaS.ArmDouble;
using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>Uploads to a real storage emulator, beside a program that only writes as many pages in parallel.</summary>
internal sealed partial class UploadBenchmark : Benchmark
{
    private const double LeastSpeed = 0.9;
    private const double MostBytes = 1.05;
    private const int PageWriters = 8;
    private const int PieceSize = 4 << 20;
    private const int Granularity = 64 << 10;

    private static readonly ImageKind[] Kinds = [ImageKind.All.First(k => k.Format == "vhdx"), ImageKind.StreamOptimized, ImageKind.All.First(k => k.Name == "qcow2")];

    public override string Name => "upload";

    public override string Description => "uploads to a storage emulator (azurite), beside a plain writer of pages";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        if (Azurite.Program is null)
        {
            Workshop.Say("azurite-blob is not installed; uploads are not measured");
            return [];
        }

        // The small disk always: an emulator takes what a disk of Azure's would not notice.
        var corpus = new Corpus(Path.Combine(workshop.Folder, "images"), isQuick: true);
        var rows = new List<Row>();
        foreach (var kind in Kinds)
            rows.AddRange(await MeasureAsync(workshop, corpus, await corpus.SyntheticAsync(kind)));
        return rows;
    }

    private async Task<IReadOnlyList<Row>> MeasureAsync(Workshop workshop, Corpus corpus, BenchImage image)
    {
        Workshop.Say($"uploading {image.Name}");
        using var storage = await Azurite.StartAsync();
        using var cloud = new CloudBench(workshop.EmptyFolder(Name), storage);
        var nonZero = CountNonZero((await corpus.SyntheticAsync(ImageKind.Raw)).Path);
        var notes = new Notes();
        var number = 0;
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(
            new Contestant("ours", async () =>
            {
                var time = Stopwatch.StartNew();
                await cloud.Session.Imports.ImportAsync(
                    new ImportRequest { Path = image.Path, Name = $"vm{number++}", OSType = GuestOSType.Linux, Firmware = Firmware.Bios }, notes, CancellationToken.None);
                return time.Elapsed;
            }),
            new Contestant("pages", () => WritePagesAsync(storage, $"plain{number}", nonZero)));
        var ratio = times["pages"] / times["ours"];
        var sent = (double)notes.Bytes / nonZero;
        return
        [
            new Row(Name, $"{image.Name} to azurite, whole import", Row.Time(times["ours"]), $"plain writer {Row.Time(times["pages"])}", Row.Ratio(ratio), Target.AtLeast(ratio, LeastSpeed)) { IsDisturbed = times.IsDisturbed },
            new Row(Name, $"{image.Name}, bytes sent of {ByteSize.Format(nonZero)} not zero, {notes.Requests:N0} requests", ByteSize.Format(notes.Bytes), "", Row.Ratio(sent), Target.AtMost(sent, MostBytes)),
        ];
    }

    /// <summary>The peer: as many bytes in pieces of 4 MiB with their digests, eight at a time, from memory.</summary>
    private static async Task<TimeSpan> WritePagesAsync(Azurite storage, string name, long total)
    {
        await storage.CreateAsync(name, (total + PieceSize - 1) / PieceSize * PieceSize);
        var data = RandomNumberGenerator.GetBytes(PieceSize);
        var address = storage.Grant(name, TimeProvider.System.GetUtcNow().AddHours(1), write: true);
        using var http = new HttpClient();
        var time = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, (int)((total + PieceSize - 1) / PieceSize)), new ParallelOptions { MaxDegreeOfParallelism = PageWriters }, async (i, c) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, address + "&comp=page") { Content = new ByteArrayContent(data) };
            request.Headers.Add("x-ms-version", "2021-08-06");
            request.Headers.Add("x-ms-page-write", "update");
            request.Headers.Add("x-ms-range", $"bytes={(long)i * PieceSize}-{((i + 1L) * PieceSize) - 1}");
#pragma warning disable CA5351   // the service knows no other
            request.Content.Headers.ContentMD5 = MD5.HashData(data);
#pragma warning restore CA5351
            using var response = await http.SendAsync(request, c);
            response.EnsureSuccessStatusCode();
        });
        return time.Elapsed;
    }

    private static long CountNonZero(string raw)
    {
        using var file = File.OpenRead(raw);
        var (buffer, count) = (new byte[Granularity], 0L);
        while (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var read)
            count += buffer.AsSpan(0, read).ContainsAnyExcept((byte)0) ? read : 0;
        return count;
    }

    /// <summary>Reads what an upload says of itself.</summary>
    private sealed partial class Notes : IProgress<Notice>
    {
        public long Bytes { get; private set; }

        public long Requests { get; private set; }

        public void Report(Notice value)
        {
            if (Said().Match(value.Text) is not { Success: true } said)
                return;
            Bytes = long.Parse(said.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.CurrentCulture);
            Requests = long.Parse(said.Groups[2].Value, NumberStyles.AllowThousands, CultureInfo.CurrentCulture);
        }

        [GeneratedRegex(@": ([\d,.\u00A0\u202F ]+) bytes in .* ranges, by ([\d,.\u00A0\u202F ]+) requests")]
        private static partial Regex Said();
    }
}
