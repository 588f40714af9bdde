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
