using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>
/// The payload blocks of a VHDX (MS-VHDX 2.5). In the table, after the entries of each chunk's payload blocks, comes one for the
/// chunk's sector bitmap, which only differencing disks use: a bit for each sector of the chunk, set where the sector is this file's.
/// </summary>
internal sealed class VhdxBlockMap : UnitMap
{
    private const int BitmapSize = 1 << 20;

    private readonly MetadataView _view;
    private readonly long _bat;
    private readonly long _chunkRatio;
    private readonly int _sectorSize;
    private readonly bool _hasParent;

    /// <summary>Maps the disk.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="view">The file's tables.</param>
    /// <param name="metadata">What the disk is.</param>
    /// <param name="regions">The places of the header section and every region; none holds a block.</param>
    /// <param name="bat">The table's region, found to lie in the file.</param>
    /// <exception cref="DiskImageException">The table is too short for the disk.</exception>
    public VhdxBlockMap(DiskFile file, MetadataView view, VhdxMetadata metadata, (long Start, long Length)[] regions, RegionTableEntry bat)
        : base(file, metadata.VirtualDiskSize, metadata.BlockSize, regions)
    {
        _view = view;
        _bat = (long)bat.FileOffset;
        _sectorSize = metadata.LogicalSectorSize;
        _hasParent = metadata.HasParent;
        _chunkRatio = (1L << 23) * metadata.LogicalSectorSize / metadata.BlockSize;
        var chunks = ((UnitCount - 1) / _chunkRatio) + 1;
        var entries = _hasParent ? chunks * (_chunkRatio + 1) : UnitCount + chunks - 1;
        if (entries > bat.Length / BatEntry.Size)
        {
            throw DiskErrors.Corrupt(file.Path, _bat,
                $"the block allocation table has room for {bat.Length / BatEntry.Size:N0} entries and the disk needs {entries:N0}");
        }
    }

    /// <summary>How long the file was to be when it was last written: blocks that lie between its end and there are zeros.</summary>
    public long LastFileOffset { get; init; }

    /// <inheritdoc/>
    protected override IEnumerable<(long Offset, long Length, string Name)> Tables()
    {
        // Without a parent, no bitmap is used: what the table says of one does not matter.
        var entry = new byte[BatEntry.Size];
        for (long chunk = 0; _hasParent && chunk * _chunkRatio < UnitCount; chunk++)
        {
            _view.Read(_bat + ((((chunk + 1) * (_chunkRatio + 1)) - 1) * BatEntry.Size), entry);
            if (new BatEntry(BinaryPrimitives.ReadUInt64LittleEndian(entry)) is { State: PayloadBlockState.FullyPresent } bitmap)
                yield return (bitmap.FileOffset, BitmapSize, $"the bitmap of the disk's bytes from {chunk * _chunkRatio * UnitSize:N0}");
        }
    }

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        Span<byte> entries = stackalloc byte[BatEntry.Size * (int)Math.Min(Math.Min(places.Length, 512), _chunkRatio - (unit % _chunkRatio))];
        var tableAt = _bat + ((unit + (unit / _chunkRatio)) * BatEntry.Size);
        _view.Read(tableAt, entries);
        var count = entries.Length / BatEntry.Size;
        for (var i = 0; i < count; i++)
        {
            var entry = new BatEntry(BinaryPrimitives.ReadUInt64LittleEndian(entries[(i * BatEntry.Size)..]));
            places[i] = PlaceOf(entry, unit + i, tableAt + (i * BatEntry.Size));
        }

        return count;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(long Length, UnitKind Kind)> Parts(long offset, UnitPlace place, long length)
    {
        var chunk = offset / UnitSize / _chunkRatio;
        var bitmap = BitmapAt(chunk);
        var inChunk = offset - (chunk * _chunkRatio * UnitSize);
        var end = inChunk + length;
        var bits = new byte[512];
        long run = 0;
        var kind = UnitKind.Data;
        while (inChunk < end)
        {
            // A piece of the bitmap at a time, whose first bit is the sector's.
            var first = inChunk / _sectorSize / 8;
            var taken = (int)Math.Min(bits.Length, BitmapSize - first);
            _view.Read(bitmap + first, bits.AsSpan(0, taken));
            var pieceEnd = Math.Min(end, (first + taken) * 8 * _sectorSize);
            while (inChunk < pieceEnd)
            {
                var sector = inChunk / _sectorSize;
                var value = bits[(int)((sector / 8) - first)];
                var found = (value & (1 << (int)(sector % 8))) != 0 ? UnitKind.Data : UnitKind.Hole;
                if (found != kind && run > 0)
                {
                    yield return (run, kind);
                    run = 0;
                }

                kind = found;

                // Eight sectors of one kind in one step.
                var stride = value is 0 or 0xFF ? 8 - (sector % 8) : 1;
                var next = Math.Min(pieceEnd, (sector + stride) * _sectorSize);
                run += next - inChunk;
                inChunk = next;
            }
        }

        if (run > 0)
            yield return (run, kind);
    }

    /// <summary>Where a chunk's sector bitmap is (MS-VHDX 2.5.1.2).</summary>
    private long BitmapAt(long chunk)
    {
        Span<byte> bytes = stackalloc byte[BatEntry.Size];
        var at = _bat + ((((chunk + 1) * (_chunkRatio + 1)) - 1) * BatEntry.Size);
        _view.Read(at, bytes);
        var entry = new BatEntry(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        if (entry.State != PayloadBlockState.FullyPresent)
            throw DiskErrors.Corrupt(File.Path, at, "a block is there in part, and the bitmap that says which part is not there");
        if (entry.FileOffset < 0 || entry.FileOffset > File.Length - BitmapSize)
            throw DiskErrors.PointsOutside(File.Path, at, entry.FileOffset, BitmapSize, File.Length);
        CheckFree(entry.FileOffset, BitmapSize, at);
        return entry.FileOffset;
    }

    private UnitPlace PlaceOf(BatEntry entry, long unit, long at) => entry.State switch
    {
        PayloadBlockState.FullyPresent when entry.FileOffset >= File.Length && entry.FileOffset <= LastFileOffset - UnitSize => UnitPlace.Zero,
        PayloadBlockState.FullyPresent => DataAt(unit, entry.FileOffset, at),
        PayloadBlockState.PartiallyPresent when _hasParent => DataAt(unit, entry.FileOffset, at) with { Kind = UnitKind.Mixed },
        PayloadBlockState.NotPresent => UnitPlace.Hole,
        PayloadBlockState.Zero => UnitPlace.Zero,

        // Undefined or discarded: what the parent has there is not to come back.
        PayloadBlockState.Undefined or PayloadBlockState.Unmapped => _hasParent ? UnitPlace.Zero : UnitPlace.Hole,
        PayloadBlockState.PartiallyPresent =>
            throw DiskErrors.Corrupt(File.Path, at, "a block is marked as partially present in a disk without a parent"),
        _ => throw DiskErrors.Corrupt(File.Path, at, $"a block has the state {(int)entry.State}, which does not exist"),
    };
}
