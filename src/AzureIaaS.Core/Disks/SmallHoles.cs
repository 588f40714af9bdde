namespace AzureIaaS.Disks;

/// <summary>Runs of a disk as they look to somebody for whom a run costs more than some zeros in it.</summary>
internal static class SmallHoles
{
    /// <summary>Takes small holes between data for data; all others are holes, whatever kind of zeros they were.</summary>
    /// <param name="extents">The runs of a range.</param>
    /// <param name="start">Where the range starts, in bytes.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <param name="least">How long a hole must be to stay one, in bytes.</param>
    public static IEnumerable<DiskExtent> Fill(IEnumerable<DiskExtent> extents, long start, long length, long least)
    {
        var run = new DiskExtent(start, 0, DiskExtentKind.Data);
        foreach (var data in extents.Where(e => e.Kind == DiskExtentKind.Data))
        {
            if (run.Length > 0 && data.Start - run.End < least)
            {
                run = run with { Length = data.End - run.Start };
                continue;
            }

            if (run.Length > 0)
                yield return run;
            if (data.Start > run.End)
                yield return new DiskExtent(run.End, data.Start - run.End, DiskExtentKind.Hole);
            run = data;
        }

        if (run.Length > 0)
            yield return run;
        if (start + length > run.End)
            yield return new DiskExtent(run.End, start + length - run.End, DiskExtentKind.Hole);
    }
}
