using System.Buffers.Binary;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The header (QEMU docs/interop/qcow2.txt, "Header"), its fields named as there; numbers are big-endian.</summary>
internal sealed class Qcow2Header
{
    /// <summary>How long the header of version 2 is; version 3 has more.</summary>
    public const int V2Size = 72;

    /// <summary>How long the header of version 3 is at least.</summary>
    public const int V3Size = 104;

    /// <summary>Incompatible feature: refcounts may be wrong.</summary>
    public const ulong Dirty = 1 << 0;

    /// <summary>Incompatible feature: tables may be wrong.</summary>
    public const ulong Corrupt = 1 << 1;

    /// <summary>Incompatible feature: clusters are in another file.</summary>
    public const ulong ExternalDataFile = 1 << 2;

    /// <summary>Incompatible feature: <see cref="compression_type"/> is not zero.</summary>
    public const ulong CompressionType = 1 << 3;

    /// <summary>Incompatible feature: <see cref="HasExtendedL2"/>.</summary>
    public const ulong ExtendedL2 = 1 << 4;

    /// <summary>A <see cref="compression_type"/>: deflate without a wrapper, which the specification calls zlib.</summary>
    public const byte CompressionZlib = 0;

    /// <summary>A <see cref="compression_type"/>: zstd.</summary>
    public const byte CompressionZstd = 1;

    /// <summary>The byte that <see cref="compression_type"/> is, where the header is long enough.</summary>
    private const int CompressionTypeAt = 104;

    /// <summary>What version 2 has, which does not say it: 16 bits.</summary>
    private const uint DefaultRefcountOrder = 4;

    public required uint version { get; init; }

    public required ulong backing_file_offset { get; init; }

    public required uint backing_file_size { get; init; }

    public required uint cluster_bits { get; init; }

    /// <summary>The disk's size in bytes.</summary>
    public required ulong size { get; init; }

    /// <summary>0 for none, 1 for AES, 2 for LUKS.</summary>
    public required uint crypt_method { get; init; }

    /// <summary>How many entries the L1 table has.</summary>
    public required uint l1_size { get; init; }

    public required ulong l1_table_offset { get; init; }

    public required uint nb_snapshots { get; init; }

    public required ulong snapshots_offset { get; init; }

    /// <summary>Where the table of refcount blocks is; only who checks an image needs it.</summary>
    public ulong refcount_table_offset { get; init; }

    public uint refcount_table_clusters { get; init; }

    /// <summary>Reference counts have 2 to the power of this many bits.</summary>
    public uint refcount_order { get; init; } = DefaultRefcountOrder;

    public ulong incompatible_features { get; init; }

    /// <summary>Whether L2 entries are of 16 bytes, with a bitmap of 32 subclusters.</summary>
    public bool HasExtendedL2 => (incompatible_features & ExtendedL2) != 0;

    public uint header_length { get; init; } = V2Size;

    /// <summary>0 for zlib, 1 for zstd.</summary>
    public byte compression_type { get; init; }

    /// <summary>The first four bytes: QFI and 0xFB.</summary>
    public static ReadOnlySpan<byte> Magic => [0x51, 0x46, 0x49, 0xFB];

    /// <summary>Reads a header; null if it is none or too short for its version. It has no checksum.</summary>
    /// <param name="bytes">The file's first 112 bytes, or as many as it has.</param>
    public static Qcow2Header? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < V2Size || !bytes.StartsWith(Magic))
            return null;
        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (version >= 3 && bytes.Length < V3Size)
            return null;
        var length = version >= 3 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]) : V2Size;
        return new Qcow2Header
        {
            version = version,
            backing_file_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            backing_file_size = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]),
            cluster_bits = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]),
            size = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]),
            crypt_method = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]),
            l1_size = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]),
            l1_table_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]),
            refcount_table_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]),
            refcount_table_clusters = BinaryPrimitives.ReadUInt32BigEndian(bytes[56..]),
            nb_snapshots = BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]),
            snapshots_offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[64..]),
            incompatible_features = version >= 3 ? BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]) : 0,
            refcount_order = version >= 3 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[96..]) : DefaultRefcountOrder,
            header_length = length,
            compression_type = length > CompressionTypeAt && bytes.Length > CompressionTypeAt ? bytes[CompressionTypeAt] : (byte)0,
        };
    }

    /// <summary>Writes a header of version 3, with refcounts of 16 bits and no extension.</summary>
    public byte[] ToBytes()
    {
        const int length = 112;
        var bytes = new byte[length + 8];   // the extension that ends the list is all zeros
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), cluster_bits);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(24), size);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(36), l1_size);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(40), l1_table_offset);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(48), refcount_table_offset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(56), refcount_table_clusters);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(72), incompatible_features);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(96), refcount_order);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(100), length);
        bytes[CompressionTypeAt] = compression_type;
        return bytes;
    }
}
