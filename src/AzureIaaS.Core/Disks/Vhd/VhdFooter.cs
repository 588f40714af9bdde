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

    /// <summary>Makes a footer, checksum and all.</summary>
    /// <param name="type">The kind of disk.</param>
    /// <param name="size">The disk's size in bytes.</param>
    /// <param name="dataOffset">Where the dynamic disk header is; all ones for a fixed disk.</param>
    /// <param name="id">The disk's identity.</param>
    public static byte[] Make(VhdDiskType type, long size, ulong dataOffset, Guid id)
    {
        var bytes = new byte[Size];
        Cookie.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), 2);   // Features: the reserved bit that is always set
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), 0x10000);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(16), dataOffset);

        // QEMU goes by the geometry, which is smaller, unless it knows the creator as one that means the current size.
        "win "u8.CopyTo(bytes.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(32), 0xA0000);
        "Wi2k"u8.CopyTo(bytes.AsSpan(36));
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(40), size);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(48), size);
        var (cylinders, heads, sectors) = GeometryOf(size / 512);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(56), cylinders);
        bytes[58] = heads;
        bytes[59] = sectors;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(60), (uint)type);
        id.TryWriteBytes(bytes.AsSpan(68), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(ChecksumAt), Checksum(bytes, ChecksumAt));
        return bytes;
    }

    /// <summary>The geometry that a size gives ("Appendix: CHS Calculation").</summary>
    /// <param name="totalSectors">The size in sectors.</param>
    public static (ushort Cylinders, byte Heads, byte SectorsPerTrack) GeometryOf(long totalSectors)
    {
        totalSectors = Math.Min(totalSectors, 65535L * 16 * 255);
        long sectors, heads, cylinderTimesHeads;
        if (totalSectors >= 65535L * 16 * 63)
        {
            (sectors, heads) = (255, 16);
            cylinderTimesHeads = totalSectors / sectors;
        }
        else
        {
            sectors = 17;
            cylinderTimesHeads = totalSectors / sectors;
            heads = Math.Max(4, (cylinderTimesHeads + 1023) / 1024);
            if (cylinderTimesHeads >= heads * 1024 || heads > 16)
            {
                (sectors, heads) = (31, 16);
                cylinderTimesHeads = totalSectors / sectors;
            }
            if (cylinderTimesHeads >= heads * 1024)
            {
                (sectors, heads) = (63, 16);
                cylinderTimesHeads = totalSectors / sectors;
            }
        }

        return ((ushort)(cylinderTimesHeads / heads), (byte)heads, (byte)sectors);
    }

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
