using System.Buffers.Binary;
using System.Text;

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

    /// <summary>Makes a header without a log to replay, checksum and all.</summary>
    /// <param name="sequenceNumber">Which of the two copies is the newer.</param>
    /// <param name="fileWrite">The file's identity.</param>
    /// <param name="dataWrite">The content's identity, by which a child knows it.</param>
    /// <param name="logOffset">Where the log is.</param>
    /// <param name="logLength">How long it is, in bytes.</param>
    public static byte[] Make(ulong sequenceNumber, Guid fileWrite, Guid dataWrite, ulong logOffset, uint logLength)
    {
        var bytes = new byte[Size];
        "head"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), sequenceNumber);
        fileWrite.TryWriteBytes(bytes.AsSpan(16));
        dataWrite.TryWriteBytes(bytes.AsSpan(32));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(66), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(68), logLength);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(72), logOffset);
        VhdxChecksum.Seal(bytes);
        return bytes;
    }

    /// <summary>Makes the file type identifier (MS-VHDX 2.2.1).</summary>
    /// <param name="creator">Who makes the file.</param>
    public static byte[] MakeIdentifier(string creator)
    {
        var bytes = new byte[520];
        "vhdxfile"u8.CopyTo(bytes);
        Encoding.Unicode.GetBytes(creator).CopyTo(bytes, 8);
        return bytes;
    }
}
