using System.IO.Compression;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>A piece of a file (EXTENT_DATA).</summary>
/// <param name="Start">Where it starts in the file, in bytes.</param>
/// <param name="Length">How much of the file it is, in bytes.</param>
/// <param name="Item">The item.</param>
internal readonly record struct BtrfsExtent(long Start, long Length, ReadOnlyMemory<byte> Item)
{
    private const int HeaderSize = 21;

    /// <summary>How long the extent is without compression, in bytes.</summary>
    public long RamBytes => Le.Place(Item.Span, 8);

    /// <summary>0 for none, 1 for zlib, 2 for LZO, 3 for zstd.</summary>
    public int Compression => Item.Span[16];

    /// <summary>Whether what it holds lies in the item.</summary>
    public bool IsInline => Item.Span[20] == 0;

    /// <summary>Whether it was never written, or is a hole.</summary>
    public bool IsZero => Item.Span[20] == 2 || (!IsInline && Le.U64(Item.Span, 21) == 0);

    /// <summary>What it holds, when that lies in the item.</summary>
    public ReadOnlyMemory<byte> InlineData => Item[HeaderSize..];

    /// <summary>The extent's address.</summary>
    public ulong Address => Le.U64(Item.Span, 21);

    /// <summary>The extent's length on the device, in bytes.</summary>
    public long DiskLength => Le.Place(Item.Span, 29);

    /// <summary>Where in the extent, without compression, the piece starts, in bytes.</summary>
    public long Offset => Le.Place(Item.Span, 37);

    /// <summary>Reads an item.</summary>
    /// <param name="start">Where it starts in the file.</param>
    /// <param name="item">The item.</param>
    public static BtrfsExtent Read(ulong start, ReadOnlyMemory<byte> item)
    {
        if (item.Length < HeaderSize || Le.U16(item.Span, 17) != 0)
            throw new FileSystemException("an extent of it is damaged, or encrypted");
        var isInline = item.Span[20] == 0;
        return new BtrfsExtent(Fields.Place(start), isInline ? Le.Place(item.Span, 8) : Le.Place(item.Span, 45), item);
    }
}

/// <summary>A file in extents, compressed or not.</summary>
internal sealed class BtrfsFile : GuestFile
{
    private const int MaxPacked = 256 << 10;

    private readonly BtrfsChunks _chunks;
    private readonly int _sectorSize;
    private readonly BtrfsExtent[] _extents;
    private byte[] _unpacked = [];
    private int _unpackedOf = -1;

    /// <summary>Opens a file.</summary>
    /// <param name="chunks">Where addresses lie.</param>
    /// <param name="sectorSize">A sector's size in bytes.</param>
    /// <param name="length">The file's length in bytes.</param>
    /// <param name="extents">Its extents.</param>
    public BtrfsFile(BtrfsChunks chunks, int sectorSize, long length, IEnumerable<BtrfsExtent> extents)
        : base(length)
    {
        (_chunks, _sectorSize, _extents) = (chunks, sectorSize, [.. extents.OrderBy(e => e.Start)]);
    }

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        buffer.Clear();
        for (var i = FirstAfter(offset); i < _extents.Length && _extents[i].Start < offset + buffer.Length; i++)
        {
            var extent = _extents[i];
            if (extent.IsZero)
                continue;
            var from = Math.Max(offset, extent.Start);
            var to = Math.Min(offset + buffer.Length, extent.Start + extent.Length);
            if (to > from)
                ReadExtent(i, from - extent.Start, buffer.Slice((int)(from - offset), (int)(to - from)));
        }
    }

    /// <summary>The first extent that ends after an offset.</summary>
    private int FirstAfter(long offset)
    {
        var (low, high) = (0, _extents.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_extents[middle].Start + _extents[middle].Length <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private void ReadExtent(int index, long within, Span<byte> buffer)
    {
        var extent = _extents[index];
        if (extent.Compression == 0)
        {
            if (extent.IsInline)
                Fields.Slice(extent.InlineData.Span, within, buffer.Length).CopyTo(buffer);
            else
                _chunks.Read(extent.Address + (ulong)(extent.Offset + within), buffer);
            return;
        }

        if (_unpackedOf != index)
        {
            _unpackedOf = -1;
            _unpacked = Unpacked(extent);
            _unpackedOf = index;
        }

        Fields.Slice(_unpacked, (extent.IsInline ? 0 : extent.Offset) + within, buffer.Length).CopyTo(buffer);
    }

    private byte[] Unpacked(BtrfsExtent extent)
    {
        // btrfs compresses 128 KiB at a time.
        var packedLength = extent.IsInline ? extent.InlineData.Length : extent.DiskLength;
        if (packedLength > MaxPacked || extent.RamBytes > MaxPacked)
            throw new FileSystemException("a compressed extent of it is longer than it can be");
        var packed = extent.IsInline ? extent.InlineData.ToArray() : _chunks.Bytes(extent.Address, (int)packedLength);
        var unpacked = new byte[extent.RamBytes];
        if (extent.Compression == 2)
        {
            Lzo.UnpackExtent(packed, _sectorSize, unpacked);
            return unpacked;
        }

        using var stream = extent.Compression switch
        {
            1 => new ZLibStream(new MemoryStream(packed), CompressionMode.Decompress),
            3 when !Zstd.IsAvailable => throw new FileSystemException("it is compressed with zstd, and libzstd is not installed"),
            3 => Zstd.Open(new MemoryStream(packed)),
            _ => throw new FileSystemException("a file of it is compressed in an unknown way"),
        };
        try
        {
            // Only what was in the file was compressed; the rest of the last sector is zeros.
            stream.ReadAtLeast(unpacked, unpacked.Length, throwOnEndOfStream: false);
            return unpacked;
        }
        catch (InvalidDataException)
        {
            throw new FileSystemException("compressed data of it is damaged");
        }
    }
}
