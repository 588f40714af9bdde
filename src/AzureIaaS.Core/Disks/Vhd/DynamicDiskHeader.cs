using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhd;

/// <summary>The dynamic disk header (Virtual Hard Disk Image Format Specification, "Dynamic Disk Header Format"); numbers are big-endian.</summary>
internal sealed class DynamicDiskHeader
{
    /// <summary>How long the header is.</summary>
    public const int Size = 1024;

    private const int ChecksumAt = 36;

    private DynamicDiskHeader(ReadOnlySpan<byte> bytes)
    {
        TableOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        HeaderVersion = BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]);
        MaxTableEntries = BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]);
        BlockSize = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
    }

    private static ReadOnlySpan<byte> Cookie => "cxsparse"u8;

    /// <summary>Where the block allocation table is.</summary>
    public ulong TableOffset { get; }

    public uint HeaderVersion { get; }

    public uint MaxTableEntries { get; }

    /// <summary>The size of a block's data in bytes, without the bitmap before it.</summary>
    public uint BlockSize { get; }

    /// <summary>Reads the header; null if it is none or its checksum is wrong.</summary>
    /// <param name="bytes">Its 1024 bytes.</param>
    public static DynamicDiskHeader? Parse(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith(Cookie) && VhdFooter.Checksum(bytes, ChecksumAt) == BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..])
            ? new DynamicDiskHeader(bytes)
            : null;
}
