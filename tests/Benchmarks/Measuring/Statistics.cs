namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>What is said of several measurements of one thing.</summary>
internal static class Statistics
{
    /// <summary>The one in the middle.</summary>
    public static TimeSpan Median(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
