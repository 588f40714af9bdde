namespace AzureIaaS.Disks.Vhdx;

/// <summary>
/// The log of a VHDX that was not closed properly (MS-VHDX 2.3), replayed into memory: the file is not written. It holds writes to tables
/// only, never to the disk's data.
/// </summary>
internal sealed class VhdxLog
{
    private const int Alignment = 1 << 20;

    // Hyper-V makes logs of 1 MiB; all of one is held in memory for the time of its reading.
    private const uint MaxLength = 16 << 20;

    private const int MaxZeroRanges = 4096;

    private readonly Dictionary<long, (int Order, byte[] Page)> _pages = [];
    private readonly List<(int Order, long Start, ulong Length)> _zeros = [];

    private VhdxLog(long lastFileOffset) => LastFileOffset = lastFileOffset;

    /// <summary>How long the file was to be: what it lacks of that is zeros.</summary>
    public long LastFileOffset { get; }

    /// <summary>Finds the writes that have to be replayed.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">The header that counts; its log guid is not zero.</param>
    /// <exception cref="DiskImageException">The log is damaged.</exception>
    public static VhdxLog Read(DiskFile file, VhdxHeader header)
    {
        if (header.LogVersion != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, VhdxHeader.FirstAt, $"a VHDX log of version {header.LogVersion}", DiskErrors.ConvertByHyperV(file.Path));
        if (header.LogLength == 0 || header.LogLength % Alignment != 0 || header.LogOffset < Alignment || header.LogOffset % Alignment != 0)
            throw DiskErrors.Corrupt(file.Path, VhdxHeader.FirstAt, $"its log is said to be at byte {header.LogOffset} with {header.LogLength:N0} bytes, which cannot be");
        if (header.LogLength > MaxLength)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, VhdxHeader.FirstAt,
                $"a VHDX log of {header.LogLength:N0} bytes", DiskErrors.ConvertByHyperV(file.Path));
        }
        if (header.LogOffset > (ulong)file.Length || header.LogLength > (ulong)file.Length - header.LogOffset)
            throw DiskErrors.PointsOutside(file.Path, VhdxHeader.FirstAt, (long)header.LogOffset, header.LogLength, file.Length);

        var sequence = ActiveSequence(file.Read((long)header.LogOffset, (int)header.LogLength), header.LogGuid);
        if (sequence.Count == 0)
        {
            throw DiskErrors.Corrupt(file.Path, (long)header.LogOffset,
                "it was not closed properly, and its log, which has to be replayed first, holds no whole sequence of entries");
        }

        var newest = sequence[^1];
        if (newest.FlushedFileOffset > (ulong)file.Length)
            throw DiskErrors.Truncated(file.Path, file.Length, (long)Math.Min(newest.FlushedFileOffset - (ulong)file.Length, long.MaxValue), file.Length);
        var log = new VhdxLog((long)Math.Min(newest.LastFileOffset, long.MaxValue));
        log.Replay(file, sequence);
        return log;
    }

    /// <summary>Lays the log's writes over bytes of the file.</summary>
    /// <param name="offset">Where they are in the file; a multiple of 4 KiB.</param>
    /// <param name="bytes">The bytes.</param>
    public void Apply(long offset, Span<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at += LogEntry.SectorSize)
        {
            var part = bytes.Slice(at, Math.Min(LogEntry.SectorSize, bytes.Length - at));
            var start = offset + at;
            var zeroed = _zeros.Where(z => start >= z.Start && (ulong)(start - z.Start) < z.Length).Select(z => z.Order).DefaultIfEmpty(-1).Max();
            if (_pages.TryGetValue(start, out var page) && page.Order > zeroed)
                page.Page.AsSpan(0, part.Length).CopyTo(part);
            else if (zeroed >= 0)
                part.Clear();
        }
    }

    /// <summary>The active sequence (MS-VHDX 2.3.2): of all unbroken runs of entries that hold their own tail, the newest; its oldest entry first.</summary>
    private static List<LogEntry> ActiveSequence(byte[] log, Guid guid)
    {
        var entries = new Dictionary<int, LogEntry>();
        for (var at = 0; at < log.Length; at += LogEntry.SectorSize)
        {
            if (LogEntry.Parse(log, at, guid) is { } entry)
                entries[at] = entry;
        }

        List<LogEntry> active = [];
        foreach (var head in entries.Values.Where(e => Next(entries, e, log.Length) is null))
        {
            // The run that ends here, from its newest entry's tail on.
            var run = new List<LogEntry>();
            for (var entry = entries.GetValueOrDefault((int)Math.Min(head.Tail, int.MaxValue)); entry is not null; entry = Next(entries, entry, log.Length))
            {
                run.Add(entry);
                if (entry == head)
                    break;
            }

            if (run.Count > 0 && run[^1] == head && (active.Count == 0 || head.SequenceNumber > active[^1].SequenceNumber))
                active = run;
        }

        return active;
    }

    private static LogEntry? Next(Dictionary<int, LogEntry> entries, LogEntry entry, int logLength) =>
        entries.TryGetValue((int)((entry.Offset + (long)entry.Length) % logLength), out var next) && next.SequenceNumber == entry.SequenceNumber + 1 ? next : null;

    private void Replay(DiskFile file, IEnumerable<LogEntry> sequence)
    {
        var order = 0;
        foreach (var descriptor in sequence.SelectMany(e => e.Descriptors))
        {
            if (descriptor.Data is { } data)
                _pages[descriptor.FileOffset] = (order, data);
            else if (_zeros.Count < MaxZeroRanges)
                _zeros.Add((order, descriptor.FileOffset, descriptor.Length));
            else
                throw DiskErrors.Corrupt(file.Path, VhdxHeader.FirstAt, $"its log holds more than {MaxZeroRanges} ranges of zeros");
            order++;
        }
    }
}
