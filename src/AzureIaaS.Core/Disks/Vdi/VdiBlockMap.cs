using System.Buffers.Binary;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vdi;

/// <summary>The blocks of a VDI: a map of block numbers in the file, two of which mean never written and discarded.</summary>
internal sealed class VdiBlockMap : UnitMap
{
    private const uint Free = uint.MaxValue;
    private const uint Zero = uint.MaxValue - 1;
    private const int EntrySize = sizeof(uint);

    private readonly MetadataView _view;
    private readonly VdiHeader _header;

    /// <summary>Maps the disk; the map of blocks has been found to lie in the file.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">The header.</param>
    public VdiBlockMap(DiskFile file, VdiHeader header)
        : base(file, (long)header.DiskSize, header.BlockSize, (0, VdiHeader.Size), (header.OffBlocks, (long)header.Blocks * EntrySize))
    {
        _view = new MetadataView(file);
        _header = header;
    }

    /// <inheritdoc/>
    protected override long UnitLead => _header.BlockExtraSize;

    /// <summary>Whether the header counts the blocks as the map does; who writes to the image puts the next block behind as many.</summary>
    /// <param name="cancellation">Stops it.</param>
    public IEnumerable<string> FindCountFaults(CancellationToken cancellation)
    {
        long allocated = 0;
        Span<byte> entry = stackalloc byte[EntrySize];
        for (long unit = 0; unit < UnitCount; unit++)
        {
            cancellation.ThrowIfCancellationRequested();
            _view.Read(_header.OffBlocks + (unit * EntrySize), entry);
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) < Zero)
                allocated++;
        }

        return allocated == _header.BlocksAllocated ? [] : [$"{TablePath}, at byte 388: its header counts {_header.BlocksAllocated:N0} blocks in the file, and its block map {allocated:N0}."];
    }

    /// <inheritdoc/>
    protected override int Locate(long unit, Span<UnitPlace> places)
    {
        Span<byte> entries = stackalloc byte[Math.Min(places.Length, 512) * EntrySize];
        var tableAt = _header.OffBlocks + (unit * EntrySize);
        _view.Read(tableAt, entries);
        for (var i = 0; i < entries.Length / EntrySize; i++)
        {
            var block = BinaryPrimitives.ReadUInt32LittleEndian(entries[(i * EntrySize)..]);
            places[i] = block switch
            {
                Free => UnitPlace.Hole,
                Zero => UnitPlace.Zero,
                _ => DataAt(unit + i, _header.OffData + (block * ((long)_header.BlockSize + _header.BlockExtraSize)) + _header.BlockExtraSize, tableAt + (i * EntrySize)),
            };
        }

        return entries.Length / EntrySize;
    }
}
