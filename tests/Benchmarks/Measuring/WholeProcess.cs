using System.Diagnostics;
using System.Globalization;

namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>A program run from its start to its end.</summary>
/// <param name="Elapsed">How long it took, starting and ending included.</param>
/// <param name="PeakMemory">The most memory it had in use, in bytes; 0 when it was not asked for.</param>
/// <param name="Output">What it wrote to its standard output.</param>
/// <param name="Error">What it wrote to its standard error.</param>
internal sealed record WholeProcess(TimeSpan Elapsed, long PeakMemory, string Output, string Error)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    /// <summary>Runs a program.</summary>
    /// <param name="line">The program and its arguments.</param>
    /// <param name="withMemory">Whether its memory is watched.</param>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task<WholeProcess> RunAsync(IReadOnlyList<string> line, bool withMemory = false)
    {
        var start = new ProcessStartInfo(line[0], line.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        var begun = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        var peak = withMemory ? await WatchMemoryAsync(process) : 0;
        await process.WaitForExitAsync();
        var elapsed = Stopwatch.GetElapsedTime(begun);
        return process.ExitCode == 0
            ? new WholeProcess(elapsed, peak, await output, await error)
            : throw new InvalidOperationException($"{string.Join(' ', line)} ended with {process.ExitCode}: {await error}");
    }

    /// <summary>The high-water mark only grows, so the last one seen is the process's, but for what its last milliseconds added.</summary>
    private static async Task<long> WatchMemoryAsync(Process process)
    {
        long peak = 0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, HighWaterMark(process.Id));
            await Task.Delay(LookEvery);
        }

        return peak;
    }

    private static long HighWaterMark(int id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            return 0;   // it has just ended
        }
    }
}
