namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>The blocks of 512 bytes that the log consists of; it goes round, and so do their numbers.</summary>
internal sealed class XfsLogBlocks
{
    // Eight buffers may be on their way at once, and arrive in any order: what lies so many blocks before the end may be missing.
    private const long MaxBack = 8 * XfsLogRecord.MaxLength / XfsLogRecord.BasicBlock;

    private readonly Volume _log;

    /// <summary>Opens the log.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="place">Where the log starts, in bytes.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public XfsLogBlocks(Volume volume, long place, long length)
    {
        Count = length / XfsLogRecord.BasicBlock;
        if (Count == 0 || place > volume.Length - length)
            throw new FileSystemException("its log is damaged");
        _log = new Volume(length, (offset, buffer) => volume.Read(place + offset, buffer));
    }

    /// <summary>How many there are.</summary>
    public long Count { get; }

    /// <summary>How many lie between the end and where a record that is not whole may begin.</summary>
    public long Window => Math.Min(MaxBack, Count);

    /// <summary>Whether it was ever written to; it is zeros before.</summary>
    public bool IsWritten => CycleOf(0) != 0;

    /// <summary>Reads blocks.</summary>
    /// <param name="at">The first.</param>
    /// <param name="count">How many; a record has no more than 529.</param>
    public byte[] Read(long at, int count)
    {
        at %= Count;
        var before = (int)Math.Min(count, Count - at);
        var bytes = new byte[count * XfsLogRecord.BasicBlock];
        _log.Read(at * XfsLogRecord.BasicBlock, bytes.AsSpan(0, before * XfsLogRecord.BasicBlock));
        if (before < count)
            _log.Read(0, bytes.AsSpan(before * XfsLogRecord.BasicBlock));
        return bytes;
    }

    /// <summary>The block so many before another.</summary>
    public long Before(long at, long count) => (at - count + Count) % Count;

    /// <summary>How many blocks there are from one to another.</summary>
    public long Distance(long from, long to) => (to - from + Count) % Count;

    /// <summary>Whether a record begins in a block.</summary>
    public bool IsRecord(long at) => FieldOf(at, 0) == XfsLogRecord.Magic;

    /// <summary>
    /// The block that would be written next. What was written in the last round has a number higher by one than what is left of the round before; where blocks
    /// were on their way when it ended, the first that did not arrive.
    /// </summary>
    public long Head()
    {
        var first = CycleOf(0);
        var head = CycleOf(Count - 1) == first ? 0 : FirstOther(first);
        for (var back = Window - 1; back > 0; back--)
        {
            var isBefore = head == 0 || back > head;
            var expected = isBefore && head != 0 ? first - 1 : first;
            if (CycleOf(Before(head, back)) != expected)
                return Before(head, back);
        }

        return head;
    }

    private long FirstOther(uint first)
    {
        var (low, high) = (0L, Count - 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (CycleOf(middle) == first)
                low = middle;
            else
                high = middle;
        }

        return high;
    }

    /// <summary>The round in which a block was written: its first field, or the second where it begins a record.</summary>
    private uint CycleOf(long block) => FieldOf(block, 0) is not XfsLogRecord.Magic and var cycle ? cycle : FieldOf(block, sizeof(uint));

    private uint FieldOf(long block, int at)
    {
        Span<byte> field = stackalloc byte[sizeof(uint)];
        _log.Read((block * XfsLogRecord.BasicBlock) + at, field);
        return Be.U32(field, 0);
    }
}
