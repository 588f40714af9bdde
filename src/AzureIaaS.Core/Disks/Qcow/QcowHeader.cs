using System.Buffers.Binary;

namespace AzureIaaS.Disks.Qcow;

/// <summary>The header of qcow version 1 (QEMU block/qcow.c, QCowHeader), its fields named as there; numbers are big-endian.</summary>
internal sealed class QcowHeader
{
    /// <summary>How long the header is.</summary>
    public const int Size = 48;

    private QcowHeader(ReadOnlySpan<byte> bytes)
    {
        backing_file_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        backing_file_size = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        size = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
        cluster_bits = bytes[32];
        l2_bits = bytes[33];
        crypt_method = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]);
        l1_table_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]);
    }

    /// <summary>The first eight bytes: QFI, 0xFB and version 1.</summary>
    public static ReadOnlySpan<byte> Magic => [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 1];

    public ulong backing_file_offset { get; }

    public uint backing_file_size { get; }

    /// <summary>The disk's size in bytes.</summary>
    public ulong size { get; }

    public byte cluster_bits { get; }

    /// <summary>An L2 table has two to this power of entries.</summary>
    public byte l2_bits { get; }

    /// <summary>0 for none, 1 for AES.</summary>
    public uint crypt_method { get; }

    public ulong l1_table_offset { get; }

    /// <summary>Reads a header; null if it is none. It has no checksum.</summary>
    /// <param name="bytes">Its 48 bytes.</param>
    public static QcowHeader? Parse(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic) ? new QcowHeader(bytes) : null;
}
