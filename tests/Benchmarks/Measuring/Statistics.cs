namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>What is said of several measurements of one thing.</summary>
internal static class Statistics
{
    /// <summary>The one in the middle.</summary>
    public static TimeSpan Median(IEnumerable<TimeSpan> times) => TimeSpan.FromTicks((long)Median(times.Select(t => (double)t.Ticks)));

    /// <summary>The one in the middle, or what is between the two.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
