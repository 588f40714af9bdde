using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Qcow;

/// <summary>The clusters of a qcow of version 1: the L1 table names L2 tables, which name clusters, or compressed ones with their lengths.</summary>
internal sealed class QcowClusterMap : UnitMap
{
    private const int EntrySize = sizeof(ulong);
    private const ulong CompressedFlag = 1UL << 63;

    private readonly MetadataView _view;
    private readonly long _l1;
    private readonly int _clusterBits;
    private readonly long _l2Entries;

    /// <summary>Maps the disk; the L1 table has been found to lie in the file.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">The header.</param>
    public QcowClusterMap(DiskFile file, QcowHeader header)
        : base(file, (long)header.size, 1L << header.cluster_bits, (0, QcowHeader.Size), ((long)header.l1_table_offset, L1Length(header)))
    {
        _view = new MetadataView(file);
        _l1 = (long)header.l1_table_offset;
        _clusterBits = header.cluster_bits;
        _l2Entries = 1L << header.l2_bits;
    }

    /// <summary>How long the L1 table is, in bytes.</summary>
    /// <param name="header">The header; its numbers of bits are possible and its size is not zero.</param>
    public static long L1Length(QcowHeader header) => (long)(((header.size - 1) >> (header.cluster_bits + header.l2_bits)) + 1) * EntrySize;

    /// <inheritdoc/>
    protected override long AbsentAt(long unit) => L2At(unit) == 0 ? _l2Entries - (unit % _l2Entries) : 0;

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        var first = unit % _l2Entries;
        var count = (int)Math.Min(Math.Min(places.Length, 512), _l2Entries - first);
        Span<byte> entries = stackalloc byte[count * EntrySize];
        var tableAt = L2At(unit) + (first * EntrySize);
        if (tableAt < 0 || tableAt > File.Length - entries.Length)
            throw DiskErrors.PointsOutside(File.Path, L1EntryAt(unit), tableAt, entries.Length, File.Length);
        _view.Read(tableAt, entries);
        for (var i = 0; i < count; i++)
            places[i] = PlaceOf(BinaryPrimitives.ReadUInt64BigEndian(entries[(i * EntrySize)..]), unit + i, tableAt + (i * EntrySize));
        return count;
    }

    /// <inheritdoc/>
    protected override void Unpack(long unit, UnitPlace place, ArraySegment<byte> packed, int skip, Span<byte> buffer)
    {
        if (Inflater.Inflate(packed, zlib: false, skip, buffer, isEnd: false) is { } problem)
            throw DiskErrors.Corrupt(File.Path, place.Offset, $"a cluster cannot be unpacked: {problem}");
    }

    private UnitPlace PlaceOf(ulong entry, long unit, long at)
    {
        if (entry == 0)
            return UnitPlace.Hole;
        if ((entry & CompressedFlag) == 0)
            return DataAt(unit, (long)entry, at);

        // Below the flag, as many bits as a cluster's offset has give the length; the rest is the place.
        var offset = (long)(entry & ((1UL << (63 - _clusterBits)) - 1));
        var length = (int)((entry >> (63 - _clusterBits)) & ((1UL << _clusterBits) - 1));
        if (length == 0 || offset > File.Length - length)
            throw DiskErrors.PointsOutside(File.Path, at, offset, length, File.Length);
        CheckFree(offset, length, at);
        return new UnitPlace(UnitKind.Packed, offset, length);
    }

    private long L1EntryAt(long unit) => _l1 + (unit / _l2Entries * EntrySize);

    /// <summary>Where the L2 table is that a cluster is in; zero where there is none.</summary>
    private long L2At(long unit)
    {
        Span<byte> bytes = stackalloc byte[EntrySize];
        _view.Read(L1EntryAt(unit), bytes);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }
}
