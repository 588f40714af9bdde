using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhd;

/// <summary>
/// The blocks of a dynamic or differencing VHD ("Block Allocation Table and Data Blocks"): the table gives each block's first sector in the
/// file, where a bitmap of its sectors comes before its data. A sector whose bit is clear was never written: it reads as the parent's, or zeros.
/// </summary>
internal sealed class VhdBlockMap : UnitMap
{
    private const uint Unused = uint.MaxValue;
    private const int SectorSize = 512;
    private const int EntrySize = sizeof(uint);

    private readonly MetadataView _metadata;
    private readonly long _table;
    private readonly int _bitmapSize;

    /// <summary>Maps the disk; the table has been found to lie in the file.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="headerAt">Where the dynamic disk header is.</param>
    /// <param name="header">The dynamic disk header.</param>
    public VhdBlockMap(DiskFile file, long length, long headerAt, DynamicDiskHeader header)
        : base(file, length, header.BlockSize, (0, VhdFooter.Size), (headerAt, DynamicDiskHeader.Size), TableOf(length, header))
    {
        _metadata = new MetadataView(file);
        _table = (long)header.TableOffset;
        _bitmapSize = BitmapSizeOf(header.BlockSize);
    }

    /// <summary>The size of a block's bitmap: a bit for each sector, filled up to whole sectors.</summary>
    /// <param name="blockSize">The size of a block in bytes.</param>
    public static int BitmapSizeOf(uint blockSize)
    {
        var bytes = ((blockSize / SectorSize) + 7) / 8;
        return (int)((bytes + SectorSize - 1) / SectorSize * SectorSize);
    }

    /// <inheritdoc/>
    protected override long UnitLead => _bitmapSize;

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        Span<byte> entries = stackalloc byte[Math.Min(places.Length, 512) * EntrySize];
        var tableAt = _table + (unit * EntrySize);
        _metadata.Read(tableAt, entries);
        for (var i = 0; i < entries.Length / EntrySize; i++)
        {
            var sector = BinaryPrimitives.ReadUInt32BigEndian(entries[(i * EntrySize)..]);
            if (sector == Unused)
            {
                places[i] = UnitPlace.Hole;
                continue;
            }

            var at = tableAt + (i * EntrySize);
            CheckFree((long)sector * SectorSize, _bitmapSize, at);
            places[i] = DataAt(unit + i, ((long)sector * SectorSize) + _bitmapSize, at) with { Kind = UnitKind.Mixed };
        }

        return entries.Length / EntrySize;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(long Length, UnitKind Kind)> Parts(long offset, UnitPlace place, long length)
    {
        var within = offset % UnitSize;
        var bitmapAt = place.Offset - _bitmapSize;
        var bitmap = new byte[Math.Min(_bitmapSize, 4 << 10)];
        var end = within + length;
        long run = 0;
        var kind = UnitKind.Data;
        while (within < end)
        {
            // A piece of the bitmap at a time: a block of 2 GiB has half a mebibyte of it.
            var piece = within / SectorSize / 8 / bitmap.Length;
            var pieceEnd = Math.Min(end, (piece + 1) * bitmap.Length * 8 * SectorSize);
            File.Read(bitmapAt + (piece * bitmap.Length), bitmap);
            while (within < pieceEnd)
            {
                var sector = within / SectorSize;
                var bits = bitmap[(int)((sector / 8) - (piece * bitmap.Length))];
                var found = (bits & (0x80 >> (int)(sector % 8))) != 0 ? UnitKind.Data : UnitKind.Hole;
                if (found != kind && run > 0)
                {
                    yield return (run, kind);
                    run = 0;
                }

                kind = found;

                // Eight sectors of one kind in one step.
                var stride = bits is 0 or 0xFF ? 8 - (sector % 8) : 1;
                var next = Math.Min(pieceEnd, (sector + stride) * SectorSize);
                run += next - within;
                within = next;
            }
        }

        if (run > 0)
            yield return (run, kind);
    }

    private static (long Start, long Length) TableOf(long length, DynamicDiskHeader header) =>
        ((long)header.TableOffset, ((length - 1) / header.BlockSize + 1) * EntrySize);
}
