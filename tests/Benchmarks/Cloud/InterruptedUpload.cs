using System.Diagnostics;
using System.Globalization;
using AzureIaaS.ArmDouble;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>An upload by the command line that is killed in its middle and goes on: what it sends twice, and the memory it takes.</summary>
/// <param name="workshop">With what.</param>
internal sealed class InterruptedUpload(Workshop workshop)
{
    private const string Benchmark = "upload";
    private const string Vm = "cut";
    private const long MostMemory = 300L << 20;
    private const double MostSentTwice = 0.02;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly long _length = workshop.IsQuick ? 256L << 20 : 2L << 30;

    /// <summary>Measures it.</summary>
    public async Task<IReadOnlyList<Row>> MeasureAsync()
    {
        Workshop.Say($"uploading {ByteSize.Format(_length)}, killed in the middle");
        var folder = workshop.EmptyFolder("interrupted");
        var image = Path.Combine(folder, Vm + ".raw");
        Create(image);
        using var storage = await Azurite.StartAsync();
        using var cloud = new CloudBench(Path.Combine(folder, "session"), storage);
        foreach (var variable in new[] { "XDG_CONFIG_HOME", "XDG_DATA_HOME" })
            Environment.SetEnvironmentVariable(variable, Path.Combine(folder, variable));
        await WholeProcess.RunAsync([Workshop.Iaas, "connect", "--azure", "--subscription", $"{CloudBench.Subscription}", "--resource-group", "farm", "--location", "westeurope", "--environment", $"{cloud.Address}"]);
        string[] import = [Workshop.Iaas, "import", image, "--name", Vm, "--os-type", "Linux", "--firmware", "Bios", "--verbose"];
        await KillInTheMiddleAsync(import, storage);
        var taken = await TakenAsync(storage);
        var run = await WholeProcess.RunAsync(import, withMemory: true);
        var notes = new UploadNotes();
        foreach (var line in run.Error.Split('\n'))
            notes.Report(Providers.Notice.Verbose(line));
        var twice = (double)(notes.Sent - 512 - (_length - taken)) / _length;
        Directory.Delete(folder, recursive: true);
        return
        [
            new Row(Benchmark, $"{ByteSize.Format(_length)} of data, killed when {ByteSize.Format(taken)} were there: sent twice", ByteSize.Format((long)(twice * _length)), "", Percent(twice), Target.AtMost(twice, MostSentTwice)),
            new Row(Benchmark, $"{ByteSize.Format(_length)} of data, iaas import to azurite, working set", ByteSize.Format(run.PeakMemory), "", ByteSize.Format(run.PeakMemory), Target.Below(run.PeakMemory, MostMemory)),
        ];
    }

    private async Task KillInTheMiddleAsync(string[] import, Azurite storage)
    {
        using var process = Process.Start(new ProcessStartInfo(import[0], import.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _ = process.StandardOutput.ReadToEndAsync();
        var said = process.StandardError.ReadToEndAsync();
        var start = Stopwatch.GetTimestamp();
        while (await TakenAsync(storage) < _length / 2)
        {
            await Task.Delay(LookEvery);
            if (process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
                throw new InvalidOperationException($"The upload did not come to its middle: {(process.HasExited ? await said : "it is too slow")}");
        }

        process.Kill();
        await process.WaitForExitAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));   // what is on its way arrives still
    }

    /// <summary>How much of the disk the storage holds.</summary>
    private async Task<long> TakenAsync(Azurite storage) =>
        (await storage.ListAsync($"farm-{Vm}-disk0")).Sum(r => Math.Min(r.End, _length) - Math.Min(r.Start, _length));

    private void Create(string path)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        var (random, block) = (new Random(1), new byte[4 << 20]);
        for (long at = 0; at < _length; at += block.Length)
        {
            random.NextBytes(block);
            RandomAccess.Write(file, block, at);
        }
    }

    private static string Percent(double value) => value.ToString("0.00 %", CultureInfo.InvariantCulture);
}
