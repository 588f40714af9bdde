using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>A Linux's files as it sees them once it runs: its root, and the other volumes where its fstab mounts them.</summary>
internal sealed class LinuxTree : GuestFileSystem
{
    private static readonly string[] Wanted = ["/boot", "/boot/efi", "/usr", "/var"];

    private readonly GuestFileSystem _root;
    private readonly List<(string Point, GuestFileSystem Files)> _mounts = [];

    /// <summary>Puts the volumes together.</summary>
    /// <param name="root">The root's files.</param>
    /// <param name="volumes">All volumes.</param>
    public LinuxTree(GuestFileSystem root, IReadOnlyList<OpenedVolume> volumes)
    {
        _root = root;
        var others = volumes.Where(v => v.Files is not null && v.Files != root).ToList();
        foreach (var fields in Mounts(root).Where(f => Wanted.Contains(f[1])))
        {
            // A subvolume may be one of the root's own file system.
            var files = SubvolumeOf(fields) is { } subvolume
                ? volumes.FirstOrDefault(v => v.Files is not null && IsCalled(v, fields[0]))?.Files?.Subvolume(subvolume)
                : others.Find(v => IsCalled(v, fields[0]))?.Files;
            if (files is not null)
                _mounts.Add((fields[1], files));
        }

        // Where /boot is empty and fstab's name for it is not known here (a PARTUUID), kernels give it away.
        if (_mounts.All(m => m.Point != "/boot") && !HasKernels(root.List("/boot")) && others.Find(v => HasKernels(v.Files!.List("/"))) is { } boot)
            _mounts.Add(("/boot", boot.Files!));
        _mounts.Sort((a, b) => b.Point.Length.CompareTo(a.Point.Length));
    }

    /// <summary>The lines of fstab, in fields.</summary>
    /// <param name="root">The root's files.</param>
    public static IEnumerable<string[]> Mounts(GuestFileSystem root) => (root.Text("/etc/fstab") ?? "").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')
        .Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(f => f.Length >= 2);

    /// <inheritdoc/>
    public override bool Exists(string path) => In(path, out var rest).Exists(rest);

    /// <inheritdoc/>
    public override GuestFile? Open(string path) => In(path, out var rest).Open(rest);

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(string path) => In(path, out var rest).List(rest);

    /// <inheritdoc/>
    public override string? Target(string path) => In(path, out var rest).Target(rest);

    private static bool HasKernels(IEnumerable<string> names) => names.Any(n => n.StartsWith("vmlinuz", StringComparison.Ordinal) || n.StartsWith("initr", StringComparison.Ordinal));

    private static string? SubvolumeOf(string[] fields) =>
        fields.Length > 3 && fields[3].Split(',').FirstOrDefault(o => o.StartsWith("subvol=", StringComparison.Ordinal)) is { } option ? option["subvol=".Length..] : null;

    private static bool IsCalled(OpenedVolume volume, string name)
    {
        var files = volume.Files!;
        bool Is(string prefix, string id) => id.Length > 0 && name.StartsWith(prefix, StringComparison.Ordinal) && name[prefix.Length..].Trim('"').Equals(id, StringComparison.OrdinalIgnoreCase);
        if (Is("UUID=", files.Id) || Is("/dev/disk/by-uuid/", files.Id) || Is("LABEL=", files.Label) || Is("/dev/disk/by-label/", files.Label))
            return true;
        if (volume.About.LogicalVolume is not { } logical)
            return name is ['/', 'd', 'e', 'v', '/', 's' or 'h' or 'v', 'd', >= 'a' and <= 'z' and var letter, .. var number] && letter - 'a' == volume.About.Disk && number == $"{volume.About.Partition}";

        // The device mapper doubles the dashes of names.
        return name == "/dev/" + logical || name == "/dev/mapper/" + logical.Replace("-", "--", StringComparison.Ordinal).Replace('/', '-');
    }

    private GuestFileSystem In(string path, out string rest)
    {
        foreach (var (point, files) in _mounts)
        {
            if (path == point || path.StartsWith(point + "/", StringComparison.Ordinal))
            {
                rest = path.Length == point.Length ? "/" : path[point.Length..];
                return files;
            }
        }

        rest = path;
        return _root;
    }
}
