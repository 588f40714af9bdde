using System.Buffers.Binary;
using AzureIaaS.Disks.Vmdk;

namespace AzureIaaS.Disks.Writing;

/// <summary>
/// A streamOptimized VMDK, as OVA archives have it: compressed grains of 64 KiB in order, behind markers, each table behind its grains,
/// the directory behind all tables, a footer that knows where it is.
/// </summary>
internal sealed class VmdkStreamWriter : DiskWriter
{
    private const int SectorSize = 512;
    private const int GrainSectors = 128;
    private const int GrainSize = GrainSectors * SectorSize;
    private const int TableEntries = 512;
    private const int TableSectors = TableEntries * sizeof(uint) / SectorSize;
    private const int OverHead = 128;
    private const int ZlibLevel = 6;

    private readonly string _name;
    private readonly long _length;
    private readonly byte[] _directory;
    private readonly byte[] _table = new byte[TableSectors * SectorSize];
    private byte[] _out = new byte[4 << 20];
    private long _tableIndex = -1;
    private long _end = OverHead;

    /// <summary>Begins a disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">The disk's length in bytes, a multiple of 512.</param>
    public VmdkStreamWriter(OutputFile file, long length)
        : base(file)
    {
        _name = Path.GetFileName(file.Path);
        _length = length;
        var tables = (length + ((long)GrainSize * TableEntries) - 1) / ((long)GrainSize * TableEntries);
        _directory = new byte[((tables * sizeof(uint)) + SectorSize - 1) / SectorSize * SectorSize];
    }

    /// <inheritdoc/>
    public override bool IsCompressing => true;

    /// <inheritdoc/>
    public override void Pack(ReadOnlySpan<byte> block, PackedUnits packed) => packed.Deflate(block, GrainSize, zlib: true, ZlibLevel);

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed)
    {
        var table = offset / ((long)GrainSize * TableEntries);   // a table covers 32 MiB, so a block is never in two
        if (table != _tableIndex)
            WriteTable();
        _tableIndex = table;
        var filled = 0;
        for (var i = 0; i < packed.Count; i++)
        {
            var data = packed[i];
            if (data.IsEmpty)
                continue;
            var grain = (offset / GrainSize) + i;
            var size = (Marker.GrainSize + data.Length + SectorSize - 1) / SectorSize * SectorSize;
            if (filled + size > _out.Length)
                Array.Resize(ref _out, Math.Max(_out.Length * 2, filled + size));
            var place = _out.AsSpan(filled, size);
            place.Clear();
            BinaryPrimitives.WriteInt64LittleEndian(place, grain * GrainSectors);
            BinaryPrimitives.WriteInt32LittleEndian(place[8..], data.Length);
            data.CopyTo(place[Marker.GrainSize..]);
            BinaryPrimitives.WriteUInt32LittleEndian(_table.AsSpan((int)(grain % TableEntries) * sizeof(uint)), checked((uint)(_end + (filled / SectorSize))));
            filled += size;
        }

        File.Write(_end * SectorSize, _out.AsSpan(0, filled));
        _end += filled / SectorSize;
    }

    /// <inheritdoc/>
    protected override void WriteTables()
    {
        WriteTable();
        Append(Marker.Make((ulong)_directory.Length / SectorSize, MarkerType.GrainDirectory));
        var gdOffset = (ulong)_end;
        Append(_directory);
        Append(Marker.Make(1, MarkerType.Footer));
        Append(Header(gdOffset));
        Append(Marker.Make(0, MarkerType.EndOfStream));
        File.Write(0, Header(SparseExtentHeader.GdAtEnd));
        File.Write(SectorSize, DescriptorText.Make("streamOptimized", _name, _length / SectorSize));
    }

    private byte[] Header(ulong gdOffset) =>
        SparseExtentHeader.Make(3, isStream: true, (ulong)(_length / SectorSize), GrainSectors, DescriptorText.Sectors, 0, gdOffset, OverHead);

    private void WriteTable()
    {
        if (IsZero(_table))
            return;
        Append(Marker.Make(TableSectors, MarkerType.GrainTable));
        BinaryPrimitives.WriteUInt32LittleEndian(_directory.AsSpan((int)_tableIndex * sizeof(uint)), checked((uint)_end));
        Append(_table);
        _table.AsSpan().Clear();
    }

    private void Append(ReadOnlySpan<byte> sectors)
    {
        File.Write(_end * SectorSize, sectors);
        _end += sectors.Length / SectorSize;
    }
}
