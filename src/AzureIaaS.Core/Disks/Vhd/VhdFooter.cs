using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Vhd;

/// <summary>What kind of disk a VHD is (Virtual Hard Disk Image Format Specification, "Disk Type").</summary>
internal enum VhdDiskType : uint
{
    /// <summary>The disk's bytes, then the footer.</summary>
    Fixed = 2,

    /// <summary>Blocks as they were written.</summary>
    Dynamic = 3,

    /// <summary>What differs from a parent.</summary>
    Differencing = 4,
}

/// <summary>The hard disk footer (Virtual Hard Disk Image Format Specification, "Hard Disk Footer Format"); numbers are big-endian.</summary>
internal sealed class VhdFooter
{
    /// <summary>How long the footer is.</summary>
    public const int Size = 512;

    /// <summary>How long it was in versions before Virtual PC 2004: the last byte, which says nothing, was missing.</summary>
    public const int OldSize = 511;

    private const int ChecksumAt = 64;

    private VhdFooter(ReadOnlySpan<byte> bytes)
    {
        Features = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        FileFormatVersion = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        DataOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        CreatorApplication = Encoding.Latin1.GetString(bytes.Slice(28, 4)).TrimEnd(' ', '\0');
        CreatorHostOs = Encoding.Latin1.GetString(bytes.Slice(36, 4)).TrimEnd(' ', '\0');
        OriginalSize = BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]);
        CurrentSize = BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]);
        DiskGeometry = (BinaryPrimitives.ReadUInt16BigEndian(bytes[56..]), bytes[58], bytes[59]);
        DiskType = (VhdDiskType)BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]);
        UniqueId = new Guid(bytes.Slice(68, 16), bigEndian: true);
        SavedState = bytes[84] != 0;
    }

    /// <summary>The footer's first eight bytes.</summary>
    public static ReadOnlySpan<byte> Cookie => "conectix"u8;

    public uint Features { get; }

    public uint FileFormatVersion { get; }

    /// <summary>Where the dynamic disk header is; all ones for a fixed disk.</summary>
    public ulong DataOffset { get; }

    public string CreatorApplication { get; }

    public string CreatorHostOs { get; }

    public ulong OriginalSize { get; }

    /// <summary>The size of the disk. The geometry beside it is often smaller, and only ancient guests go by it.</summary>
    public ulong CurrentSize { get; }

    public (ushort Cylinders, byte Heads, byte SectorsPerTrack) DiskGeometry { get; }

    public VhdDiskType DiskType { get; }

    public Guid UniqueId { get; }

    /// <summary>Whether the machine was saved, not shut down, when it last used the disk.</summary>
    public bool SavedState { get; }

    /// <summary>Reads a footer; null if it is none or its checksum is wrong.</summary>
    /// <param name="bytes">Its 512 bytes, or 511 of an old one.</param>
    public static VhdFooter? Parse(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith(Cookie) && Checksum(bytes, ChecksumAt) == BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..])
            ? new VhdFooter(bytes)
            : null;

    /// <summary>Reads a footer without looking at its checksum; null if it is none.</summary>
    /// <param name="bytes">Its 512 bytes.</param>
    public static VhdFooter? ParseUnchecked(ReadOnlySpan<byte> bytes) => bytes.Length == Size && bytes.StartsWith(Cookie) ? new VhdFooter(bytes) : null;

    /// <summary>The one's complement of the sum of all bytes without the checksum's own; the header has it too.</summary>
    /// <param name="bytes">The record.</param>
    /// <param name="own">Where its checksum is.</param>
    public static uint Checksum(ReadOnlySpan<byte> bytes, int own)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i++)
            sum += i >= own && i < own + sizeof(uint) ? 0u : bytes[i];
        return ~sum;
    }
}
