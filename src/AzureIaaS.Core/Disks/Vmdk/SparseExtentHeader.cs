using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>The header of a hosted sparse extent, and its copy in the footer (VMware Virtual Disk Format 5.0, "Hosted Sparse Extent Header").</summary>
internal sealed class SparseExtentHeader
{
    /// <summary>How long the header is.</summary>
    public const int Size = 512;

    /// <summary>What <see cref="GdOffset"/> is when the grain directory is known only by the footer.</summary>
    public const ulong GdAtEnd = ulong.MaxValue;

    private const uint ValidNewLineDetection = 1;
    private const uint RedundantGrainTable = 1 << 1;
    private const uint ZeroedGrainUsed = 1 << 2;
    private const uint CompressedGrains = 1 << 16;
    private const uint Markers = 1 << 17;

    private SparseExtentHeader(ReadOnlySpan<byte> bytes)
    {
        Version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        Flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        Capacity = BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]);
        GrainSize = BinaryPrimitives.ReadUInt64LittleEndian(bytes[20..]);
        DescriptorOffset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]);
        DescriptorSize = BinaryPrimitives.ReadUInt64LittleEndian(bytes[36..]);
        NumGtesPerGt = BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]);
        RgdOffset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]);
        GdOffset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..]);
        OverHead = BinaryPrimitives.ReadUInt64LittleEndian(bytes[64..]);
        UncleanShutdown = bytes[72] != 0;
        HasGoodNewLines = (Flags & ValidNewLineDetection) == 0 || bytes.Slice(73, 4).SequenceEqual("\n \r\n"u8);
        CompressAlgorithm = BinaryPrimitives.ReadUInt16LittleEndian(bytes[77..]);
    }

    /// <summary>The magic number, as the file has it.</summary>
    public static ReadOnlySpan<byte> Magic => "KDMV"u8;

    public uint Version { get; }

    public uint Flags { get; }

    /// <summary>The disk's size in sectors.</summary>
    public ulong Capacity { get; }

    /// <summary>The size of a grain in sectors.</summary>
    public ulong GrainSize { get; }

    /// <summary>Where the embedded descriptor is, in sectors; zero where there is none.</summary>
    public ulong DescriptorOffset { get; }

    /// <summary>How long it is, in sectors.</summary>
    public ulong DescriptorSize { get; }

    public uint NumGtesPerGt { get; }

    /// <summary>Where the redundant grain directory is, in sectors.</summary>
    public ulong RgdOffset { get; }

    /// <summary>Where the grain directory is, in sectors.</summary>
    public ulong GdOffset { get; }

    /// <summary>How many sectors the metadata takes.</summary>
    public ulong OverHead { get; }

    public bool UncleanShutdown { get; }

    /// <summary>Whether the four characters that a transfer as text would have changed are still right.</summary>
    public bool HasGoodNewLines { get; }

    /// <summary>0 for none, 1 for deflate in a zlib wrapper.</summary>
    public ushort CompressAlgorithm { get; }

    /// <summary>Whether a grain table entry of 1 means zeros.</summary>
    public bool UsesZeroedGrains => (Flags & ZeroedGrainUsed) != 0;

    public bool HasCompressedGrains => (Flags & CompressedGrains) != 0;

    public bool HasMarkers => (Flags & Markers) != 0;

    /// <summary>Reads a header; null if it is none. It has no checksum.</summary>
    /// <param name="bytes">Its 512 bytes.</param>
    public static SparseExtentHeader? Parse(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic) ? new SparseExtentHeader(bytes) : null;

    /// <summary>Makes a header.</summary>
    /// <param name="version">1, or 3 for a stream-optimized extent.</param>
    /// <param name="isStream">Whether grains are compressed, behind markers; otherwise there is a second grain directory.</param>
    /// <param name="capacity">The disk's size in sectors.</param>
    /// <param name="grainSize">The size of a grain in sectors.</param>
    /// <param name="descriptorSize">How many sectors there are for the descriptor, behind the header.</param>
    /// <param name="rgdOffset">The sector of the second grain directory; zero for none.</param>
    /// <param name="gdOffset">The sector of the grain directory.</param>
    /// <param name="overHead">The first sector behind all metadata.</param>
    public static byte[] Make(
        uint version, bool isStream, ulong capacity, ulong grainSize, ulong descriptorSize, ulong rgdOffset, ulong gdOffset, ulong overHead)
    {
        var bytes = new byte[Size];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), ValidNewLineDetection | (isStream ? CompressedGrains | Markers : RedundantGrainTable));
        foreach (var (at, value) in new[] { (12, capacity), (20, grainSize), (28, 1ul), (36, descriptorSize), (48, rgdOffset), (56, gdOffset), (64, overHead) })
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(44), 512);
        "\n \r\n"u8.CopyTo(bytes.AsSpan(73));
        bytes[77] = isStream ? (byte)1 : (byte)0;
        return bytes;
    }
}
