using System.Globalization;

namespace AzureIaaS.Benchmarks;

/// <summary>A line of the table.</summary>
/// <param name="Benchmark">The benchmark's name.</param>
/// <param name="What">What was measured.</param>
/// <param name="Ours">What the product reached.</param>
/// <param name="Peer">What the peer reached in the same run, with its name; empty where there is none.</param>
/// <param name="Result">The ratio, the difference or the size that counts.</param>
/// <param name="Target">What it has to be; null where it is only reported.</param>
internal sealed record Row(string Benchmark, string What, string Ours, string Peer, string Result, Target? Target = null)
{
    /// <summary>Whether others used the machine meanwhile.</summary>
    public bool IsDisturbed { get; init; }

    /// <summary>Whether the target was met; empty where there is none.</summary>
    public string Verdict => (Target is null ? "" : Target.IsMet ? "met" : "**missed**") + (IsDisturbed ? " (disturbed)" : "");

    /// <summary>A ratio with two decimals.</summary>
    public static string Ratio(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>How much longer something took.</summary>
    public static string Difference(TimeSpan time) => (time < TimeSpan.Zero ? "" : "+") + Time(time);

    /// <summary>A time in the unit that fits.</summary>
    public static string Time(TimeSpan time) => time.TotalSeconds >= 10
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}

/// <summary>What a benchmark has to reach.</summary>
/// <param name="Text">The target as people write it.</param>
/// <param name="IsMet">Whether it was reached.</param>
internal sealed record Target(string Text, bool IsMet)
{
    /// <summary>A number that must not be lower.</summary>
    public static Target AtLeast(double value, double target) => new(string.Create(CultureInfo.InvariantCulture, $"≥ {target:0.0##}"), value >= target);

    /// <summary>A number that must not be higher.</summary>
    public static Target AtMost(double value, double target) => new(string.Create(CultureInfo.InvariantCulture, $"≤ {target:0.0##}"), value <= target);

    /// <summary>A time that must stay below.</summary>
    public static Target Below(TimeSpan value, TimeSpan target) => new($"< {Row.Time(target)}", value < target);

    /// <summary>A size that must stay below.</summary>
    public static Target Below(long bytes, long target) => new($"< {ByteSize.Format(target)}", bytes < target);
}
