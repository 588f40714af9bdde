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
        foreach (var line in Fstab.Of(root).Where(l => Wanted.Contains(l.Point)))
        {
            // A subvolume may be one of the root's own file system.
            var files = line.Subvolume is { } subvolume
                ? volumes.FirstOrDefault(v => v.Files is not null && line.Is(v))?.Files?.Subvolume(subvolume)
                : others.Find(line.Is)?.Files;
            if (files is not null)
                _mounts.Add((line.Point, files));
        }

        // Where /boot is empty and fstab's name for it is not known here, kernels give it away.
        if (_mounts.All(m => m.Point != "/boot") && !HasKernels(root.List("/boot")) && others.Find(v => HasKernels(v.Files!.List("/"))) is { } boot)
            _mounts.Add(("/boot", boot.Files!));
        _mounts.Sort((a, b) => b.Point.Length.CompareTo(a.Point.Length));
    }

    /// <inheritdoc/>
    public override bool Exists(string path) => In(path, out var rest).Exists(rest);

    /// <inheritdoc/>
    public override GuestFile? Open(string path) => In(path, out var rest).Open(rest);

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(string path) => In(path, out var rest).List(rest);

    /// <inheritdoc/>
    public override string? Target(string path) => In(path, out var rest).Target(rest);

    private static bool HasKernels(IEnumerable<string> names) => names.Any(n => n.StartsWith("vmlinuz", StringComparison.Ordinal) || n.StartsWith("initr", StringComparison.Ordinal));

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
