using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>
/// A hive's file as Windows would make it of the hive and its transaction logs when it loads them (M. Suhanov, "Windows registry file format specification",
/// "Dirty hive recovery"). Neither is changed.
/// </summary>
internal sealed class RecoveredHive : GuestFile
{
    private const int BinsAt = 4096;
    private const int SectorSize = 512;

    private readonly GuestFile _hive;
    private readonly Dictionary<long, (GuestFile Log, long At)> _sectors;

    private RecoveredHive(GuestFile hive, HiveBaseBlock head, Dictionary<long, (GuestFile Log, long At)> sectors, long length)
        : base(length)
    {
        (_hive, Head, _sectors) = (hive, head, sectors);
    }

    /// <summary>The base block that holds now.</summary>
    public HiveBaseBlock Head { get; }

    /// <summary>Applies what the logs have that the hive has not; null where that is nothing.</summary>
    /// <param name="hive">The hive.</param>
    /// <param name="head">Its base block.</param>
    /// <param name="files">Its logs.</param>
    public static RecoveredHive? Of(GuestFile hive, HiveBaseBlock head, IEnumerable<GuestFile> files)
    {
        var logs = files.Select(HiveLog.Open).OfType<HiveLog>().ToList();
        var sectors = new Dictionary<long, (GuestFile Log, long At)>();
        HiveLog? last = null;
        HiveWrite? latest = null;
        foreach (var log in InOrder(head, logs))
        {
            // The second log goes on where the first one ends, or is an older one.
            if (latest is not null && log.Head.Sequence != latest.Sequence + 1)
                break;
            foreach (var write in log.Writes())
            {
                (last, latest) = (log, write);
                foreach (var page in write.Pages)
                {
                    for (long done = 0; done < page.Length; done += SectorSize)
                        sectors[(page.Start + done) / SectorSize] = (log.File, page.At + done);
                }
            }

            if (latest is null)
                break;
        }

        return latest is null ? null : new RecoveredHive(hive, last!.Head, sectors, BinsAt + (long)latest.BinsLength);
    }

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        var sector = new byte[SectorSize];
        while (!buffer.IsEmpty)
        {
            var within = (int)(offset % SectorSize);
            var part = buffer[..Math.Min(buffer.Length, SectorSize - within)];
            if (offset >= BinsAt && _sectors.TryGetValue((offset - BinsAt) / SectorSize, out var place))
            {
                place.Log.Read(place.At, sector);
                sector.AsSpan(within, part.Length).CopyTo(part);
            }
            else
            {
                // The bins may have grown, and the hive's file not yet.
                var there = (int)Math.Clamp(_hive.Length - offset, 0, part.Length);
                _hive.Read(offset, part[..there]);
                part[there..].Clear();
            }

            buffer = buffer[part.Length..];
            offset += part.Length;
        }
    }

    /// <summary>The logs that may apply, the older one first. Where the hive's own base block is damaged, Windows takes the newest alone.</summary>
    private static List<HiveLog> InOrder(HiveBaseBlock head, List<HiveLog> logs)
    {
        var newer = logs.Where(l => l.IsNew && (!head.IsWhole || (int)(l.Head.Sequence - head.SecondSequence) >= 0)).ToList();
        newer.Sort((a, b) => ((int)(a.Head.Sequence - b.Head.Sequence)).CompareTo(0));
        if (newer.Count > 0)
            return head.IsWhole ? newer : newer[^1..];
        return logs.Where(l => !l.IsNew && (!head.IsWhole || l.Head.LastWritten >= head.LastWritten)).OrderByDescending(l => l.Head.LastWritten).Take(1).ToList();
    }
}
