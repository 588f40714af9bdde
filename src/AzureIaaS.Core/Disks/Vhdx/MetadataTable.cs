using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>An item of the metadata (MS-VHDX 2.2.4.1.2).</summary>
/// <param name="ItemId">What it is.</param>
/// <param name="Offset">Where it is, from the start of the metadata region.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="IsUser">Whether its identifier is a user's, not the specification's.</param>
/// <param name="IsRequired">Whether who does not know it must not open the file.</param>
internal readonly record struct MetadataTableEntry(Guid ItemId, uint Offset, uint Length, bool IsUser, bool IsRequired);

/// <summary>The metadata table (MS-VHDX 2.2.4.1) and the identifiers of the items it lists (2.2.4.2).</summary>
internal static class MetadataTable
{
    /// <summary>How long the table is; no item lies in it.</summary>
    public const int Size = 64 << 10;

    private const int HeaderSize = 32;
    private const int EntrySize = 32;
    private const int MaxEntries = 2047;

    /// <summary>File Parameters: the block size and whether there is a parent.</summary>
    public static readonly Guid FileParameters = new("CAA16737-FA36-4D43-B3B6-33F0AA44E76B");

    /// <summary>Virtual Disk Size.</summary>
    public static readonly Guid VirtualDiskSize = new("2FA54224-CD1B-4876-B211-5DBED83BF4B8");

    /// <summary>Virtual Disk ID.</summary>
    public static readonly Guid VirtualDiskId = new("BECA12AB-B2E6-4523-93EF-C309E000C746");

    /// <summary>Logical Sector Size.</summary>
    public static readonly Guid LogicalSectorSize = new("8141BF1D-A96F-4709-BA47-F233A8FAAB5F");

    /// <summary>Physical Sector Size.</summary>
    public static readonly Guid PhysicalSectorSize = new("CDA348C7-445D-4471-9CC9-E9885251C556");

    /// <summary>Parent Locator.</summary>
    public static readonly Guid ParentLocator = new("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C");

    /// <summary>All that this version knows.</summary>
    public static readonly IReadOnlyList<Guid> KnownItems =
        [FileParameters, VirtualDiskSize, VirtualDiskId, LogicalSectorSize, PhysicalSectorSize, ParentLocator];

    /// <summary>Reads the table; null if it is none. It has no checksum.</summary>
    /// <param name="bytes">Its 64 KiB.</param>
    public static IReadOnlyList<MetadataTableEntry>? Parse(ReadOnlySpan<byte> bytes)
    {
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]);
        if (!bytes.StartsWith("metadata"u8) || count > MaxEntries)
            return null;
        var entries = new MetadataTableEntry[count];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.Slice(HeaderSize + (i * EntrySize), EntrySize);
            entries[i] = new MetadataTableEntry(new Guid(entry[..16]), BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]), (entry[24] & 1) != 0, (entry[24] & 4) != 0);
        }

        return entries;
    }
}
