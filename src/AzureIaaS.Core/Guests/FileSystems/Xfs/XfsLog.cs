namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>The log (XFS Algorithms and Data Structures, "Journaling Log"): where it ends, and the records that a mount would replay.</summary>
internal sealed class XfsLog
{
    private const int MaxCut = 8;   // as many buffers as may be on their way at once (XLOG_MAX_ICLOGS)
    private const long MaxReplayed = (1L << 30) / XfsLogRecord.BasicBlock;

    private readonly XfsLogBlocks _blocks;
    private readonly string _id;
    private readonly XfsLogRecord? _last;
    private long _head;

    /// <summary>Finds the end of the log.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="geometry">Its superblock.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public XfsLog(Volume volume, XfsGeometry geometry)
    {
        _id = geometry.Id;
        _blocks = new XfsLogBlocks(volume, geometry.PlaceOf(geometry.LogStart), geometry.LogLength);
        if (!_blocks.IsWritten)
            return;
        _head = _blocks.Head();
        for (var cut = 0; ; cut++)
        {
            _last = Last();
            if (IsClean || FirstCutOff() is not { } at)
                return;
            if (cut == MaxCut)
                throw new FileSystemException("its log is damaged");
            _head = at;
        }
    }

    /// <summary>Whether the last that was written into it is the record that an unmount leaves, or nothing ever was.</summary>
    public bool IsClean => _last is null || _last.IsUnmount;

    /// <summary>The records that a mount would replay, the oldest first.</summary>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public IEnumerable<XfsLogRecord> Records()
    {
        if (IsClean)
            yield break;
        var left = _blocks.Distance(_last!.Tail, _head);
        if (_last.Tail >= _blocks.Count || left > MaxReplayed)
            throw new FileSystemException("its log is damaged, or has more in it than is read");
        for (var at = _last.Tail; left > 0;)
        {
            var record = new XfsLogRecord(_blocks, at);
            if (record.Blocks > left || !record.IsLittleEndian || record.FileSystemId != _id)
                throw new FileSystemException("its log is damaged, or another computer's");
            yield return record;
            at = (at + record.Blocks) % _blocks.Count;
            left -= record.Blocks;
        }
    }

    /// <summary>The last record of all.</summary>
    private XfsLogRecord Last()
    {
        for (var back = 1; back <= _blocks.Window; back++)
        {
            if (_blocks.IsRecord(_blocks.Before(_head, back)))
                return new XfsLogRecord(_blocks, _blocks.Before(_head, back));
        }

        throw new FileSystemException("its log is damaged");
    }

    /// <summary>The first record that was cut off while it was written, and with it those that were on their way with it; null where all are whole.</summary>
    private long? FirstCutOff()
    {
        if (_last!.Blocks > _blocks.Distance(_last.At, _head))
            return _last.At;
        var (cutOff, after) = ((long?)null, 0);
        foreach (var record in Records())
        {
            if (cutOff is not null && ++after == MaxCut)
                throw new FileSystemException("its log is damaged");
            if (cutOff is null && !record.IsWhole())
                cutOff = record.At;
        }

        return cutOff;
    }
}
