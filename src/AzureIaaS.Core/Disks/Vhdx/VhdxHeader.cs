using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The header (MS-VHDX 2.2.2): two copies, of which the valid one with the higher sequence number counts.</summary>
internal sealed class VhdxHeader
{
    /// <summary>Where the first copy is.</summary>
    public const int FirstAt = 64 << 10;

    /// <summary>Where the second copy is.</summary>
    public const int SecondAt = 128 << 10;

    /// <summary>How long a header is.</summary>
    public const int Size = 4 << 10;

    private VhdxHeader(ReadOnlySpan<byte> bytes)
    {
        SequenceNumber = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        FileWriteGuid = new Guid(bytes.Slice(16, 16));
        DataWriteGuid = new Guid(bytes.Slice(32, 16));
        LogGuid = new Guid(bytes.Slice(48, 16));
        LogVersion = BinaryPrimitives.ReadUInt16LittleEndian(bytes[64..]);
        Version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[66..]);
        LogLength = BinaryPrimitives.ReadUInt32LittleEndian(bytes[68..]);
        LogOffset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[72..]);
    }

    public ulong SequenceNumber { get; }

    public Guid FileWriteGuid { get; }

    public Guid DataWriteGuid { get; }

    /// <summary>Which entries of the log are to be replayed; zero when there is nothing to replay.</summary>
    public Guid LogGuid { get; }

    public ushort LogVersion { get; }

    public ushort Version { get; }

    public uint LogLength { get; }

    public ulong LogOffset { get; }

    /// <summary>Reads a header; null if it is none or its checksum is wrong.</summary>
    /// <param name="bytes">Its 4 KiB.</param>
    public static VhdxHeader? Parse(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith("head"u8) && VhdxChecksum.IsRight(bytes) ? new VhdxHeader(bytes) : null;
}
