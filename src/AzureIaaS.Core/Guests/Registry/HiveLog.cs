using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>A part of a hive's bins as a transaction log has it.</summary>
/// <param name="Start">Where it belongs, in bytes from the start of the bins.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="At">Where it lies in the log, in bytes.</param>
internal readonly record struct HivePage(long Start, long Length, long At);

/// <summary>One write to a hive, as a log has it.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="BinsLength">How long the bins are after it, in bytes.</param>
/// <param name="Pages">What it wrote.</param>
internal sealed record HiveWrite(uint Sequence, uint BinsLength, IReadOnlyList<HivePage> Pages);

/// <summary>A transaction log of a hive (LOG, LOG1 or LOG2), of the old format (DIRT) or the new one (HvLE).</summary>
internal sealed class HiveLog
{
    private const int SectorSize = 512;
    private const int EntryHeader = 40;
    private const int Bits = 8;

    private readonly GuestFile _file;
    private readonly HiveBaseBlock _head;

    private HiveLog(GuestFile file, HiveBaseBlock head) => (_file, _head) = (file, head);

    /// <summary>Its copy of the hive's base block.</summary>
    public HiveBaseBlock Head => _head;

    /// <summary>The file.</summary>
    public GuestFile File => _file;

    /// <summary>Whether it is of the new format.</summary>
    public bool IsNew => _head.Type == HiveFileType.Log;

    /// <summary>Opens a log; null where there is nothing in it that counts.</summary>
    /// <param name="file">Its file.</param>
    public static HiveLog? Open(GuestFile file)
    {
        if (file.Length < HiveBaseBlock.Size * 2 || file.Length > GuestFileSystem.MaxFile)
            return null;
        var head = new HiveBaseBlock(file);
        return head is { IsWhole: true, IsDirty: false, Type: HiveFileType.Log or HiveFileType.OldLog or HiveFileType.VeryOldLog } ? new HiveLog(file, head) : null;
    }

    /// <summary>What it has, in order, up to what was not written whole.</summary>
    public IEnumerable<HiveWrite> Writes() => IsNew ? Entries() : OldWrite() is { } write ? [write] : [];

    private IEnumerable<HiveWrite> Entries()
    {
        var next = _head.Sequence;
        for (long at = HiveBaseBlock.Size; Entry(at, next) is var (write, length); at += length)
        {
            yield return write;
            next++;
        }
    }

    private (HiveWrite Write, long Length)? Entry(long at, uint sequence)
    {
        var head = new byte[EntryHeader];
        if (at > _file.Length - head.Length)
            return null;
        _file.Read(at, head);
        long length = Le.U32(head, 4);
        if (!head.AsSpan().StartsWith("HvLE"u8) || length < SectorSize || length % SectorSize != 0 || length > _file.Length - at || Le.U32(head, 12) != sequence || Marvin32.Of(head.AsSpan(0, 32)) != Le.U64(head, 32))
            return null;
        var rest = new byte[length - EntryHeader];
        _file.Read(at + EntryHeader, rest);
        if (Marvin32.Of(rest) != Le.U64(head, 24))
            return null;
        var count = Le.U32(head, 20);
        if (count > rest.Length / 8)
            return null;
        var pages = new List<HivePage>();
        var place = EntryHeader + (count * 8L);
        for (var i = 0; i < count; i++)
        {
            var (start, size) = (Le.U32(rest, i * 8), Le.U32(rest, (i * 8) + 4));
            if (start % SectorSize != 0 || size == 0 || size % SectorSize != 0 || place > length - size)
                return null;
            pages.Add(new HivePage(start, size, at + place));
            place += size;
        }

        return (new HiveWrite(sequence, Le.U32(head, 16), pages), length);
    }

    /// <summary>The old format: a bit for each sector of the bins, then the sectors whose bits are set.</summary>
    private HiveWrite? OldWrite()
    {
        var signature = "DIRT"u8;
        var vectorLength = _head.BinsLength / SectorSize / Bits;
        if (vectorLength > _file.Length - HiveBaseBlock.Size - signature.Length)
            return null;
        var vector = new byte[signature.Length + vectorLength];
        _file.Read(HiveBaseBlock.Size, vector);
        if (!vector.AsSpan().StartsWith(signature))
            return null;
        long at = (HiveBaseBlock.Size + vector.Length + SectorSize - 1) / SectorSize * SectorSize;
        var pages = new List<HivePage>();
        for (var sector = 0; sector < vectorLength * Bits; sector++)
        {
            if ((vector[signature.Length + (sector / Bits)] >> (sector % Bits) & 1) == 0)
                continue;
            if (at > _file.Length - SectorSize)
                return null;
            pages.Add(new HivePage((long)sector * SectorSize, SectorSize, at));
            at += SectorSize;
        }

        return new HiveWrite(_head.Sequence, _head.BinsLength, pages);
    }
}
