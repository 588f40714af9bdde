using System.Diagnostics;

namespace AzureIaaS.Benchmarks.Scale;

/// <summary>A watcher in a process of its own that has come to rest. Disposing it ends it.</summary>
internal sealed class IdleWatcher : IDisposable
{
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private const double AtRest = 0.1;

    private IdleWatcher(Process process) => Process = process;

    /// <summary>The process.</summary>
    public Process Process { get; }

    /// <summary>Starts one for the current fabric by the command line.</summary>
    public static Task<IdleWatcher> StartAsync() => StartAsync([Workshop.Iaas, "fabric", "watch"]);

    /// <summary>Starts one, and waits until it has looked at everything once.</summary>
    /// <param name="line">The command line.</param>
    public static async Task<IdleWatcher> StartAsync(IReadOnlyList<string> line)
    {
        var watcher = new IdleWatcher(Process.Start(new ProcessStartInfo(line[0], line.Skip(1)))!);
        var start = Stopwatch.GetTimestamp();
        var isNew = true;
        while (Stopwatch.GetElapsedTime(start) < Patience)
        {
            var load = await watcher.LoadAsync(Sample);
            if (load < AtRest && !isNew)
                return watcher;
            isNew = load < AtRest && isNew && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(3);
        }

        throw new InvalidOperationException($"The watcher did not come to rest within {Patience.TotalSeconds:0} s.");
    }

    /// <summary>How many processors it keeps busy over a time.</summary>
    /// <param name="time">The time.</param>
    public async Task<double> LoadAsync(TimeSpan time)
    {
        Process.Refresh();
        var (before, start) = (Process.TotalProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(time);
        Process.Refresh();
        return Process.HasExited
            ? throw new InvalidOperationException($"The watcher ended with {Process.ExitCode}.")
            : (Process.TotalProcessorTime - before) / Stopwatch.GetElapsedTime(start);
    }

    public void Dispose()
    {
        Process.Kill();
        Process.WaitForExit();
        Process.Dispose();
    }
}
