namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>
/// What a mount would write back before anything is read, laid over the volume instead; nothing is written. Only what reading files needs is replayed: buffers and
/// inodes, and not the marks of what is free. Log items are described by the kernel's xfs_log_format.h.
/// </summary>
internal sealed class XfsLogReplay
{
    private const int BasicBlock = XfsLogRecord.BasicBlock;
    private const int Chunk = 128;
    private const int BufferMapAt = 20;
    private const int InodeBuffer = 1 << 0;
    private const int Cancel = 1 << 1;
    private const int InodeFormatSize = 56;
    private const int PackedInodeFormatSize = 52;
    private const int DataInline = 0x002;
    private const int DataExtents = 0x004;
    private const int DataTree = 0x008;
    private const int NextUnlinkedAt = 96;
    private const int TreeRecordSize = 16;

    // The fields of an inode's core that are read, each with its size: the log has them in the other byte order.
    private static readonly (int At, int Size)[] InodeFields =
    [
        (0, 2), (2, 2), (6, 2), (8, 4), (12, 4), (16, 4), (20, 2), (22, 2), (24, 8), (56, 8), (64, 8), (72, 4), (76, 4), (80, 2), (84, 4), (88, 2), (90, 2), (92, 4),
        (104, 8), (112, 8), (120, 8), (128, 4), (152, 8),
    ];

    private readonly XfsGeometry _geometry;
    private readonly VolumeOverlay _overlay;
    private readonly Dictionary<(ulong Block, int Length), int> _cancelled = [];
    private readonly HashSet<(XfsLogItemType Intent, ulong Id)> _unfinished = [];

    /// <summary>Goes through the log's transactions, as far as they were committed.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="geometry">Its superblock.</param>
    /// <param name="log">Its log.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public XfsLogReplay(Volume volume, XfsGeometry geometry, XfsLog log)
    {
        (_geometry, _overlay) = (geometry, new VolumeOverlay(volume));
        Pass(log, Look);
        Pass(log, Apply);
    }

    /// <summary>Whether files' extents were being changed in several steps, of which the rest is not taken.</summary>
    public bool IsUnfinished => _unfinished.Count > 0;

    /// <summary>The volume as it is once the log is replayed.</summary>
    public Volume Over() => _overlay.Over();

    private static void Pass(XfsLog log, Action<IReadOnlyList<XfsLogItem>> committed)
    {
        var transactions = new XfsLogTransactions(committed);
        foreach (var record in log.Records())
            transactions.Add(record);
    }

    private static FileSystemException Damaged() => new("an item in its log is damaged");

    /// <summary>First pass: buffers that were freed later, whose older content must not be laid over what came to lie there.</summary>
    private void Look(IReadOnlyList<XfsLogItem> items)
    {
        foreach (var item in items)
        {
            switch (item.Type)
            {
                case XfsLogItemType.Buffer when IsCancel(item):
                    _cancelled[PlaceOf(item)] = _cancelled.GetValueOrDefault(PlaceOf(item)) + 1;
                    break;
                case XfsLogItemType.MappingIntent or XfsLogItemType.ExchangeIntent:
                    _unfinished.Add((item.Type, item.IntentId));
                    break;
                case XfsLogItemType.MappingDone or XfsLogItemType.ExchangeDone:
                    _unfinished.Remove((item.Type - 1, item.IntentId));
                    break;
            }
        }
    }

    /// <summary>Second pass: within a transaction buffers come before inodes, and what is cancelled last.</summary>
    private void Apply(IReadOnlyList<XfsLogItem> items)
    {
        foreach (var item in items.Where(i => i.Type == XfsLogItemType.Buffer && !IsCancel(i)))
            ApplyBuffer(item);
        foreach (var item in items.Where(i => i.Type == XfsLogItemType.Inode))
            ApplyInode(item);
        foreach (var place in items.Where(i => i.Type == XfsLogItemType.Buffer && IsCancel(i)).Select(PlaceOf))
        {
            if (--_cancelled[place] == 0)
                _cancelled.Remove(place);
        }
    }

    private static bool IsCancel(XfsLogItem item) => (Le.U16(item.Regions[0], 4) & Cancel) != 0;

    private static (ulong Block, int Length) PlaceOf(XfsLogItem buffer) => (Le.U64(buffer.Regions[0], 8), Le.U16(buffer.Regions[0], 6));

    /// <summary>Lays the changed parts of a buffer over it: a bitmap says which of its pieces of 128 bytes, and each run of them is a region.</summary>
    private void ApplyBuffer(XfsLogItem item)
    {
        var format = item.Regions[0];
        var (block, length) = PlaceOf(item);

        // Of a buffer of inodes only the list of the unlinked is logged so.
        if ((Le.U16(format, 4) & InodeBuffer) != 0 || _cancelled.ContainsKey((block, length)))
            return;
        var (region, bits) = (1, Math.Min(Le.U32(format, 16) * 32L, length * (long)(BasicBlock / Chunk)));
        for (var bit = 0; bit < bits;)
        {
            if (!IsSet(format, bit))
            {
                bit++;
                continue;
            }

            var run = 1;
            while (bit + run < bits && IsSet(format, bit + run))
                run++;
            var bytes = region < item.Regions.Count ? item.Regions[region++] : throw Damaged();
            run = Math.Min(run, bytes.Length / Chunk);
            if (run == 0 || block > long.MaxValue / BasicBlock / 2)
                throw Damaged();
            _overlay.Write(((long)block * BasicBlock) + (bit * Chunk), bytes.AsSpan(0, run * Chunk));
            bit += run;
        }
    }

    private static bool IsSet(byte[] format, int bit) => (Le.U32(format, BufferMapAt + (bit / 32 * sizeof(uint))) >> (bit % 32) & 1) != 0;

    private void ApplyInode(XfsLogItem item)
    {
        var format = item.Regions[0];
        var shift = format.Length switch { InodeFormatSize => 0, PackedInodeFormatSize => -4, _ => throw Damaged() };
        var (fields, number) = (Le.U32(format, 4), Le.U64(format, 16 + shift));
        if (_cancelled.ContainsKey((Le.U64(format, 40 + shift), (int)Le.U32(format, 48 + shift))))
            return;
        if (item.Regions.Count < 2)
            throw Damaged();
        var place = _geometry.PlaceOfInode(number);
        var inode = new byte[_geometry.InodeSize];
        _overlay.Read(place, inode);
        WriteCore(item.Regions[1], inode);
        if (item.Regions.Count > 2)
            WriteFork((int)fields, item.Regions[2], inode);
        _overlay.Write(place, inode);
    }

    /// <summary>Writes the inode's own fields (xfs_log_dinode); times are not read, and stay as the log has them.</summary>
    private static void WriteCore(byte[] core, Span<byte> inode)
    {
        if (core.Length > inode.Length || core.Length < NextUnlinkedAt)
            throw Damaged();
        core.AsSpan(0, NextUnlinkedAt).CopyTo(inode);
        if (core.Length > NextUnlinkedAt + 4)
            core.AsSpan(NextUnlinkedAt + 4).CopyTo(inode[(NextUnlinkedAt + 4)..]);
        foreach (var (at, size) in InodeFields)
        {
            if (at + size <= core.Length)
                inode.Slice(at, size).Reverse();
        }
    }

    /// <summary>Writes its data fork; the log has it as the disk does, but for a tree's root.</summary>
    private void WriteFork(int fields, byte[] bytes, Span<byte> inode)
    {
        var start = inode[4] >= 3 ? 176 : 100;
        var length = inode[82] == 0 ? inode.Length - start : inode[82] * 8;
        if (length > inode.Length - start)
            throw Damaged();
        var fork = inode.Slice(start, length);
        switch (fields & (DataInline | DataExtents | DataTree))
        {
            case 0:
                break;
            case DataInline or DataExtents when bytes.Length <= fork.Length:
                bytes.CopyTo(fork);
                break;
            case DataTree:
                WriteRoot(bytes, fork);
                break;
            default:
                throw Damaged();
        }
    }

    /// <summary>Writes the root of a tree of extents, which the log has as the kernel does in memory: a whole block's header, and room for other counts of records.</summary>
    private void WriteRoot(byte[] root, Span<byte> fork)
    {
        var header = _geometry.IsVersion5 ? 72 : 24;
        var (records, room, most) = (Be.U16(root, 6), (root.Length - header) / TreeRecordSize, (fork.Length - 4) / TreeRecordSize);
        if (records > room || records > most)
            throw Damaged();
        Fields.Slice(root, 4, 4).CopyTo(fork);
        Fields.Slice(root, header, records * 8).CopyTo(fork[4..]);
        Fields.Slice(root, header + (room * 8), records * 8).CopyTo(fork[(4 + (most * 8))..]);
    }
}
