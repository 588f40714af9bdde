using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Vhd;

/// <summary>The dynamic disk header (Virtual Hard Disk Image Format Specification, "Dynamic Disk Header Format"); numbers are big-endian.</summary>
internal sealed class DynamicDiskHeader
{
    /// <summary>How long the header is.</summary>
    public const int Size = 1024;

    private const int ChecksumAt = 36;

    private DynamicDiskHeader(byte[] bytes)
    {
        TableOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(16));
        HeaderVersion = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(24));
        MaxTableEntries = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(28));
        BlockSize = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(32));
        ParentUniqueId = new Guid(bytes.AsSpan(40, 16), bigEndian: true);
        ParentUnicodeName = Encoding.BigEndianUnicode.GetString(bytes.AsSpan(64, 512)).TrimEnd('\0');
        ParentLocators = [.. Enumerable.Range(0, ParentLocator.Count).Select(i => 576 + (i * ParentLocator.Size)).Select(at => new ParentLocator(
            Encoding.Latin1.GetString(bytes.AsSpan(at, 4)),
            BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 8)),
            BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(at + 16))))];
    }

    private static ReadOnlySpan<byte> Cookie => "cxsparse"u8;

    /// <summary>Where the block allocation table is.</summary>
    public ulong TableOffset { get; }

    public uint HeaderVersion { get; }

    public uint MaxTableEntries { get; }

    /// <summary>The size of a block's data in bytes, without the bitmap before it.</summary>
    public uint BlockSize { get; }

    /// <summary>The parent's <see cref="VhdFooter.UniqueId"/>; without meaning for a dynamic disk.</summary>
    public Guid ParentUniqueId { get; }

    /// <summary>The parent's file name.</summary>
    public string ParentUnicodeName { get; }

    /// <summary>Where the file says where the parent is, for several platforms.</summary>
    public IReadOnlyList<ParentLocator> ParentLocators { get; }

    /// <summary>Reads the header; null if it is none or its checksum is wrong.</summary>
    /// <param name="bytes">Its 1024 bytes.</param>
    /// <param name="isChecked">Whether the checksum counts.</param>
    public static DynamicDiskHeader? Parse(ReadOnlySpan<byte> bytes, bool isChecked = true) =>
        bytes.StartsWith(Cookie) && (!isChecked || VhdFooter.Checksum(bytes, ChecksumAt) == BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..]))
            ? new DynamicDiskHeader(bytes.ToArray())
            : null;

    /// <summary>Makes the header of a dynamic disk, checksum and all.</summary>
    /// <param name="tableOffset">Where the block allocation table is.</param>
    /// <param name="entries">How many entries it has.</param>
    /// <param name="blockSize">The size of a block's data in bytes.</param>
    public static byte[] Make(long tableOffset, uint entries, uint blockSize)
    {
        var bytes = new byte[Size];
        Cookie.CopyTo(bytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), ulong.MaxValue);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(16), tableOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), 0x10000);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(28), entries);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(32), blockSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(ChecksumAt), VhdFooter.Checksum(bytes, ChecksumAt));
        return bytes;
    }
}
