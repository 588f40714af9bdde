namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>What the addresses that trees use stand for: chunks, each in stripes on one device or several.</summary>
/// <param name="devices">The devices that are there, by their numbers.</param>
internal sealed class BtrfsChunks(IReadOnlyDictionary<ulong, Volume> devices)
{
    private const int HeaderSize = 48;
    private const int StripeSize = 32;
    private const ulong Raid0 = 1 << 3;
    private const ulong Raid10 = 1 << 6;
    private const ulong Parity = (1 << 7) | (1 << 8);
    private const int MaxChunks = 1 << 16;
    private const int MaxStripes = 1 << 10;

    private readonly SortedList<long, Chunk> _chunks = [];

    /// <summary>Adds a chunk.</summary>
    /// <param name="logical">Its first address.</param>
    /// <param name="item">Its item.</param>
    /// <returns>The item's size in bytes.</returns>
    /// <exception cref="FileSystemException">It is damaged, or lies there in a way that is not read.</exception>
    public int Add(ulong logical, ReadOnlySpan<byte> item)
    {
        var (length, stripeLength, type, count, copies) = (Le.Place(item, 0), Le.Place(item, 16), Le.U64(item, 24), Le.U16(item, 44), Le.U16(item, 46));
        if ((type & Parity) != 0)
            throw new FileSystemException("it is RAID 5 or 6, which is not read");
        var isStriped = (type & (Raid0 | Raid10)) != 0;
        var perRow = (type & Raid10) != 0 ? copies : (type & Raid0) != 0 ? 1 : count;
        if (count is 0 or > MaxStripes || perRow == 0 || count % perRow != 0 || length == 0 || (isStriped && stripeLength == 0) || _chunks.Count >= MaxChunks)
            throw new FileSystemException("a chunk of it is damaged");
        var stripes = new (ulong Device, long Place)[count];
        for (var i = 0; i < count; i++)
            stripes[i] = (Le.U64(item, HeaderSize + (i * StripeSize)), Le.Place(item, HeaderSize + (i * StripeSize) + 8));
        _chunks[Fields.Place(logical)] = new Chunk(length, isStriped ? stripeLength : length, perRow, stripes);
        return HeaderSize + (count * StripeSize);
    }

    /// <summary>Reads what lies at an address.</summary>
    /// <param name="logical">The address.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="FileSystemException">The address is in no chunk, or on a device that is not there.</exception>
    public void Read(ulong logical, Span<byte> buffer)
    {
        var address = Fields.Place(logical);
        while (!buffer.IsEmpty)
        {
            var (device, place, length) = PlaceOf(address);
            var part = buffer[..(int)Math.Min(buffer.Length, length)];
            device.Read(place, part);
            buffer = buffer[part.Length..];
            address += part.Length;
        }
    }

    /// <summary>Reads what lies at an address.</summary>
    /// <param name="logical">The address.</param>
    /// <param name="count">How many bytes; the caller bounds it.</param>
    public byte[] Bytes(ulong logical, int count)
    {
        var bytes = new byte[count];
        Read(logical, bytes);
        return bytes;
    }

    /// <summary>The device and place of an address, and how many bytes from there lie in one piece.</summary>
    private (Volume Device, long Place, long Length) PlaceOf(long address)
    {
        var keys = _chunks.Keys;
        var (low, high) = (0, keys.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (keys[middle] <= address)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0 || address - keys[low - 1] is var within && within >= _chunks.Values[low - 1].Length)
            throw new FileSystemException($"it refers to the address {address}, which is in no chunk");
        var chunk = _chunks.Values[low - 1];
        var (row, inStripe) = Math.DivRem(within, chunk.StripeLength);
        var columns = chunk.Stripes.Length / chunk.Copies;
        var first = (int)(row % columns) * chunk.Copies;

        // The copies are the same; the first that is there is read.
        foreach (var (device, place) in chunk.Stripes.AsSpan(first, chunk.Copies))
        {
            if (devices.TryGetValue(device, out var volume))
                return (volume, place + (row / columns * chunk.StripeLength) + inStripe, Math.Min(chunk.StripeLength - inStripe, chunk.Length - within));
        }

        throw new FileSystemException($"a part of it lies on its device {chunk.Stripes[first].Device}, which is not among the machine's disks");
    }

    /// <summary>A chunk.</summary>
    /// <param name="Length">Its length in bytes.</param>
    /// <param name="StripeLength">How much of it lies on a device before the next one's turn, in bytes.</param>
    /// <param name="Copies">How many stripes next to each other hold the same.</param>
    /// <param name="Stripes">The devices and places of its stripes.</param>
    private sealed record Chunk(long Length, long StripeLength, int Copies, (ulong Device, long Place)[] Stripes);
}
