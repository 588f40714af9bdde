using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The clusters of a qcow2 image's active state: the L1 table names L2 tables, of one cluster each, which name clusters.</summary>
internal sealed class Qcow2ClusterMap : UnitMap
{
    private const int EntrySize = sizeof(ulong);
    private const ulong L1OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const ulong L1Reserved = 0x7F00_0000_0000_01FF;

    private readonly MetadataView _view;
    private readonly long _l1;
    private readonly int _clusterBits;
    private readonly long _l2Entries;
    private readonly bool _knowsZeroFlag;

    /// <summary>Maps the disk; the L1 table has been found to be long enough and to lie in the file.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">The header.</param>
    public Qcow2ClusterMap(DiskFile file, Qcow2Header header)
        : base(file, (long)header.size, 1L << (int)header.cluster_bits, (0, header.header_length), ((long)header.l1_table_offset, L1Length(header)))
    {
        _view = new MetadataView(file);
        _l1 = (long)header.l1_table_offset;
        _clusterBits = (int)header.cluster_bits;
        _l2Entries = UnitSize / EntrySize;
        _knowsZeroFlag = header.version >= 3;
    }

    /// <summary>How long the part of the L1 table is that the disk needs, in bytes.</summary>
    /// <param name="header">The header; its cluster_bits are possible and its size is not zero.</param>
    public static long L1Length(Qcow2Header header)
    {
        var covered = (int)((2 * header.cluster_bits) - 3);
        return (long)(((header.size - 1) >> covered) + 1) * EntrySize;
    }

    /// <inheritdoc/>
    protected override long AbsentAt(long unit) => L2At(unit) == 0 ? _l2Entries - (unit % _l2Entries) : 0;

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        var first = unit % _l2Entries;
        var count = (int)Math.Min(Math.Min(places.Length, 512), _l2Entries - first);
        Span<byte> entries = stackalloc byte[count * EntrySize];
        var tableAt = L2At(unit) + (first * EntrySize);
        if (tableAt > File.Length - entries.Length)
            throw DiskErrors.PointsOutside(File.Path, L1EntryAt(unit), tableAt, entries.Length, File.Length);
        _view.Read(tableAt, entries);
        for (var i = 0; i < count; i++)
        {
            var entry = new L2Entry(BinaryPrimitives.ReadUInt64BigEndian(entries[(i * EntrySize)..]));
            places[i] = PlaceOf(entry, unit + i, tableAt + (i * EntrySize));
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Unpack(long unit, UnitPlace place, ArraySegment<byte> packed, int skip, Span<byte> buffer)
    {
        if (Inflater.Inflate(packed, zlib: false, skip, buffer, isEnd: false) is { } problem)
            throw DiskErrors.Corrupt(File.Path, place.Offset, $"a cluster cannot be unpacked: {problem}");
    }

    private UnitPlace PlaceOf(L2Entry entry, long unit, long at)
    {
        if (entry.IsCompressed)
        {
            var offset = entry.CompressedOffset(_clusterBits);
            if (offset >= File.Length)
                throw DiskErrors.PointsOutside(File.Path, at, offset, entry.CompressedLength(_clusterBits), File.Length);
            CheckFree(offset, 1, at);
            return new UnitPlace(UnitKind.Packed, offset, entry.CompressedLength(_clusterBits));
        }

        if (entry.HasReservedBits || (entry.IsZero && !_knowsZeroFlag))
            throw DiskErrors.Corrupt(File.Path, at, "an L2 table entry has bits set that have no meaning in this version");
        if (entry.Offset % UnitSize != 0)
            throw DiskErrors.Corrupt(File.Path, at, $"an L2 table entry places a cluster at byte {entry.Offset}, where none can start");
        if (entry.IsZero)
            return UnitPlace.Zero;
        return entry.Offset == 0 ? UnitPlace.Hole : DataAt(unit, entry.Offset, at);
    }

    private long L1EntryAt(long unit) => _l1 + (unit / _l2Entries * EntrySize);

    /// <summary>Where the L2 table is that a cluster is in; zero where there is none.</summary>
    private long L2At(long unit)
    {
        Span<byte> bytes = stackalloc byte[EntrySize];
        var at = L1EntryAt(unit);
        _view.Read(at, bytes);
        var entry = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var offset = (long)(entry & L1OffsetMask);
        if ((entry & L1Reserved) != 0 || offset % UnitSize != 0)
            throw DiskErrors.Corrupt(File.Path, at, $"an L1 table entry has the value 0x{entry:x16}, which cannot be");
        return offset;
    }
}
