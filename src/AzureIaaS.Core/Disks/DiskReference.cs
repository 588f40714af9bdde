namespace AzureIaaS.Disks;

/// <summary>
/// A file that an image names: an extent, and in time a parent. It is found without opening anything, links followed, and must lie in
/// the root, since an image from elsewhere could name any file that its importer may read.
/// </summary>
internal static class DiskReference
{
    private const int MaxLinks = 40;

    /// <summary>Finds the file.</summary>
    /// <param name="imagePath">The full path of the image that names it.</param>
    /// <param name="reference">The name, as the image has it.</param>
    /// <param name="role">What the file is to the image: <c>extent</c>.</param>
    /// <param name="options">Says which root it must lie in.</param>
    /// <returns>The file's real path, free of links.</returns>
    /// <exception cref="DiskImageException">It lies outside the root, or there is none.</exception>
    public static string Resolve(string imagePath, string reference, string role, DiskOpenOptions options)
    {
        if (reference.Length == 0 || reference.Contains('\0', StringComparison.Ordinal))
            throw DiskErrors.MissingReference(imagePath, reference.Replace('\0', '?'), role);
        var root = options.RootFor(imagePath);
        if (!OperatingSystem.IsWindows() && IsWindowsAbsolute(reference))
            throw DiskErrors.ReferenceOutsideRoot(imagePath, reference, role, root);
        var local = OperatingSystem.IsWindows() ? reference : reference.Replace('\\', '/');
        try
        {
            var real = RealPath(Path.GetFullPath(local, Path.GetDirectoryName(imagePath)!));
            if (real is not null && !IsInside(real, RealPath(root) ?? root))
                throw DiskErrors.ReferenceOutsideRoot(imagePath, reference, role, root);
            return real is not null && File.Exists(real) ? real : throw DiskErrors.MissingReference(imagePath, reference, role);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw DiskErrors.MissingReference(imagePath, reference, role);
        }
    }

    /// <summary>A path of a drive or a share.</summary>
    private static bool IsWindowsAbsolute(string reference) =>
        reference.StartsWith(@"\\", StringComparison.Ordinal) || (reference.Length > 1 && char.IsAsciiLetter(reference[0]) && reference[1] == ':');

    private static bool IsInside(string path, string root) =>
        path.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar,
            OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);

    /// <summary>The path with every link on the way followed; null where links lead round in a circle.</summary>
    private static string? RealPath(string path)
    {
        var links = 0;
        var real = Path.GetPathRoot(path)!;
        var rest = new Stack<string>();
        Push(rest, path[real.Length..]);
        while (rest.TryPop(out var name))
        {
            if (name == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            var next = Path.Combine(real, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaxLinks)
                return null;
            if (Path.IsPathRooted(target))
            {
                real = Path.GetPathRoot(target)!;
                target = target[real.Length..];
            }

            Push(rest, target);
        }

        return real;
    }

    private static void Push(Stack<string> rest, string path)
    {
        foreach (var name in path.Split(['/', Path.DirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Where(n => n != ".").Reverse())
            rest.Push(name);
    }
}
