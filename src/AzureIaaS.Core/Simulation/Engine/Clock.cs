namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// Simulated time: whole microseconds, so that sums are exact, events that coincide coincide, and up, down and planned time add up to the
/// horizon to the last microsecond.
/// </summary>
internal static class Clock
{
    /// <summary>Ticks in a second.</summary>
    public const double PerSecond = 1e6;

    /// <summary>Later than everything that happens.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The longest horizon, in years; a century of centuries leaves room for sums.</summary>
    public const double LongestYears = 10_000;

    /// <summary>Seconds in ticks; what is beyond the longest horizon never happens.</summary>
    public static long Ticks(double seconds) => seconds < LongestYears * TimeText.Year ? (long)((seconds * PerSecond) + 0.5) : Never;

    /// <summary>The time that comes a while after another.</summary>
    public static long After(long now, double seconds) => After(now, Ticks(seconds));

    /// <summary>The same, of a while in ticks.</summary>
    public static long After(long now, long ticks) => ticks == Never ? Never : now + ticks;
}
