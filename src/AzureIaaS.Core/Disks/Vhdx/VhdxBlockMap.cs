using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>
/// The payload blocks of a VHDX (MS-VHDX 2.5). In the table, after the entries of each chunk's payload blocks, comes one for the
/// chunk's sector bitmap, which only differencing disks use.
/// </summary>
internal sealed class VhdxBlockMap : UnitMap
{
    private readonly MetadataView _view;
    private readonly long _bat;
    private readonly long _chunkRatio;

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
        _chunkRatio = (1L << 23) * metadata.LogicalSectorSize / metadata.BlockSize;
        var entries = UnitCount + ((UnitCount - 1) / _chunkRatio);
        if (entries > bat.Length / BatEntry.Size)
        {
            throw DiskErrors.Corrupt(file.Path, _bat,
                $"the block allocation table has room for {bat.Length / BatEntry.Size:N0} entries and the disk needs {entries:N0}");
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

    private UnitPlace PlaceOf(BatEntry entry, long unit, long at) => entry.State switch
    {
        PayloadBlockState.FullyPresent => DataAt(unit, entry.FileOffset, at),
        PayloadBlockState.Zero => UnitPlace.Zero,
        PayloadBlockState.NotPresent or PayloadBlockState.Undefined or PayloadBlockState.Unmapped => UnitPlace.Hole,
        PayloadBlockState.PartiallyPresent =>
            throw DiskErrors.Corrupt(File.Path, at, "a block is marked as partially present in a disk without a parent"),
        _ => throw DiskErrors.Corrupt(File.Path, at, $"a block has the state {(int)entry.State}, which does not exist"),
    };
}
