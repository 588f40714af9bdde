using System.Buffers.Binary;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>Which of an image's states is meant: the current one, or an internal snapshot's.</summary>
/// <param name="L1Offset">Where its L1 table is; found to lie in the file.</param>
/// <param name="Size">The size of the disk in bytes.</param>
internal readonly record struct Qcow2State(long L1Offset, long Size);

/// <summary>
/// The clusters of one state of a qcow2 image: the L1 table names L2 tables, of one cluster each, which name clusters. With extended
/// entries, each cluster has 32 subclusters that are there, zeros or absent by themselves.
/// </summary>
internal sealed class Qcow2ClusterMap : UnitMap
{
    private const int L1EntrySize = sizeof(ulong);
    private const int Subclusters = 32;
    private const uint AllSubclusters = uint.MaxValue;
    private const ulong L1OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const ulong L1Reserved = 0x7F00_0000_0000_01FF;

    private readonly string _path;
    private readonly MetadataView _view;
    private readonly long _tableFileLength;
    private readonly long _l1;
    private readonly int _clusterBits;
    private readonly int _entrySize;
    private readonly long _l2Entries;
    private readonly bool _knowsZeroFlag;
    private readonly bool _isZstd;
    private readonly bool _hasDataFile;

    /// <summary>Maps the disk; the L1 table has been found to be long enough and to lie in the file.</summary>
    /// <param name="file">The image's file, with the tables.</param>
    /// <param name="data">The file with the clusters: the same one, or an external data file.</param>
    /// <param name="header">The header.</param>
    /// <param name="state">Which state is meant.</param>
    public Qcow2ClusterMap(DiskFile file, DiskFile data, Qcow2Header header, Qcow2State state)
        : base(data, state.Size, 1L << (int)header.cluster_bits, file == data ? [(0, header.header_length), (state.L1Offset, L1Length(header, (ulong)state.Size))] : [])
    {
        _path = file.Path;
        _view = new MetadataView(file);
        _tableFileLength = file.Length;
        _l1 = state.L1Offset;
        _clusterBits = (int)header.cluster_bits;
        _entrySize = EntrySizeOf(header);
        _l2Entries = UnitSize / _entrySize;
        _knowsZeroFlag = header.version >= 3;
        _isZstd = header.compression_type == Qcow2Header.CompressionZstd;
        _hasDataFile = file != data;
    }

    /// <inheritdoc/>
    protected override string TablePath => _path;

    private bool IsExtended => _entrySize > L1EntrySize;

    /// <summary>How long the part of the L1 table is that a disk needs, in bytes.</summary>
    /// <param name="header">The header; its cluster_bits are possible.</param>
    /// <param name="size">The disk's size in bytes, not zero.</param>
    public static long L1Length(Qcow2Header header, ulong size)
    {
        var l2Bits = (int)header.cluster_bits - (EntrySizeOf(header) == L1EntrySize ? 3 : 4);
        return (long)(((size - 1) >> ((int)header.cluster_bits + l2Bits)) + 1) * L1EntrySize;
    }

    /// <inheritdoc/>
    protected override long AbsentAt(long unit) => L2At(unit) == 0 ? _l2Entries - (unit % _l2Entries) : 0;

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        var first = unit % _l2Entries;
        var count = (int)Math.Min(Math.Min(places.Length, 512), _l2Entries - first);
        Span<byte> entries = stackalloc byte[count * _entrySize];
        var tableAt = L2At(unit) + (first * _entrySize);
        if (tableAt > _tableFileLength - entries.Length)
            throw DiskErrors.PointsOutside(_path, L1EntryAt(unit), L2At(unit), UnitSize, _tableFileLength);
        _view.Read(tableAt, entries);
        for (var i = 0; i < count; i++)
        {
            var bytes = entries.Slice(i * _entrySize, _entrySize);
            var entry = new L2Entry(BinaryPrimitives.ReadUInt64BigEndian(bytes));
            var at = tableAt + (i * _entrySize);
            places[i] = entry.IsCompressed ? CompressedPlace(entry, at)
                : IsExtended ? ExtendedPlace(entry, BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), unit + i, at)
                : StandardPlace(entry, unit + i, at);
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Unpack(long unit, UnitPlace place, ArraySegment<byte> packed, int skip, Span<byte> buffer)
    {
        var problem = _isZstd ? Zstd.Inflate(packed, skip, buffer) : Inflater.Inflate(packed, zlib: false, skip, buffer, isEnd: false);
        if (problem is not null)
            throw DiskErrors.Corrupt(File.Path, place.Offset, $"a cluster cannot be unpacked: {problem}");
    }

    /// <inheritdoc/>
    protected override IEnumerable<(long Length, UnitKind Kind)> Parts(long offset, UnitPlace place, long length)
    {
        var (unit, within) = Math.DivRem(offset, UnitSize);
        var bytes = new byte[sizeof(ulong)];
        _view.Read(L2At(unit) + (unit % _l2Entries * _entrySize) + sizeof(ulong), bytes);
        var bitmap = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var size = UnitSize / Subclusters;
        var end = within + length;
        while (within < end)
        {
            var index = (int)(within / size);
            var kind = KindOf(bitmap, index);
            var next = index + 1;
            while (next < Subclusters && KindOf(bitmap, next) == kind)
                next++;
            var stop = Math.Min(end, next * size);
            yield return (stop - within, kind);
            within = stop;
        }
    }

    private static int EntrySizeOf(Qcow2Header header) => header.HasExtendedL2 ? 2 * sizeof(ulong) : sizeof(ulong);

    /// <summary>What a subcluster is, by its bits: the lower half says which are allocated, the upper half which read as zeros.</summary>
    private static UnitKind KindOf(ulong bitmap, int subcluster) =>
        (bitmap >> (subcluster + Subclusters) & 1) != 0 ? UnitKind.Zero : (bitmap >> subcluster & 1) != 0 ? UnitKind.Data : UnitKind.Hole;

    private UnitPlace CompressedPlace(L2Entry entry, long at)
    {
        if (_hasDataFile)
            throw DiskErrors.Corrupt(_path, at, "a cluster is marked as compressed, which none is in an external data file");
        var offset = entry.CompressedOffset(_clusterBits);
        if (offset >= File.Length)
            throw DiskErrors.PointsOutside(_path, at, offset, entry.CompressedLength(_clusterBits), File.Length);
        CheckFree(offset, 1, at);
        return new UnitPlace(UnitKind.Packed, offset, entry.CompressedLength(_clusterBits));
    }

    private UnitPlace StandardPlace(L2Entry entry, long unit, long at)
    {
        CheckBits(entry, at, entry.IsZero && !_knowsZeroFlag);
        if (entry.IsZero)
            return UnitPlace.Zero;
        return IsAllocated(entry) ? DataAt(unit, entry.Offset, at) : UnitPlace.Hole;
    }

    private UnitPlace ExtendedPlace(L2Entry entry, ulong bitmap, long unit, long at)
    {
        var (allocated, zero) = ((uint)bitmap, (uint)(bitmap >> Subclusters));
        CheckBits(entry, at, entry.IsZero || (allocated & zero) != 0 || (allocated != 0 && !IsAllocated(entry)));
        return (allocated, zero) switch
        {
            (0, 0) => UnitPlace.Hole,
            (0, AllSubclusters) => UnitPlace.Zero,
            (AllSubclusters, 0) => DataAt(unit, entry.Offset, at),
            (0, _) => new UnitPlace(UnitKind.Mixed),

            // The file may end with the last subcluster that is there.
            _ => DataAt(unit, entry.Offset, at, UnitSize / Subclusters * (Subclusters - BitOperations.LeadingZeroCount(allocated))) with { Kind = UnitKind.Mixed },
        };
    }

    private void CheckBits(L2Entry entry, long at, bool isWrong)
    {
        if (isWrong || entry.HasReservedBits)
            throw DiskErrors.Corrupt(_path, at, "an L2 table entry has bits set that have no meaning in this version");
        if (entry.Offset % UnitSize != 0)
            throw DiskErrors.Corrupt(_path, at, $"an L2 table entry places a cluster at byte {entry.Offset}, where none can start");
    }

    /// <summary>In a data file, which has no header, a cluster may be at byte 0; the flag that only one state uses it then says that it is.</summary>
    private bool IsAllocated(L2Entry entry) => entry.Offset != 0 || (_hasDataFile && entry.IsCopied);

    private long L1EntryAt(long unit) => _l1 + (unit / _l2Entries * L1EntrySize);

    /// <summary>Where the L2 table is that a cluster is in; zero where there is none.</summary>
    private long L2At(long unit)
    {
        Span<byte> bytes = stackalloc byte[L1EntrySize];
        var at = L1EntryAt(unit);
        _view.Read(at, bytes);
        var entry = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var offset = (long)(entry & L1OffsetMask);
        if ((entry & L1Reserved) != 0 || offset % UnitSize != 0)
            throw DiskErrors.Corrupt(_path, at, $"an L1 table entry has the value 0x{entry:x16}, which cannot be");
        return offset;
    }
}
