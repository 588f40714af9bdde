using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>A region of the file (MS-VHDX 2.2.3.2).</summary>
/// <param name="Guid">What it is.</param>
/// <param name="FileOffset">Where it is.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Required">Whether who does not know it must not open the file.</param>
internal readonly record struct RegionTableEntry(Guid Guid, ulong FileOffset, uint Length, bool Required);

/// <summary>The region table (MS-VHDX 2.2.3): where the BAT and the metadata are. There are two copies.</summary>
internal static class RegionTable
{
    /// <summary>Where the first copy is.</summary>
    public const int FirstAt = 192 << 10;

    /// <summary>Where the second copy is.</summary>
    public const int SecondAt = 256 << 10;

    /// <summary>How long a table is.</summary>
    public const int Size = 64 << 10;

    private const int HeaderSize = 16;
    private const int EntrySize = 32;
    private const int MaxEntries = 2047;

    /// <summary>The block allocation table's region.</summary>
    public static readonly Guid Bat = new("2DC27766-F623-4200-9D64-115E9BFD4A08");

    /// <summary>The metadata's region.</summary>
    public static readonly Guid Metadata = new("8B7CA206-4790-4B9A-B8FE-575F050F886E");

    /// <summary>Reads a table; null if it is none or its checksum is wrong.</summary>
    /// <param name="bytes">Its 64 KiB.</param>
    public static IReadOnlyList<RegionTableEntry>? Parse(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith("regi"u8) || !VhdxChecksum.IsRight(bytes))
            return null;
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (count > MaxEntries)
            return null;
        var entries = new RegionTableEntry[count];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.Slice(HeaderSize + (i * EntrySize), EntrySize);
            entries[i] = new RegionTableEntry(new Guid(entry[..16]), BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]), (entry[28] & 1) != 0);
        }

        return entries;
    }

    /// <summary>Makes a table, checksum and all.</summary>
    /// <param name="entries">Its entries.</param>
    public static byte[] Make(params RegionTableEntry[] entries)
    {
        var bytes = new byte[Size];
        "regi"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), entries.Length);
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.AsSpan(HeaderSize + (i * EntrySize), EntrySize);
            entries[i].Guid.TryWriteBytes(entry);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], entries[i].FileOffset);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], entries[i].Length);
            entry[28] = entries[i].Required ? (byte)1 : (byte)0;
        }

        VhdxChecksum.Seal(bytes);
        return bytes;
    }
}
