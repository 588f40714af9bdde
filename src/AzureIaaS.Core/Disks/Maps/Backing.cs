namespace AzureIaaS.Disks.Maps;

/// <summary>What shows where a map has nothing: the parent of a differencing disk, from a place on; behind the parent's end there are zeros.</summary>
/// <param name="parent">The parent.</param>
/// <param name="start">Where the map's first byte lies on the parent, in bytes.</param>
internal sealed class Backing(DiskImage parent, long start = 0)
{
    /// <summary>Fills the buffer.</summary>
    /// <param name="offset">Where to start, in bytes of the map.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    public void Read(long offset, Span<byte> buffer)
    {
        var there = (int)Math.Clamp(parent.Length - start - offset, 0, buffer.Length);
        parent.Read(Math.Min(parent.Length, start + offset), buffer[..there]);
        buffer[there..].Clear();
    }

    /// <summary>Lists the runs of a range.</summary>
    /// <param name="offset">Where to start, in bytes of the map.</param>
    /// <param name="length">How many bytes.</param>
    public IEnumerable<DiskExtent> Extents(long offset, long length)
    {
        var there = Math.Clamp(parent.Length - start - offset, 0, length);
        foreach (var extent in parent.GetExtents(Math.Min(parent.Length, start + offset), there))
            yield return extent with { Start = extent.Start - start };
        if (there < length)
            yield return new DiskExtent(offset + there, length - there, DiskExtentKind.Hole);
    }
}
