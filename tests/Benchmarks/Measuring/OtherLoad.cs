using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>How much of the machine everybody else uses: a measurement beside somebody's build says nothing.</summary>
internal static partial class OtherLoad
{
    private const int Children = -1;
    private const int Myself = 0;
    private const double Quiet = 0.15;
    private static readonly TimeSpan TicksPerSecond = TimeSpan.FromMilliseconds(10);   // USER_HZ is 100 on every Linux
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan PatienceAtOnce = TimeSpan.FromSeconds(15);
    private static TimeSpan _patience = TimeSpan.FromMinutes(2);

    /// <summary>A moment from which the others' load is counted.</summary>
    public readonly record struct Mark(TimeSpan Busy, TimeSpan Own, long Timestamp);

    /// <summary>Begins to count.</summary>
    public static Mark Begin() => new(Busy(), Own(Myself) + Own(Children), Stopwatch.GetTimestamp());

    /// <summary>How many processors others kept busy since a moment, on average; ended children of this process count as its own.</summary>
    /// <param name="since">The moment.</param>
    public static double Since(Mark since)
    {
        var now = Begin();
        var others = now.Busy - since.Busy - (now.Own - since.Own);
        return Math.Max(0, others / Stopwatch.GetElapsedTime(since.Timestamp, now.Timestamp));
    }

    /// <summary>Whether a load is too small to matter.</summary>
    /// <param name="processors">The load.</param>
    public static bool IsQuiet(double processors) => processors < Quiet;

    /// <summary>Whether there is time to do a measurement again.</summary>
    public static bool HasPatience => _patience > TimeSpan.Zero;

    /// <summary>Waits until others leave the machine alone, and no longer than is bearable: a whole run has only so much patience.</summary>
    /// <returns>Whether they do.</returns>
    public static async Task<bool> WaitForQuietAsync()
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var mark = Begin();
            await Task.Delay(Sample);
            if (IsQuiet(Since(mark)))
                return true;
            var waited = Stopwatch.GetElapsedTime(start);
            if (waited < PatienceAtOnce && waited < _patience)
                continue;
            _patience -= waited < _patience ? waited : _patience;
            return false;
        }
    }

    /// <summary>All time that processors were not idle: user, nice, system, irq, softirq, steal (proc(5), stat).</summary>
    private static TimeSpan Busy()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long ticks = 0;
        foreach (var field in (int[])[1, 2, 3, 6, 7, 8])
            ticks += long.Parse(fields[field], CultureInfo.InvariantCulture);
        return ticks * TicksPerSecond;
    }

    private static unsafe TimeSpan Own(int who)
    {
        var usage = stackalloc long[18];   // struct rusage: user and system time first, seconds and microseconds each
        return ResourceUsage(who, usage) == 0
            ? TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3])
            : TimeSpan.Zero;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static unsafe partial int ResourceUsage(int who, long* usage);
}
