using System.Buffers;
using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>How the grains of an extent are found; all numbers but the table's are in sectors.</summary>
/// <param name="Capacity">The size of the extent's part of the disk.</param>
/// <param name="GrainSize">The size of a grain.</param>
/// <param name="NumGtesPerGt">How many entries a grain table has.</param>
/// <param name="GdOffset">Where the grain directory is.</param>
/// <param name="IsPacked">Whether grains are compressed, behind markers.</param>
/// <param name="UsesZeroedGrains">Whether an entry of 1 means zeros.</param>
/// <param name="Metadata">The ranges, in bytes, where no grain can be.</param>
internal sealed record GrainLayout(
    ulong Capacity, ulong GrainSize, uint NumGtesPerGt, ulong GdOffset, bool IsPacked, bool UsesZeroedGrains, params (long Start, long Length)[] Metadata)
{
    private const int SectorSize = 512;

    /// <summary>Where the grain directory is, in bytes.</summary>
    public long Directory => (long)GdOffset * SectorSize;

    /// <summary>How long the grain directory is, in bytes: an entry for every table that the capacity needs.</summary>
    public long DirectoryLength => (long)(((Capacity - 1) / (GrainSize * NumGtesPerGt)) + 1) * sizeof(uint);
}

/// <summary>
/// The grains of a sparse extent, hosted or of ESX (COWD): a directory of tables of sectors. In a stream-optimized extent each grain is
/// compressed, behind a marker that says which grain it is and how long.
/// </summary>
internal sealed class VmdkGrainMap : UnitMap
{
    private const int SectorSize = 512;
    private const int EntrySize = sizeof(uint);
    private const uint ZeroedGrain = 1;

    private readonly MetadataView _view;
    private readonly long _directory;
    private readonly uint _tableEntries;
    private readonly bool _isPacked;
    private readonly bool _usesZeroedGrains;

    /// <summary>Maps the extent; the layout's numbers have been found possible, and its directory to lie in the file.</summary>
    /// <param name="file">The extent's file.</param>
    /// <param name="layout">Where its grains are found.</param>
    public VmdkGrainMap(DiskFile file, GrainLayout layout)
        : base(file, (long)layout.Capacity * SectorSize, (long)layout.GrainSize * SectorSize, [.. layout.Metadata, (layout.Directory, layout.DirectoryLength)])
    {
        _view = new MetadataView(file);
        _directory = layout.Directory;
        _tableEntries = layout.NumGtesPerGt;
        _isPacked = layout.IsPacked;
        _usesZeroedGrains = layout.UsesZeroedGrains;
    }

    /// <inheritdoc/>
    protected override long AbsentAt(long unit)
    {
        var (table, first) = (TableAt(unit), unit % _tableEntries);
        return table == 0 || IsEmpty((table * SectorSize) + (first * EntrySize), (_tableEntries - first) * EntrySize) ? _tableEntries - first : 0;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(long Offset, long Length, string Name)> Tables()
    {
        for (long unit = 0; unit < UnitCount; unit += _tableEntries)
        {
            if (TableAt(unit) is not 0 and var table)
                yield return (table * SectorSize, _tableEntries * (long)EntrySize, $"the table of the grains from {unit * UnitSize:N0}");
        }
    }

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        var first = unit % _tableEntries;
        var count = (int)Math.Min(places.Length, _tableEntries - first);
        Span<byte> entries = stackalloc byte[count * EntrySize];
        var tableAt = (TableAt(unit) * SectorSize) + (first * EntrySize);
        if (tableAt > File.Length - entries.Length)
            throw DiskErrors.PointsOutside(File.Path, DirectoryEntryAt(unit), TableAt(unit) * SectorSize, _tableEntries * (long)EntrySize, File.Length);
        _view.Read(tableAt, entries);
        for (var i = 0; i < count; i++)
        {
            var sector = BinaryPrimitives.ReadUInt32LittleEndian(entries[(i * EntrySize)..]);
            places[i] = PlaceOf(unit + i, sector, tableAt + (i * EntrySize));
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Unpack(long unit, UnitPlace place, ArraySegment<byte> packed, int skip, Span<byte> buffer)
    {
        var marker = Marker.Parse(packed.AsSpan(0, Marker.GrainSize));
        if (marker.Val != (ulong)(unit * (UnitSize / SectorSize)))
        {
            throw DiskErrors.Corrupt(File.Path, place.Offset,
                $"the grain here is that of sector {marker.Val}, and the table expects that of sector {unit * (UnitSize / SectorSize)}");
        }
        if (marker.ByteCount == 0 || marker.ByteCount > 2 * UnitSize)
            throw DiskErrors.Corrupt(File.Path, place.Offset, $"the grain here has {marker.ByteCount:N0} bytes of compressed data, which cannot be");
        var length = (int)marker.ByteCount;
        var data = place.Offset + Marker.GrainSize;
        if (data > File.Length - length)
            throw DiskErrors.Truncated(File.Path, data, length, File.Length);
        if (packed.Count - Marker.GrainSize >= length)
        {
            Inflate(place, packed.Slice(Marker.GrainSize, length), skip, buffer);
            return;
        }

        // Longer than any sensible compressor makes it, and still legal.
        var longer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            File.Read(data, longer.AsSpan(0, length));
            Inflate(place, new ArraySegment<byte>(longer, 0, length), skip, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(longer);
        }
    }

    private void Inflate(UnitPlace place, ArraySegment<byte> data, int skip, Span<byte> buffer)
    {
        if (Inflater.Inflate(data, zlib: true, skip, buffer, isEnd: skip + buffer.Length == UnitSize) is { } problem)
            throw DiskErrors.Corrupt(File.Path, place.Offset, $"a grain cannot be unpacked: {problem}");
    }

    private UnitPlace PlaceOf(long unit, uint sector, long tableAt)
    {
        if (sector == 0)
            return UnitPlace.Hole;
        if (sector == ZeroedGrain && _usesZeroedGrains)
            return UnitPlace.Zero;
        var offset = (long)sector * SectorSize;
        if (!_isPacked)
            return DataAt(unit, offset, tableAt);
        if (offset > File.Length - Marker.GrainSize)
            throw DiskErrors.PointsOutside(File.Path, tableAt, offset, Marker.GrainSize, File.Length);
        CheckFree(offset, Marker.GrainSize, tableAt);

        // What deflate makes of a grain that cannot be compressed, and a little more.
        return new UnitPlace(UnitKind.Packed, offset, (int)(UnitSize + (UnitSize / 256) + (2 * SectorSize)));
    }

    /// <summary>Whether the rest of a table is zeros: most writers make all tables at once, and a sparse disk has them empty.</summary>
    private bool IsEmpty(long at, long length)
    {
        Span<byte> piece = stackalloc byte[512 * EntrySize];
        while (length > 0)
        {
            var part = piece[..(int)Math.Min(piece.Length, length)];
            if (at > File.Length - part.Length)
                return false;   // who looks a grain up says so
            _view.Read(at, part);
            if (part.ContainsAnyExcept((byte)0))
                return false;
            at += part.Length;
            length -= part.Length;
        }

        return true;
    }

    private long DirectoryEntryAt(long unit) => _directory + (unit / _tableEntries * EntrySize);

    /// <summary>The first sector of the grain table that a grain is in; zero where there is no table.</summary>
    private long TableAt(long unit)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        _view.Read(DirectoryEntryAt(unit), entry);
        return BinaryPrimitives.ReadUInt32LittleEndian(entry);
    }
}
