using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>The grains of a space-efficient sparse extent of ESXi: a directory of numbers of tables, tables of numbers of grains with a kind each.</summary>
internal sealed class SeSparseMap : UnitMap
{
    private const int SectorSize = 512;
    private const int EntrySize = sizeof(ulong);
    private const ulong MaxSectors = long.MaxValue / SectorSize;
    private const ulong GrainSectors = 8;
    private const ulong TableSectors = 64;
    private const long TableEntries = (long)TableSectors * SectorSize / EntrySize;
    private const ulong DirectoryKindMask = 0xFFFF_FFFF_0000_0000;
    private const ulong AllocatedTable = 0x1000_0000_0000_0000;

    private readonly MetadataView _view;
    private readonly SeSparseHeader _header;

    private SeSparseMap(DiskFile file, SeSparseHeader header)
        : base(file, (long)header.Capacity * SectorSize, (long)GrainSectors * SectorSize, (0, SeSparseHeader.Size),
            ((long)header.GrainDirOffset * SectorSize, (long)header.GrainDirSize * SectorSize))
    {
        _view = new MetadataView(file);
        _header = header;
    }

    /// <summary>Maps an extent.</summary>
    /// <param name="file">The extent's file.</param>
    /// <param name="below">What shows where there is no grain; null for zeros.</param>
    /// <exception cref="DiskImageException">The header is damaged, of an unknown version, or a journal has to be replayed.</exception>
    public static SeSparseMap Open(DiskFile file, Backing? below)
    {
        var header = SeSparseHeader.Parse(file.Read(0, SeSparseHeader.Size))
            ?? throw DiskErrors.Corrupt(file.Path, 0, "the header of a space-efficient sparse extent (seSparse) is missing");
        if (header.Version != SeSparseHeader.KnownVersion)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 8,
                $"version {header.Version >> 32}.{(uint)header.Version} of a space-efficient sparse extent (seSparse)", DiskErrors.ConvertByQemu(file.Path, "vmdk"));
        }
        if (header.GrainSize != GrainSectors || header.GrainTableSize != TableSectors)
            throw DiskErrors.Corrupt(file.Path, 24, $"grains are of {header.GrainSize:N0} sectors and tables of {header.GrainTableSize:N0}, which cannot be");
        if (header.Capacity is 0 or > MaxSectors)
            throw DiskErrors.Corrupt(file.Path, 16, $"the capacity is {header.Capacity:N0} sectors, which cannot be");
        CheckRange(file, 128, header.GrainDirOffset, header.GrainDirSize);
        CheckRange(file, 144, header.GrainTablesOffset, header.GrainTablesSize);
        CheckRange(file, 80, header.VolatileHeaderOffset, 1);
        CheckRange(file, 192, header.GrainsOffset, 0);

        // This bounds the capacity, too: its directory has to be in the file.
        var tables = ((header.Capacity - 1) / (GrainSectors * (ulong)TableEntries)) + 1;
        if (tables > header.GrainDirSize * SectorSize / EntrySize)
            throw DiskErrors.Corrupt(file.Path, 136, $"the grain directory is of {header.GrainDirSize:N0} sectors and the disk needs {tables:N0} entries in it");
        switch (SeSparseHeader.NeedsReplay(file.Read((long)header.VolatileHeaderOffset * SectorSize, SeSparseHeader.Size)))
        {
            case null:
                throw DiskErrors.Corrupt(file.Path, (long)header.VolatileHeaderOffset * SectorSize, "the volatile header of the extent is missing");
            case true:
                throw DiskErrors.UnsupportedFeature(file.Path, (long)header.VolatileHeaderOffset * SectorSize,
                    "a space-efficient sparse extent (seSparse) that was not closed properly, whose journal has to be replayed first,",
                    "Start the machine on its ESXi host and shut it down, or clone the disk there (vmkfstools -i), and import that.");
            default:
                return new SeSparseMap(file, header) { Below = below };
        }
    }

    /// <inheritdoc/>
    protected override long AbsentAt(long unit) => TableAt(unit) == 0 ? TableEntries - (unit % TableEntries) : 0;

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        var first = unit % TableEntries;
        var count = (int)Math.Min(Math.Min(places.Length, 512), TableEntries - first);
        Span<byte> entries = stackalloc byte[count * EntrySize];
        var tableAt = TableAt(unit) + (first * EntrySize);
        _view.Read(tableAt, entries);
        for (var i = 0; i < count; i++)
            places[i] = PlaceOf(BinaryPrimitives.ReadUInt64LittleEndian(entries[(i * EntrySize)..]), unit + i, tableAt + (i * EntrySize));
        return count;
    }

    private static void CheckRange(DiskFile file, long saidAt, ulong sector, ulong sectors)
    {
        if (sector == 0 || sector > (ulong)file.Length / SectorSize || sectors > ((ulong)file.Length / SectorSize) - sector)
            throw DiskErrors.PointsOutside(file.Path, saidAt, unchecked((long)(sector * SectorSize)), (long)Math.Min(sectors, MaxSectors) * SectorSize, file.Length);
    }

    private UnitPlace PlaceOf(ulong entry, long unit, long at)
    {
        switch (entry >> 60)
        {
            case 0 when entry == 0:
                return UnitPlace.Hole;
            case 1 or 2:   // discarded by the guest; zeros
                return UnitPlace.Zero;
            case 3:
                // The number of the grain has its lowest twelve bits above the others.
                var grain = ((entry & 0x0FFF_0000_0000_0000) >> 48) | ((entry & 0x0000_FFFF_FFFF_FFFF) << 12);
                var sector = grain > MaxSectors / GrainSectors / 2 ? MaxSectors : _header.GrainsOffset + (grain * GrainSectors);
                return DataAt(unit, (long)Math.Min(sector, MaxSectors) * SectorSize, at);
            default:
                throw DiskErrors.Corrupt(File.Path, at, $"a grain table entry has the value 0x{entry:x16}, which cannot be");
        }
    }

    /// <summary>Where the grain table is that a grain is in; zero where there is none.</summary>
    private long TableAt(long unit)
    {
        Span<byte> bytes = stackalloc byte[EntrySize];
        var at = ((long)_header.GrainDirOffset * SectorSize) + (unit / TableEntries * EntrySize);
        _view.Read(at, bytes);
        var entry = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (entry == 0)
            return 0;
        var number = (uint)entry;
        if ((entry & DirectoryKindMask) != AllocatedTable || number >= _header.GrainTablesSize / TableSectors)
            throw DiskErrors.Corrupt(File.Path, at, $"a grain directory entry has the value 0x{entry:x16}, which cannot be");
        return ((long)_header.GrainTablesOffset + (number * (long)TableSectors)) * SectorSize;
    }
}
