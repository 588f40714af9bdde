using System.Diagnostics;
using System.Security.Cryptography;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Upload;
using AzureIaaS.Benchmarks.Images;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Imports;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>Uploads to a real storage emulator, beside a program that only writes as many pages in parallel.</summary>
internal sealed class UploadBenchmark : Benchmark
{
    private const double LeastSpeed = 0.9;
    private const double MostBytes = 1.05;
    private const double MostChecking = 0.1;
    private const int PageWriters = 8;
    private const int PieceSize = 4 << 20;
    private const int Granularity = 64 << 10;
    private const int WarmUps = 2;

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
        await WarmUpAsync(workshop, corpus);
        var rows = new List<Row>();
        foreach (var kind in Kinds)
            rows.AddRange(await MeasureAsync(workshop, corpus, await corpus.SyntheticAsync(kind)));
        rows.AddRange(await new InterruptedUpload(workshop).MeasureAsync());
        return rows;
    }

    private async Task<IReadOnlyList<Row>> MeasureAsync(Workshop workshop, Corpus corpus, BenchImage image)
    {
        Workshop.Say($"uploading {image.Name}");
        using var storage = await Azurite.StartAsync();
        using var cloud = new CloudBench(workshop.EmptyFolder(Name), storage);
        var nonZero = CountNonZero((await corpus.SyntheticAsync(ImageKind.Raw)).Path);
        TimeSpan WorkSoFar() => Environment.CpuUsage.TotalTime + storage.ProcessorTime;
        var notes = new UploadNotes(WorkSoFar);
        var (number, whole) = (0, new List<TimeSpan>());
        var (ownWork, plainWork) = (new List<TimeSpan>(), new List<TimeSpan>());
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(
            new Contestant("ours", async () =>
            {
                var time = Stopwatch.StartNew();
                await UploadAsync(cloud, image, $"vm{number++}", notes);
                whole.Add(time.Elapsed);
                ownWork.Add(notes.Work);
                return notes.Elapsed;
            }),
            new Contestant("pages", async () =>
            {
                var before = WorkSoFar();
                var time = await WritePagesAsync(storage, $"plain{number}", nonZero, PieceOf(nonZero, notes.Requests));
                plainWork.Add(WorkSoFar() - before);
                return time;
            }),
            new Contestant("large", () => WritePagesAsync(storage, $"large{number}", nonZero, PieceSize)));
        var ratio = times["pages"] / times["ours"];
        var sent = (double)notes.Sent / nonZero;
        var checks = TimeOfChecks(nonZero);
        var (own, plain) = (Statistics.Median([.. ownWork.Skip(1)]), Statistics.Median([.. plainWork.Skip(1)]));   // the first round counts for nothing
        return
        [
            new Row(Name, $"{image.Name} to azurite, first byte to footer (whole import {Row.Time(Statistics.Median(whole))})", Row.Time(times["ours"]), $"plain writer, as many requests {Row.Time(times["pages"])}", Row.Ratio(ratio), Target.AtLeast(ratio, LeastSpeed)) { IsDisturbed = times.IsDisturbed },
            new Row(Name, $"{image.Name}, the same", Row.Time(times["ours"]), $"plain writer, 4 MB a request {Row.Time(times["large"])}", Row.Ratio(times["large"] / times["ours"])) { IsDisturbed = times.IsDisturbed },
            new Row(Name, $"{image.Name}, processor time of both ends meanwhile", Row.Time(own), $"plain writer, as many requests {Row.Time(plain)}", Row.Ratio(plain / own)),
            new Row(Name, $"{image.Name}, its checks: CRC-64 and SHA-256 of all data, processor time", Row.Time(checks), "", Row.Ratio(checks / times["ours"]), Target.AtMost(checks / times["ours"], MostChecking)),
            new Row(Name, $"{image.Name}, bytes sent of {ByteSize.Format(nonZero)} not zero, {notes.Requests:N0} requests", ByteSize.Format(notes.Sent), "", Row.Ratio(sent), Target.AtMost(sent, MostBytes)),
        ];
    }

    /// <summary>
    /// Uploads that count for nothing: several are over before the runtime has compiled what they use, and the resource manager's double in the same process, as well
    /// as it will. The peer has next to nothing to compile.
    /// </summary>
    private static async Task WarmUpAsync(Workshop workshop, Corpus corpus)
    {
        using var storage = await Azurite.StartAsync();
        using var cloud = new CloudBench(workshop.EmptyFolder("warm-up"), storage);
        for (var round = 0; round < WarmUps; round++)
        {
            foreach (var kind in Kinds)
                await UploadAsync(cloud, await corpus.SyntheticAsync(kind), $"{kind.Format}{round}", new UploadNotes());
        }
    }

    private static Task UploadAsync(CloudBench cloud, BenchImage image, string name, UploadNotes notes) => cloud.Session.Imports.ImportAsync(
        new ImportRequest { Path = image.Path, Name = name, OSType = GuestOSType.Linux, Firmware = Firmware.Bios }, notes, CancellationToken.None);

    /// <summary>The size of pieces by which as many bytes take as many requests: an emulator's work is by requests as much as by bytes.</summary>
    private static int PieceOf(long total, long requests) => (int)Math.Min(PieceSize, (total / Math.Max(1, requests) + Granularity - 1) / Granularity * Granularity);

    /// <summary>The peer: as many bytes in pieces, eight at a time, from memory, with nothing that tells whether they arrive as they were.</summary>
    private static async Task<TimeSpan> WritePagesAsync(Azurite storage, string name, long total, int piece)
    {
        var count = (int)((total + piece - 1) / piece);
        await storage.CreateAsync(name, (long)count * piece);
        var data = RandomNumberGenerator.GetBytes(piece);
        var address = storage.Grant(name, TimeProvider.System.GetUtcNow().AddHours(1), write: true);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var time = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = PageWriters }, async (i, c) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, address + "&comp=page") { Content = new ByteArrayContent(data) };
            request.Headers.Add("x-ms-version", "2021-08-06");
            request.Headers.Add("x-ms-page-write", "update");
            request.Headers.Add("x-ms-range", $"bytes={(long)i * piece}-{((i + 1L) * piece) - 1}");
            using var response = await http.SendAsync(request, c);
            response.EnsureSuccessStatusCode();
        });
        return time.Elapsed;
    }

    /// <summary>What hashing so many bytes takes, as an upload does it: each piece for the service, and for the disk's digest.</summary>
    private static TimeSpan TimeOfChecks(long total)
    {
        var data = RandomNumberGenerator.GetBytes(PieceSize);
        var best = TimeSpan.MaxValue;
        for (var attempt = 0; attempt < 3; attempt++)   // others' load makes it longer, nothing makes it shorter
        {
            var before = Environment.CpuUsage.TotalTime;
            for (long done = 0; done < total; done += data.Length)
            {
                Crc64.Compute(data);
                SHA256.HashData(data);
            }

            var taken = Environment.CpuUsage.TotalTime - before;
            best = taken < best ? taken : best;
        }

        return best;
    }

    private static long CountNonZero(string raw)
    {
        using var file = File.OpenRead(raw);
        var (buffer, count) = (new byte[Granularity], 0L);
        while (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var read)
            count += buffer.AsSpan(0, read).ContainsAnyExcept((byte)0) ? read : 0;
        return count;
    }
}
