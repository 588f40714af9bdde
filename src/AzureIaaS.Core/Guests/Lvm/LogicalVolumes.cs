using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Lvm;

/// <summary>Finds the logical volumes of LVM2 that lie in whole pieces on the machine's disks.</summary>
internal static class LogicalVolumes
{
    private const int SectorSize = 512;
    private const int MaxSegments = 1 << 16;

    // More than extents are long in bytes, and than groups have.
    private const long MaxExtent = 1L << 40;

    /// <summary>Adds the logical volumes to the volumes; those that are not linear are named among what was not read.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="volumes">The volumes.</param>
    public static void Add(GuestInfo guest, List<OpenedVolume> volumes)
    {
        var physical = new List<PhysicalVolume>();
        foreach (var volume in volumes.Where(v => v.About.Content == "LVM"))
            GuestInspector.Try(guest, volume.About, () => physical.Add(PhysicalVolume.Read(volume)));

        // Every physical volume has its copy of the description; the latest counts.
        var groups = physical.Where(p => p.Metadata is not null)
            .SelectMany(p => p.Metadata!.Sections.Where(s => s.Section.Section("physical_volumes") is not null).Select(s => (s.Name, s.Section, p.Opened)))
            .GroupBy(g => g.Section.Text("id")).Select(g => g.MaxBy(c => c.Section.Number("seqno") ?? 0));
        foreach (var (name, section, at) in groups.ToList())
            GuestInspector.Try(guest, at.About, () => AddGroup(guest, volumes, physical, name, section));
    }

    private static void AddGroup(GuestInfo guest, List<OpenedVolume> volumes, List<PhysicalVolume> physical, string group, LvmSection section)
    {
        var extentSize = (section.Number("extent_size") ?? 0) * SectorSize;
        if (extentSize is <= 0 or > MaxExtent)
            throw Damaged();
        var places = section.Section("physical_volumes")!.Sections.ToDictionary(p => p.Name, p => (
            Volume: physical.Find(v => v.Id == p.Section.Text("id")?.Replace("-", "", StringComparison.Ordinal))?.Opened,
            Start: (p.Section.Number("pe_start") ?? 0) * SectorSize));
        foreach (var (name, logical) in section.Section("logical_volumes")?.Sections ?? [])
        {
            if (!logical.List("status").Contains("VISIBLE"))
                continue;
            var segments = logical.Sections.Where(s => s.Name.StartsWith("segment", StringComparison.Ordinal)).Select(s => s.Section).ToList();
            var other = segments.Find(s => s.Text("type") != "striped" || s.Number("stripe_count") != 1);
            if (other is not null || segments.Count is 0 or > MaxSegments)
            {
                guest.Unread.Add($"the logical volume {group}/{name} is not linear ({other?.Text("type") ?? "no segments"}), and is not read");
                continue;
            }

            var pieces = segments.Select(s => PieceOf(s, extentSize, places)).OfType<Piece>().OrderBy(p => p.Start).ToList();
            if (pieces.Count < segments.Count)
            {
                guest.Unread.Add($"the logical volume {group}/{name} lies partly on a disk that is not there");
                continue;
            }

            var at = pieces[0].Volume.About;
            var about = new GuestVolume { Disk = at.Disk, Partition = at.Partition, Length = pieces[^1].Start + pieces[^1].Length, LogicalVolume = $"{group}/{name}" };
            guest.Volumes.Add(about);
            volumes.Add(new OpenedVolume(about, new Volume(about.Length, (offset, buffer) => Read(pieces, offset, buffer))));
        }
    }

    private static FileSystemException Damaged() => new("the metadata of its volume group is damaged");

    /// <summary>Where a linear segment lies; null where its physical volume is not there.</summary>
    private static Piece? PieceOf(LvmSection segment, long extentSize, Dictionary<string, (OpenedVolume? Volume, long Start)> places)
    {
        if (segment.List("stripes") is not [string device, long start] || !places.TryGetValue(device, out var place))
            throw Damaged();
        var (first, count) = (segment.Number("start_extent") ?? -1, segment.Number("extent_count") ?? 0);
        if (first is < 0 or > MaxExtent || count is <= 0 or > MaxExtent || start is < 0 or > MaxExtent || first + count + start > long.MaxValue / 4 / extentSize)
            throw Damaged();
        return place.Volume is { } volume ? new Piece(first * extentSize, count * extentSize, volume, place.Start + (start * extentSize)) : null;
    }

    private static void Read(List<Piece> pieces, long offset, Span<byte> buffer)
    {
        foreach (var piece in pieces.SkipWhile(p => p.Start + p.Length <= offset))
        {
            if (buffer.IsEmpty)
                return;
            if (piece.Start > offset)
                break;
            var part = buffer[..(int)Math.Min(buffer.Length, piece.Start + piece.Length - offset)];
            piece.Volume.Volume.Read(piece.Place + (offset - piece.Start), part);
            offset += part.Length;
            buffer = buffer[part.Length..];
        }

        if (!buffer.IsEmpty)
            throw new FileSystemException("a logical volume of it has a gap");
    }

    private sealed record Piece(long Start, long Length, OpenedVolume Volume, long Place);
}
