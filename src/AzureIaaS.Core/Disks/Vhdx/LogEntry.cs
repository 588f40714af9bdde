using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>An entry of the log (MS-VHDX 2.3.1): a header, descriptors of 32 bytes that fill whole sectors, and a data sector for each data descriptor.</summary>
internal sealed class LogEntry
{
    /// <summary>Everything in the log comes in sectors of this size.</summary>
    public const int SectorSize = 4 << 10;

    private const int HeaderSize = 64;
    private const int DescriptorSize = 32;

    private LogEntry(ReadOnlySpan<byte> header, int offset, LogDescriptor[] descriptors)
    {
        Offset = offset;
        Length = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        Tail = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        SequenceNumber = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        FlushedFileOffset = BinaryPrimitives.ReadUInt64LittleEndian(header[48..]);
        LastFileOffset = BinaryPrimitives.ReadUInt64LittleEndian(header[56..]);
        Descriptors = descriptors;
    }

    /// <summary>Where in the log the entry starts.</summary>
    public int Offset { get; }

    /// <summary>How long it is, in bytes.</summary>
    public int Length { get; }

    /// <summary>Where in the log the oldest entry starts that still had to be kept when this one was written.</summary>
    public uint Tail { get; }

    public ulong SequenceNumber { get; }

    /// <summary>How long the file was on the disk when the entry was written.</summary>
    public ulong FlushedFileOffset { get; }

    /// <summary>How long the file was to be.</summary>
    public ulong LastFileOffset { get; }

    public IReadOnlyList<LogDescriptor> Descriptors { get; }

    /// <summary>Reads the entry that starts at a sector of the log; null if there is no whole and right one.</summary>
    /// <param name="log">The whole log, which is circular.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="logGuid">Which entries count.</param>
    public static LogEntry? Parse(ReadOnlySpan<byte> log, int offset, Guid logGuid)
    {
        var header = log[offset..];
        if (!header.StartsWith("loge"u8) || new Guid(header.Slice(32, 16)) != logGuid)
            return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
        if (length < SectorSize || length > log.Length || length % SectorSize != 0 || count > (length - HeaderSize) / DescriptorSize)
            return null;

        // Looked at before the checksum: a sector that starts another entry ends this one, so no sector is summed up twice.
        var descriptorSectors = (int)((HeaderSize + (count * DescriptorSize) + SectorSize - 1) / SectorSize);
        for (var at = SectorSize; at < length; at += SectorSize)
        {
            var sector = log.Slice((int)((offset + (long)at) % log.Length), SectorSize);
            var isRight = at < descriptorSectors * SectorSize ? sector.StartsWith("desc"u8) || sector.StartsWith("zero"u8) : sector.StartsWith("data"u8);
            if (!isRight)
                return null;
        }

        var entry = new byte[length];
        var first = Math.Min(entry.Length, log.Length - offset);
        log.Slice(offset, first).CopyTo(entry);
        log[..(entry.Length - first)].CopyTo(entry.AsSpan(first));
        return VhdxChecksum.IsRight(entry) && ReadDescriptors(entry, (int)count, descriptorSectors * SectorSize) is { } descriptors
            ? new LogEntry(entry, offset, descriptors)
            : null;
    }

    private static LogDescriptor[]? ReadDescriptors(ReadOnlySpan<byte> entry, int count, int dataAt)
    {
        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
        var descriptors = new LogDescriptor[count];
        for (var i = 0; i < count; i++)
        {
            var bytes = entry.Slice(HeaderSize + (i * DescriptorSize), DescriptorSize);
            var fileOffset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
            if (fileOffset % SectorSize != 0 || fileOffset > long.MaxValue || BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]) != sequence)
                return null;
            if (bytes.StartsWith("zero"u8))
            {
                descriptors[i] = new LogDescriptor((long)fileOffset, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]), null);
                continue;
            }

            if (!bytes.StartsWith("desc"u8) || dataAt > entry.Length - SectorSize)
                return null;
            var data = entry.Slice(dataAt, SectorSize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(data[4..]) != (uint)(sequence >> 32) || BinaryPrimitives.ReadUInt32LittleEndian(data[^4..]) != (uint)sequence)
                return null;

            // The sector's own signature and sequence number lie where eight leading and four trailing bytes of the data belong.
            var page = data.ToArray();
            bytes.Slice(8, 8).CopyTo(page);
            bytes.Slice(4, 4).CopyTo(page.AsSpan(SectorSize - 4));
            descriptors[i] = new LogDescriptor((long)fileOffset, SectorSize, page);
            dataAt += SectorSize;
        }

        return descriptors;
    }
}

/// <summary>A write that the log holds (MS-VHDX 2.3.1.2, 2.3.1.3).</summary>
/// <param name="FileOffset">Where in the file.</param>
/// <param name="Length">How many bytes.</param>
/// <param name="Data">The bytes; null for zeros.</param>
internal sealed record LogDescriptor(long FileOffset, ulong Length, byte[]? Data);
