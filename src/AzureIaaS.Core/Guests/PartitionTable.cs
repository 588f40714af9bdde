using System.Buffers.Binary;

namespace AzureIaaS.Guests;

/// <summary>Reads from a disk; fills the buffer from an offset in bytes, or throws.</summary>
/// <param name="offset">Where to start, in bytes.</param>
/// <param name="buffer">What to fill, wholly.</param>
public delegate void DiskReader(long offset, Span<byte> buffer);

/// <summary>The partitions of a disk, and what they tell about the firmware it boots from. Reading it never trusts it: everything is bounded.</summary>
public sealed class PartitionTable
{
    private const int SignatureOffset = 510;
    private const int SignatureAt = 440;
    private const int FirstEntry = 446;
    private const byte Protective = 0xEE;
    private const int MaxLogical = 124;

    private PartitionTable(PartitionScheme scheme, int sectorSize, IReadOnlyList<Partition> partitions, long requiredLength, bool hasBootCode)
    {
        Scheme = scheme;
        SectorSize = sectorSize;
        Partitions = partitions;
        RequiredLength = requiredLength;
        HasBootCode = hasBootCode;
    }

    /// <summary>How the disk is divided.</summary>
    public PartitionScheme Scheme { get; }

    /// <summary>The sector size that the table is written in, in bytes: 512 or 4096.</summary>
    public int SectorSize { get; }

    /// <summary>The partitions, in the table's order.</summary>
    public IReadOnlyList<Partition> Partitions { get; }

    /// <summary>How long the disk must be, in bytes, for all that the table names to lie on it.</summary>
    public long RequiredLength { get; }

    /// <summary>Whether the first sector carries code that a BIOS would run.</summary>
    public bool HasBootCode { get; }

    /// <summary>Whether there is a partition that UEFI firmware would look for a boot loader in.</summary>
    public bool HasEfiSystemPartition => Partitions.Any(p => p.Type is Partition.EfiSystem or Partition.MbrEfiSystem);

    /// <summary>Whether there is a place for a BIOS boot loader beside the GPT.</summary>
    public bool HasBiosBootPartition => Partitions.Any(p => p.Type == Partition.BiosBoot);

    /// <summary>Whether the first bytes of a disk hold something that can be a partition table.</summary>
    /// <param name="head">The first bytes, 4.5 KiB or more of them where the disk has as many.</param>
    public static bool LooksLikeOne(ReadOnlySpan<byte> head) =>
        GptHeader.IsAt(head, 512) || GptHeader.IsAt(head, 4096) || (HasSignature(head) && MbrEntries(head, 512).Count > 0);

    /// <summary>Reads the partition table of a disk.</summary>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="sectorSizes">The sector sizes to try, in bytes; the disk's own alone, where it is known.</param>
    /// <param name="read">Reads from the disk.</param>
    /// <returns>The table; <see cref="PartitionScheme.None"/> where there is none.</returns>
    public static PartitionTable Read(long length, ReadOnlySpan<int> sectorSizes, DiskReader read)
    {
        var first = new byte[512];
        if (length < first.Length)
            return new PartitionTable(PartitionScheme.None, sectorSizes[0], [], 0, false);
        read(0, first);
        var bootCode = HasSignature(first) && first.AsSpan(0, 440).ContainsAnyExcept((byte)0);
        foreach (var size in sectorSizes)
        {
            if (GptHeader.Read(length, size, read) is { } gpt)
                return new PartitionTable(PartitionScheme.Gpt, size, gpt.Partitions, gpt.RequiredLength, bootCode);
        }

        if (!HasSignature(first))
            return new PartitionTable(PartitionScheme.None, sectorSizes[0], [], 0, false);
        var partitions = ReadMbr(first, length, sectorSizes[0], read);
        var scheme = partitions.Count > 0 ? PartitionScheme.Mbr : PartitionScheme.None;
        return new PartitionTable(scheme, sectorSizes[0], partitions, partitions.Count == 0 ? 0 : partitions.Max(p => p.End), bootCode);
    }

    private static bool HasSignature(ReadOnlySpan<byte> sector) =>
        sector.Length >= 512 && sector[SignatureOffset] == 0x55 && sector[SignatureOffset + 1] == 0xAA;

    private static List<Partition> ReadMbr(ReadOnlySpan<byte> first, long length, int sectorSize, DiskReader read)
    {
        var primary = MbrEntries(first, sectorSize);
        var all = new List<Partition>(primary);
        foreach (var extended in primary.Where(p => p.Type is "05" or "0f" or "85"))
            ReadLogical(extended, length, sectorSize, read, all);
        var signature = BinaryPrimitives.ReadUInt32LittleEndian(first[SignatureAt..]);
        return all.ConvertAll(p => p with { Id = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{signature:x8}-{p.Number:x2}") });
    }

    /// <summary>Follows the chain of extended boot records; a loop ends it, since each link must lie further on.</summary>
    private static void ReadLogical(Partition extended, long length, int sectorSize, DiskReader read, List<Partition> all)
    {
        var sector = new byte[512];
        var at = extended.Start;
        for (var number = 5; number < 5 + MaxLogical && at <= length - sector.Length; number++)
        {
            read(at, sector);
            if (!HasSignature(sector))
                return;
            var entries = MbrEntries(sector, sectorSize);
            if (entries.FirstOrDefault(e => e.Number == 1) is { } logical)
                all.Add(logical with { Number = number, Start = at + logical.Start });
            var next = entries.FirstOrDefault(e => e.Number == 2);
            if (next is null || extended.Start + next.Start <= at)
                return;
            at = extended.Start + next.Start;
        }
    }

    private static List<Partition> MbrEntries(ReadOnlySpan<byte> sector, int sectorSize)
    {
        var found = new List<Partition>(4);
        for (var i = 0; i < 4; i++)
        {
            var entry = sector.Slice(FirstEntry + (16 * i), 16);
            // A status other than these two means that this is no table: a boot sector of a file system has code here.
            if (entry[0] is not (0x00 or 0x80))
                return [];
            var start = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            var count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (entry[4] is 0 or Protective || start == 0 || count == 0)
                continue;
            found.Add(new Partition(i + 1, (long)start * sectorSize, (long)count * sectorSize,
                entry[4].ToString("x2", System.Globalization.CultureInfo.InvariantCulture), null, entry[0] == 0x80));
        }

        return found;
    }
}
