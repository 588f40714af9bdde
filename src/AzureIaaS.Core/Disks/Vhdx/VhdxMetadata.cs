using System.Buffers.Binary;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>What the metadata region says about the disk (MS-VHDX 2.2.4.2), each item held to the specification's bounds.</summary>
internal sealed class VhdxMetadata
{
    private const uint MinBlockSize = 1 << 20;
    private const uint MaxBlockSize = 256 << 20;
    private const ulong MaxDiskSize = 64UL << 40;

    private readonly MetadataView _view;
    private readonly long _region;
    private readonly IReadOnlyList<MetadataTableEntry> _items;

    private VhdxMetadata(MetadataView view, long region, IReadOnlyList<MetadataTableEntry> items)
    {
        _view = view;
        _region = region;
        _items = items;
    }

    public uint BlockSize { get; private init; }

    /// <summary>Whether blocks are never freed: a fixed disk.</summary>
    public bool LeaveBlocksAllocated { get; private init; }

    public bool HasParent { get; private init; }

    public long VirtualDiskSize { get; private init; }

    public Guid VirtualDiskId { get; private init; }

    public int LogicalSectorSize { get; private init; }

    public int PhysicalSectorSize { get; private init; }

    /// <summary>What is recorded of the parent, by key; empty for a disk without one.</summary>
    public IReadOnlyDictionary<string, string> ParentLocator { get; private init; } = new Dictionary<string, string>();

    /// <summary>Reads the metadata.</summary>
    /// <param name="view">The file's tables.</param>
    /// <param name="region">The metadata's region, found to lie in the file.</param>
    /// <exception cref="DiskImageException">An item is missing, out of bounds, or required and unknown.</exception>
    public static VhdxMetadata Read(MetadataView view, RegionTableEntry region)
    {
        var at = (long)region.FileOffset;
        if (region.Length < MetadataTable.Size)
            throw DiskErrors.Corrupt(view.Path, at, $"the metadata region is {region.Length:N0} bytes long, less than its table");
        var table = new byte[MetadataTable.Size];
        view.Read(at, table);
        var items = MetadataTable.Parse(table) ?? throw DiskErrors.Corrupt(view.Path, at, "the metadata table is missing or damaged");
        foreach (var item in items)
        {
            if (item.IsRequired && (item.IsUser || !MetadataTable.KnownItems.Contains(item.ItemId)))
                throw DiskErrors.UnsupportedFeature(view.Path, at, $"the required metadata item {item.ItemId}", DiskErrors.ConvertByHyperV(view.Path));
            if (item.Offset > region.Length || item.Length > region.Length - item.Offset)
                throw DiskErrors.Corrupt(view.Path, at, $"the metadata item {item.ItemId} lies outside the metadata region");
        }

        return new VhdxMetadata(view, at, items).Load();
    }

    /// <summary>Makes the start of a metadata region: the table, and the items behind it.</summary>
    /// <param name="blockSize">The size of a block in bytes.</param>
    /// <param name="isFixed">Whether blocks are never freed.</param>
    /// <param name="size">The disk's size in bytes.</param>
    /// <param name="id">The disk's identity.</param>
    /// <param name="sectorSize">The size of a logical sector in bytes.</param>
    public static byte[] Make(uint blockSize, bool isFixed, long size, Guid id, int sectorSize)
    {
        const int itemSize = 16;
        const byte isRequired = 4;
        const byte isVirtualDisk = 2;
        var bytes = new byte[MetadataTable.Size + (5 * itemSize)];
        "metadata"u8.CopyTo(bytes);
        (Guid Id, int Length, byte Flags)[] items =
        [
            (MetadataTable.FileParameters, 8, isRequired), (MetadataTable.VirtualDiskSize, 8, isRequired | isVirtualDisk),
            (MetadataTable.VirtualDiskId, 16, isRequired | isVirtualDisk), (MetadataTable.LogicalSectorSize, 4, isRequired | isVirtualDisk),
            (MetadataTable.PhysicalSectorSize, 4, isRequired | isVirtualDisk),
        ];
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(10), (short)items.Length);
        for (var i = 0; i < items.Length; i++)
        {
            var entry = bytes.AsSpan(32 + (32 * i), 32);
            items[i].Id.TryWriteBytes(entry);
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], MetadataTable.Size + (itemSize * i));
            BinaryPrimitives.WriteInt32LittleEndian(entry[20..], items[i].Length);
            entry[24] = items[i].Flags;
        }

        var values = bytes.AsSpan(MetadataTable.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(values, blockSize);
        BinaryPrimitives.WriteUInt32LittleEndian(values[4..], isFixed ? 1u : 0);
        BinaryPrimitives.WriteInt64LittleEndian(values[itemSize..], size);
        id.TryWriteBytes(values[(2 * itemSize)..]);
        BinaryPrimitives.WriteInt32LittleEndian(values[(3 * itemSize)..], sectorSize);
        BinaryPrimitives.WriteInt32LittleEndian(values[(4 * itemSize)..], 4096);
        return bytes;
    }

    private VhdxMetadata Load()
    {
        Span<byte> value = stackalloc byte[16];
        var parameters = Item(MetadataTable.FileParameters, value[..8], "File Parameters");
        var blockSize = BinaryPrimitives.ReadUInt32LittleEndian(value);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(value[4..]);
        if (blockSize is < MinBlockSize or > MaxBlockSize || !BitOperations.IsPow2(blockSize))
            throw DiskErrors.Corrupt(_view.Path, parameters, $"the block size is {blockSize:N0} bytes, not a power of two from 1 MiB to 256 MiB");

        var logicalAt = Item(MetadataTable.LogicalSectorSize, value[..4], "Logical Sector Size");
        var logical = BinaryPrimitives.ReadUInt32LittleEndian(value);
        if (logical is not (512 or 4096))
            throw DiskErrors.Corrupt(_view.Path, logicalAt, $"the logical sector size is {logical:N0} bytes, neither 512 nor 4096");

        var physicalAt = Item(MetadataTable.PhysicalSectorSize, value[..4], "Physical Sector Size");
        var physical = BinaryPrimitives.ReadUInt32LittleEndian(value);
        if (physical is not (512 or 4096))
            throw DiskErrors.Corrupt(_view.Path, physicalAt, $"the physical sector size is {physical:N0} bytes, neither 512 nor 4096");

        var sizeAt = Item(MetadataTable.VirtualDiskSize, value[..8], "Virtual Disk Size");
        var size = BinaryPrimitives.ReadUInt64LittleEndian(value);
        if (size is 0 or > MaxDiskSize || size % logical != 0)
            throw DiskErrors.Corrupt(_view.Path, sizeAt, $"the virtual disk size is {size:N0} bytes, not a whole number of sectors up to 64 TiB");

        Item(MetadataTable.VirtualDiskId, value, "Virtual Disk ID");
        return new VhdxMetadata(_view, _region, _items)
        {
            BlockSize = blockSize,
            LeaveBlocksAllocated = (flags & 1) != 0,
            HasParent = (flags & 2) != 0,
            VirtualDiskSize = (long)size,
            VirtualDiskId = new Guid(value),
            LogicalSectorSize = (int)logical,
            PhysicalSectorSize = (int)physical,
            ParentLocator = (flags & 2) != 0 ? ReadParentLocator() : [],
        };
    }

    private Dictionary<string, string> ReadParentLocator()
    {
        foreach (var item in _items)
        {
            if (item.ItemId != MetadataTable.ParentLocator || item.IsUser)
                continue;
            if (item.Offset < MetadataTable.Size || item.Length > Vhdx.ParentLocator.MaxSize)
                throw DiskErrors.Corrupt(_view.Path, _region, "the metadata item Parent Locator has the wrong length or place");
            var bytes = new byte[item.Length];
            _view.Read(_region + item.Offset, bytes);
            return Vhdx.ParentLocator.Parse(bytes)
                ?? throw DiskErrors.Corrupt(_view.Path, _region + item.Offset, "the metadata item Parent Locator is damaged, or of another type than VHDX");
        }

        throw DiskErrors.Corrupt(_view.Path, _region, "the metadata item Parent Locator is missing");
    }

    /// <summary>Reads an item of a known length and returns where it is.</summary>
    private long Item(Guid id, Span<byte> value, string name)
    {
        foreach (var item in _items)
        {
            if (item.ItemId != id || item.IsUser)
                continue;
            if (item.Length < value.Length || item.Offset < MetadataTable.Size)
                throw DiskErrors.Corrupt(_view.Path, _region, $"the metadata item {name} has the wrong length or place");
            _view.Read(_region + item.Offset, value);
            return _region + item.Offset;
        }

        throw DiskErrors.Corrupt(_view.Path, _region, $"the metadata item {name} is missing");
    }
}
