namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>Where the addresses that trees use lie on the device: in chunks, one copy or two on a single device.</summary>
internal sealed class BtrfsChunks
{
    private const int HeaderSize = 48;
    private const int StripeSize = 32;
    private const ulong Striped = (1 << 3) | (1 << 6) | (1 << 7) | (1 << 8);
    private const int MaxChunks = 1 << 16;

    private readonly SortedList<long, (long Length, long Place)> _chunks = [];

    /// <summary>Adds a chunk.</summary>
    /// <param name="logical">Its first address.</param>
    /// <param name="item">Its item.</param>
    /// <returns>The item's size in bytes.</returns>
    /// <exception cref="FileSystemException">It is damaged, or lies on several devices.</exception>
    public int Add(ulong logical, ReadOnlySpan<byte> item)
    {
        var (length, type, stripes) = (Le.Place(item, 0), Le.U64(item, 24), Le.U16(item, 44));
        if ((type & Striped) != 0)
            throw new FileSystemException("it is striped over several devices, which is not read");
        if (stripes == 0 || length == 0 || _chunks.Count >= MaxChunks)
            throw new FileSystemException("a chunk of it is damaged");

        // The copies are the same; the first is read.
        _chunks[Fields.Place(logical)] = (length, Le.Place(item, HeaderSize + 8));
        return HeaderSize + (stripes * StripeSize);
    }

    /// <summary>Where an address lies on the device, in bytes.</summary>
    /// <param name="logical">The address.</param>
    /// <param name="length">How many bytes from there must lie in one piece.</param>
    public long PlaceOf(ulong logical, long length)
    {
        var (keys, address) = (_chunks.Keys, Fields.Place(logical));
        var (low, high) = (0, keys.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (keys[middle] <= address)
                low = middle + 1;
            else
                high = middle;
        }

        if (low > 0 && address - keys[low - 1] is var within && _chunks.Values[low - 1] is var chunk && within <= chunk.Length - length)
            return chunk.Place + within;
        throw new FileSystemException($"it refers to the address {logical}, which is in no chunk");
    }
}
