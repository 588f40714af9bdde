using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Disks;

namespace AzureIaaS.Guests;

/// <summary>The GPT header and its entry array (UEFI specification 2.10, sections 5.3.2 and 5.3.3).</summary>
internal sealed class GptHeader
{
    private const int HeaderSize = 92;
    private const int MaxEntriesBytes = 1 << 20;

    private static ReadOnlySpan<byte> Signature => "EFI PART"u8;

    private GptHeader(IReadOnlyList<Partition> partitions, long requiredLength)
    {
        Partitions = partitions;
        RequiredLength = requiredLength;
    }

    public IReadOnlyList<Partition> Partitions { get; }

    public long RequiredLength { get; }

    public static bool IsAt(ReadOnlySpan<byte> head, int offset) =>
        head.Length >= offset + HeaderSize && head[offset..].StartsWith(Signature);

    /// <summary>Reads the primary header, or the backup in the last sector where the primary one is damaged; null where there is neither.</summary>
    public static GptHeader? Read(long length, int sectorSize, DiskReader read) =>
        ReadAt(sectorSize, length, sectorSize, read) ?? ReadAt((length / sectorSize * sectorSize) - sectorSize, length, sectorSize, read);

    private static GptHeader? ReadAt(long at, long length, int sectorSize, DiskReader read)
    {
        if (at < sectorSize || at > length - sectorSize)
            return null;
        var sector = new byte[sectorSize];
        read(at, sector);
        if (!IsAt(sector, 0))
            return null;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(12));
        if (size < HeaderSize || size > sectorSize || Checksum(sector.AsSpan(0, (int)size)) != BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(16)))
            return null;

        var own = BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(24));
        var alternate = BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(32));
        var entriesAt = BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(72));
        var count = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(80));
        var entrySize = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(84));
        if (entrySize is < 128 or > 4096 || count == 0 || (long)count * entrySize > MaxEntriesBytes)
            return null;
        var entriesLength = (int)(count * entrySize);
        if (entriesAt > (ulong)(length / sectorSize) || ((long)entriesAt * sectorSize) > length - entriesLength)
            return null;
        var entries = new byte[entriesLength];
        read((long)entriesAt * sectorSize, entries);
        var partitions = Entries(entries, (int)entrySize, sectorSize);
        var last = Math.Max(own, alternate);
        var required = last > long.MaxValue / 8192 ? long.MaxValue : ((long)last + 1) * sectorSize;
        return new GptHeader(partitions, Math.Max(required, partitions.Count == 0 ? 0 : partitions.Max(p => p.End)));
    }

    private static List<Partition> Entries(ReadOnlySpan<byte> table, int entrySize, int sectorSize)
    {
        var found = new List<Partition>();
        for (var i = 0; i * entrySize < table.Length; i++)
        {
            var entry = table.Slice(i * entrySize, entrySize);
            var type = new Guid(entry[..16]);
            var first = BinaryPrimitives.ReadUInt64LittleEndian(entry[32..]);
            var last = BinaryPrimitives.ReadUInt64LittleEndian(entry[40..]);
            if (type == Guid.Empty || last < first || last > long.MaxValue / 8192)
                continue;
            var legacyBootable = (BinaryPrimitives.ReadUInt64LittleEndian(entry[48..]) & 4) != 0;
            var name = Encoding.Unicode.GetString(entry.Slice(56, 72)).TrimEnd('\0');
            found.Add(new Partition(i + 1, (long)first * sectorSize, (long)(last - first + 1) * sectorSize, type.ToString("D"), name, legacyBootable) { Id = new Guid(entry.Slice(16, 16)).ToString("D") });
        }

        return found;
    }

    /// <summary>The header's CRC-32, computed with its own field as zero.</summary>
    private static uint Checksum(ReadOnlySpan<byte> header)
    {
        var copy = header.ToArray();
        copy.AsSpan(16, 4).Clear();
        return Crc32.Ieee(copy);
    }
}
