namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>
/// The log (XFS Algorithms and Data Structures, "Journaling Log"), looked at to say whether it holds changes that are not where they belong. It is not replayed.
/// </summary>
internal static class XfsLog
{
    private const int BasicBlock = 512;
    private const uint RecordMagic = 0xFEEDBABE;
    private const int HeaderCovers = 32 << 10;
    private const int Version2 = 2;
    private const byte UnmountFlag = 0x20;

    // Eight buffers of 256 KiB may be on their way at once: a record begins within so many blocks before the end.
    private const long MaxBack = 8 * (256 << 10) / BasicBlock;

    /// <summary>Whether the last that was written into it is the record that an unmount leaves.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="place">Where the log starts, in bytes.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public static bool IsClean(Volume volume, long place, long length)
    {
        var log = new Volume(length, (offset, buffer) => volume.Read(place + offset, buffer));
        var blocks = length / BasicBlock;
        if (blocks == 0)
            throw new FileSystemException("its log is damaged");
        var head = Head(log, blocks);
        for (var back = 1; back <= Math.Min(MaxBack, blocks); back++)
        {
            var at = (head - back + blocks) % blocks;
            var header = log.Bytes(at * BasicBlock, BasicBlock);
            if (Be.U32(header, 0) != RecordMagic)
                continue;
            var headers = (Be.U32(header, 8) & Version2) != 0 ? Math.Max(1, (Be.U32(header, 320) + HeaderCovers - 1L) / HeaderCovers) : 1;
            var after = at + headers + ((Be.U32(header, 12) + BasicBlock - 1L) / BasicBlock);

            // An operation's header: its transaction (4), length (4), client (1), flags (1).
            return after % blocks == head % blocks && Be.U32(header, 40) == 1 && (log.Bytes((at + headers) % blocks * BasicBlock, BasicBlock)[9] & UnmountFlag) != 0;
        }

        // A log that was never written to is zeros.
        return CycleAt(log, 0) == 0;
    }

    /// <summary>The block that would be written next: the log goes round, and what was written in the last round has a number higher by one.</summary>
    private static long Head(Volume log, long blocks)
    {
        var first = CycleAt(log, 0);
        if (CycleAt(log, blocks - 1) == first)
            return 0;
        var (low, high) = (0L, blocks - 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (CycleAt(log, middle) == first)
                low = middle;
            else
                high = middle;
        }

        return high;
    }

    /// <summary>The round in which a block was written: its first field, or the second where it begins a record.</summary>
    private static uint CycleAt(Volume log, long block)
    {
        var bytes = log.Bytes(block * BasicBlock, 8);
        return Be.U32(bytes, 0) is not RecordMagic and var cycle ? cycle : Be.U32(bytes, 4);
    }
}
