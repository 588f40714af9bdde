namespace AzureIaaS.Disks.Maps;

/// <summary>
/// A file as the readers of its tables see it: in pages, of which the latest are kept, so that a table of any size costs a bounded
/// amount of memory. A format whose tables are not yet in place (a VHDX with a log) can lay the missing bytes over <see cref="Load"/>.
/// </summary>
/// <param name="file">The file.</param>
internal class MetadataView(DiskFile file)
{
    private const int PageSize = 64 << 10;
    private const int MaxPages = 256;

    private readonly object _lock = new();
    private readonly Dictionary<long, Page> _pages = [];
    private readonly Queue<long> _order = [];
    private Page? _latest;

    /// <summary>The full path of the file.</summary>
    public string Path => file.Path;

    /// <summary>The file's length in bytes.</summary>
    public long Length => file.Length;

    /// <summary>Fills the buffer from the file.</summary>
    /// <param name="offset">Where to start, in bytes from the file's start.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="DiskImageException">The range leaves the file, or the device failed.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > Length - buffer.Length)
            throw DiskErrors.Truncated(Path, offset, buffer.Length, Length);
        while (!buffer.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, PageSize);
            var bytes = PageAt(index).Bytes.AsSpan((int)within);
            bytes = bytes[..Math.Min(bytes.Length, buffer.Length)];
            bytes.CopyTo(buffer);
            buffer = buffer[bytes.Length..];
            offset += bytes.Length;
        }
    }

    /// <summary>Fills a page from the file.</summary>
    /// <param name="offset">Where the page starts.</param>
    /// <param name="page">What to fill, wholly.</param>
    protected virtual void Load(long offset, Span<byte> page) => file.Read(offset, page);

    private Page PageAt(long index)
    {
        if (_latest is { } latest && latest.Index == index)
            return latest;
        lock (_lock)
        {
            if (_pages.TryGetValue(index, out var known))
                return _latest = known;
        }

        // Read outside the lock: two threads may read the same page once each, which costs less than making one wait for the other's disk.
        var page = new Page(index, new byte[(int)Math.Min(PageSize, Length - (index * PageSize))]);
        Load(index * PageSize, page.Bytes);
        lock (_lock)
        {
            if (_pages.TryAdd(index, page))
            {
                _order.Enqueue(index);
                if (_order.Count > MaxPages)
                    _pages.Remove(_order.Dequeue());
            }

            return _latest = page;
        }
    }

    private sealed record Page(long Index, byte[] Bytes);
}
