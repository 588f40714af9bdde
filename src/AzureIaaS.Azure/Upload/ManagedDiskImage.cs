using System.Buffers;
using AzureIaaS.Disks;

namespace AzureIaaS.Azure.Upload;

/// <summary>A managed disk that is read where it is, by its pages. Only what is allocated is fetched; the rest is zeros without asking.</summary>
internal sealed class ManagedDiskImage : DiskImage
{
    private readonly PageBlob _blob;
    private readonly VirtualDisk _disk;
    private readonly Lazy<IReadOnlyList<(long Start, long End)>> _ranges;

    /// <summary>Reads a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="blob">Its pages; closed with the image.</param>
    public ManagedDiskImage(VirtualDisk disk, PageBlob blob)
        : base(DiskFormat.Named("raw"), disk.Path)
    {
        _disk = disk;
        _blob = blob;
        // Readers of images have threads of their own, which nothing waits for but the disk.
        _ranges = new(() => _blob.GetRangesAsync(_disk.Length, CancellationToken.None).GetAwaiter().GetResult());
    }

    public override string Variant => "managed";

    public override long Length => _disk.Length;

    public override int PreferredRead => PageBlob.MostPerWrite;

    /// <summary>The way there is slow, not the processor; more threads help all the same.</summary>
    public override bool IsCompressed => true;

    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        buffer.Clear();
        var end = offset + buffer.Length;
        foreach (var (start, stop) in RangesIn(offset, end))
            Fetch(start, buffer[(int)(start - offset)..(int)(stop - offset)]);
    }

    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length)
    {
        var (at, end) = (offset, offset + length);
        foreach (var (start, stop) in RangesIn(offset, end))
        {
            if (start > at)
                yield return new DiskExtent(at, start - at, DiskExtentKind.Hole);
            yield return new DiskExtent(start, stop - start, DiskExtentKind.Data);
            at = stop;
        }

        if (at < end)
            yield return new DiskExtent(at, end - at, DiskExtentKind.Hole);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _blob.Dispose();
    }

    private IEnumerable<(long Start, long End)> RangesIn(long offset, long end)
    {
        var ranges = _ranges.Value;
        for (var i = FirstEndingAfter(ranges, offset); i < ranges.Count && ranges[i].Start < end; i++)
            yield return (Math.Max(offset, ranges[i].Start), Math.Min(end, ranges[i].End));
    }

    private static int FirstEndingAfter(IReadOnlyList<(long Start, long End)> ranges, long offset)
    {
        var (low, high) = (0, ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].End > offset)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    private void Fetch(long offset, Span<byte> buffer)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = Math.Min(PageBlob.MostPerWrite, buffer.Length - done);
            var piece = ArrayPool<byte>.Shared.Rent(count);
            try
            {
                _blob.ReadAsync(offset + done, piece.AsMemory(0, count), CancellationToken.None).GetAwaiter().GetResult();
                piece.AsSpan(0, count).CopyTo(buffer[done..]);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(piece);
            }

            done += count;
        }
    }
}
