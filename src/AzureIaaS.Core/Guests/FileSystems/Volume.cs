namespace AzureIaaS.Guests.FileSystems;

/// <summary>
/// A volume, or a file of one, as the readers of its structures see it: nothing is read beyond its end, and the latest pages are kept, since structures are
/// small and lie together. Used by one thread.
/// </summary>
/// <param name="length">Its length in bytes.</param>
/// <param name="read">Reads from it.</param>
internal sealed class Volume(long length, DiskReader read)
{
    private const int PageSize = 16 << 10;
    private const int MaxPages = 256;

    private readonly Dictionary<long, byte[]> _pages = [];
    private readonly Queue<long> _order = [];

    /// <summary>Its length in bytes.</summary>
    public long Length => length;

    /// <summary>Fills the buffer.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="FileSystemException">The range leaves the volume.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        Require(offset, buffer.Length);
        if (buffer.Length >= PageSize)
        {
            read(offset, buffer);
            return;
        }

        while (!buffer.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, PageSize);
            var bytes = PageAt(index).AsSpan((int)within);
            bytes = bytes[..Math.Min(bytes.Length, buffer.Length)];
            bytes.CopyTo(buffer);
            buffer = buffer[bytes.Length..];
            offset += bytes.Length;
        }
    }

    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="count">How many; the caller bounds it.</param>
    /// <exception cref="FileSystemException">The range leaves the volume.</exception>
    public byte[] Bytes(long offset, int count)
    {
        Require(offset, count);
        var bytes = new byte[count];
        Read(offset, bytes);
        return bytes;
    }

    private void Require(long offset, int count)
    {
        if (offset < 0 || count < 0 || offset > length - count)
            throw new FileSystemException($"it refers to byte {offset}, beyond its end");
    }

    private byte[] PageAt(long index)
    {
        if (_pages.TryGetValue(index, out var known))
            return known;
        var page = new byte[(int)Math.Min(PageSize, length - (index * PageSize))];
        read(index * PageSize, page);
        _pages.Add(index, page);
        _order.Enqueue(index);
        if (_order.Count > MaxPages)
            _pages.Remove(_order.Dequeue());
        return page;
    }
}
