namespace AzureIaaS.Azure.Upload;

/// <summary>Ranges of a disk, in any order, by several threads; asked for in order and merged.</summary>
internal sealed class PageRanges
{
    private readonly List<(long Start, long End)> _ranges = [];

    /// <summary>Adds a range.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="end">The byte after its last.</param>
    public void Add(long start, long end)
    {
        lock (_ranges)
        {
            // Neighbours come one after the other as a rule; what is merged here need not be kept.
            if (_ranges.Count > 0 && _ranges[^1].End == start)
                _ranges[^1] = (_ranges[^1].Start, end);
            else
                _ranges.Add((start, end));
        }
    }

    /// <summary>The ranges in order, none touching another.</summary>
    public IReadOnlyList<(long Start, long End)> Merged()
    {
        lock (_ranges)
        {
            _ranges.Sort();
            var merged = new List<(long Start, long End)>(_ranges.Count);
            foreach (var (start, end) in _ranges)
            {
                if (merged.Count > 0 && start <= merged[^1].End)
                    merged[^1] = (merged[^1].Start, Math.Max(end, merged[^1].End));
                else
                    merged.Add((start, end));
            }

            return merged;
        }
    }

    /// <summary>Where two sets of ranges first differ; null when they are the same.</summary>
    /// <param name="a">The one, merged.</param>
    /// <param name="b">The other, merged.</param>
    public static long? FirstDifference(IReadOnlyList<(long Start, long End)> a, IReadOnlyList<(long Start, long End)> b)
    {
        for (var i = 0; i < Math.Max(a.Count, b.Count); i++)
        {
            if (i >= a.Count)
                return b[i].Start;
            if (i >= b.Count)
                return a[i].Start;
            if (a[i].Start != b[i].Start)
                return Math.Min(a[i].Start, b[i].Start);
            if (a[i].End != b[i].End)
                return Math.Min(a[i].End, b[i].End);
        }

        return null;
    }
}
