using System.Buffers.Binary;
using AzureIaaS.Disks.Vhdx;

namespace AzureIaaS.Disks.Writing;

/// <summary>
/// A VHDX: the header section of 1 MiB, a log of 1 MiB that is empty, metadata of 1 MiB, the block allocation table, blocks. A fixed one has
/// all its blocks in order; what is zeros in them stays a hole of the file.
/// </summary>
internal sealed class VhdxWriter : DiskWriter
{
    private const int MiB = 1 << 20;
    private const int LogAt = MiB;
    private const int MetadataAt = 2 * MiB;
    private const int TableAt = 3 * MiB;
    private const uint SmallBlock = 2 * MiB;
    private const uint LargeBlock = 32 * MiB;
    private const long LargeDisk = 1L << 40;

    private readonly long _length;
    private readonly int _sectorSize;
    private readonly bool _isFixed;
    private readonly uint _blockSize;
    private readonly long _chunkRatio;
    private readonly byte[] _table;
    private long _end;

    /// <summary>Begins a disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">The disk's length in bytes, a multiple of the sector size.</param>
    /// <param name="sectorSize">The size of a logical sector: 512 or 4096.</param>
    /// <param name="isFixed">Whether all blocks are allocated.</param>
    public VhdxWriter(OutputFile file, long length, int sectorSize, bool isFixed)
        : base(file)
    {
        _length = length;
        _sectorSize = sectorSize;
        _isFixed = isFixed;
        _blockSize = length > LargeDisk ? LargeBlock : SmallBlock;
        _chunkRatio = (1L << 23) * sectorSize / _blockSize;
        var blocks = (length + _blockSize - 1) / _blockSize;
        var entries = blocks + ((blocks - 1) / _chunkRatio);
        _table = new byte[((entries * BatEntry.Size) + MiB - 1) / MiB * MiB];
        _end = TableAt + _table.Length;
        for (long block = 0; isFixed && block < blocks; block++)
            Allocate(block);
    }

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed)
    {
        var step = (int)Math.Min(_blockSize, block.Length);
        for (var at = 0; at < block.Length; at += step)
        {
            var part = block.Slice(at, Math.Min(step, block.Length - at));
            if (IsZero(part))
                continue;
            var (index, within) = Math.DivRem(offset + at, _blockSize);
            WriteSparse(PlaceOf(index) + within, part);
        }
    }

    /// <inheritdoc/>
    protected override void WriteTables()
    {
        File.SetLength(_end);
        File.Write(0, VhdxHeader.MakeIdentifier("AzureIaaS"));
        var writes = (File: Guid.NewGuid(), Data: Guid.NewGuid());
        File.Write(VhdxHeader.FirstAt, VhdxHeader.Make(1, writes.File, writes.Data, LogAt, MiB));
        File.Write(VhdxHeader.SecondAt, VhdxHeader.Make(2, writes.File, writes.Data, LogAt, MiB));
        var regions = RegionTable.Make(
            new RegionTableEntry(RegionTable.Bat, TableAt, (uint)_table.Length, Required: true),
            new RegionTableEntry(RegionTable.Metadata, MetadataAt, MiB, Required: true));
        File.Write(RegionTable.FirstAt, regions);
        File.Write(RegionTable.SecondAt, regions);
        File.Write(MetadataAt, VhdxMetadata.Make(_blockSize, _isFixed, _length, Guid.NewGuid(), _sectorSize));
        WriteSparse(TableAt, _table);
    }

    private Span<byte> EntryOf(long block) => _table.AsSpan((int)((block + (block / _chunkRatio)) * BatEntry.Size), BatEntry.Size);

    private long PlaceOf(long block)
    {
        var entry = new BatEntry(BinaryPrimitives.ReadUInt64LittleEndian(EntryOf(block)));
        return entry.State == PayloadBlockState.FullyPresent ? entry.FileOffset : Allocate(block);
    }

    private long Allocate(long block)
    {
        var place = _end;
        BinaryPrimitives.WriteUInt64LittleEndian(EntryOf(block), (ulong)place | (ulong)PayloadBlockState.FullyPresent);
        _end += _blockSize;
        return place;
    }
}
