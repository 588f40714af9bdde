using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>The metadata markers of a stream-optimized extent (VMware Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents").</summary>
internal enum MarkerType : uint
{
    /// <summary>The end of the stream.</summary>
    EndOfStream = 0,

    /// <summary>A grain table follows.</summary>
    GrainTable = 1,

    /// <summary>The grain directory follows.</summary>
    GrainDirectory = 2,

    /// <summary>The footer follows.</summary>
    Footer = 3,
}

/// <summary>A marker: before a compressed grain, or before metadata, which has a size of zero and a type.</summary>
/// <param name="Val">A grain's first sector on the disk; the number of sectors of what follows, for metadata.</param>
/// <param name="ByteCount">The length of a grain's compressed data; zero for metadata.</param>
/// <param name="Type">What metadata follows; without meaning for a grain, whose data is here.</param>
internal readonly record struct Marker(ulong Val, uint ByteCount, MarkerType Type)
{
    /// <summary>How long a marker before metadata is.</summary>
    public const int Size = 512;

    /// <summary>How long a grain's marker is; its data follows at once.</summary>
    public const int GrainSize = 12;

    /// <summary>Reads a marker.</summary>
    /// <param name="bytes">Its first sixteen bytes, or twelve of a grain's.</param>
    public static Marker Parse(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            bytes.Length < 16 ? default : (MarkerType)BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));

    /// <summary>Makes the sector that a marker before metadata is.</summary>
    /// <param name="sectors">How many sectors of metadata follow.</param>
    /// <param name="type">What they are.</param>
    public static byte[] Make(ulong sectors, MarkerType type)
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, sectors);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), (uint)type);
        return bytes;
    }
}
