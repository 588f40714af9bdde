using System.Text.RegularExpressions;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>A line of fstab(5).</summary>
/// <param name="Source">What is mounted.</param>
/// <param name="Point">Where.</param>
/// <param name="Type">The file system's type; empty where the line ends before it.</param>
/// <param name="Options">How.</param>
internal sealed partial record Fstab(string Source, string Point, string Type, IReadOnlyList<string> Options)
{
    private static readonly string[] Names = ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/disk/by-uuid/", "/dev/disk/by-label/", "/dev/disk/by-partuuid/", "/dev/disk/by-partlabel/"];

    // What a start does not wait for.
    private static readonly string[] Optional = ["nofail", "noauto", "_netdev", "x-systemd.automount"];

    // What becomes of content that no file system is read from, without anything being missing.
    private static readonly string[] NotMounted = ["swap", "LVM"];

    /// <summary>The option's subvolume; null where there is none.</summary>
    public string? Subvolume => Options.FirstOrDefault(o => o.StartsWith("subvol=", StringComparison.Ordinal))?["subvol=".Length..];

    /// <summary>Whether it names a device by a name that another hypervisor gives to another disk.</summary>
    public bool HasDeviceName => IsDeviceName(Source);

    /// <summary>The line, with one space between fields.</summary>
    public string Text { get; private init; } = "";

    /// <summary>The lines of a system's fstab.</summary>
    /// <param name="files">The system's files.</param>
    public static IReadOnlyList<Fstab> Of(GuestFileSystem files) => [.. (files.Text("/etc/fstab") ?? "").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')
        .Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(f => f.Length >= 2)
        .Select(f => new Fstab(Unescaped(f[0]), Unescaped(f[1]), f.Length > 2 ? f[2] : "", f.Length > 3 ? f[3].Split(',') : []) { Text = string.Join(' ', f) })];

    /// <summary>Whether a device's name is one that depends on the controller it is on, or on what the hypervisor says of it.</summary>
    /// <param name="name">The name.</param>
    public static bool IsDeviceName(string name) => DeviceName().IsMatch(name);

    /// <summary>Whether it names a volume.</summary>
    /// <param name="volume">The volume; its file system is read.</param>
    public bool Is(OpenedVolume volume)
    {
        var (files, about) = (volume.Files!, volume.About);
        if (Means(files.Id, "UUID=", "/dev/disk/by-uuid/") || Means(files.Label, "LABEL=", "/dev/disk/by-label/"))
            return true;
        if (about.LogicalVolume is { } logical)
        {
            // The device mapper doubles the dashes of names.
            return Source == "/dev/" + logical || Source == "/dev/mapper/" + logical.Replace("-", "--", StringComparison.Ordinal).Replace('/', '-');
        }

        return Means(about.PartitionId, "PARTUUID=", "/dev/disk/by-partuuid/") || Means(about.PartitionName ?? "", "PARTLABEL=", "/dev/disk/by-partlabel/")
            || (Source is ['/', 'd', 'e', 'v', '/', 's' or 'h' or 'v', 'd', >= 'a' and <= 'z' and var letter, .. var number] && letter - 'a' == about.Disk && number == $"{about.Partition}");
    }

    /// <summary>Whether a start waits for it, and what it names is on none of the volumes. The root is the kernel's to find.</summary>
    /// <param name="volumes">All volumes.</param>
    public bool IsUnresolved(IReadOnlyList<OpenedVolume> volumes) =>
        Point is ['/', _, ..] && Type != "swap" && !Options.Any(Optional.Contains) && Names.Any(n => Source.StartsWith(n, StringComparison.Ordinal)) && !volumes.Any(v => v.Files is not null && Is(v))
        && volumes.All(v => v.Files is not null || v.About.Content is null || NotMounted.Contains(v.About.Content) || volumes.Any(o => o.Files?.LiesOn(v.Volume) == true));

    /// <summary>Spaces are written as octal numbers there.</summary>
    private static string Unescaped(string field) => field.Replace("\\040", " ", StringComparison.Ordinal);

    private bool Means(string id, params ReadOnlySpan<string> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            if (id.Length > 0 && Source.StartsWith(prefix, StringComparison.Ordinal) && Source[prefix.Length..].Trim('"').Equals(id, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    // By its number on a controller, by its path, or by its model and serial number, which are the hypervisor's; names of the device mapper and of RAID stay.
    [GeneratedRegex("^/dev/((sd|hd|vd|xvd|nvme|mmcblk)[a-z0-9]+|disk/by-path/.+|disk/by-id/(?!dm-|md-|lvm-).+)$", RegexOptions.CultureInvariant)]
    private static partial Regex DeviceName();
}
