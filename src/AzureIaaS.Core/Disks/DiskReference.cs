namespace AzureIaaS.Disks;

/// <summary>
/// A file that an image names: an extent, or a parent. It is found without opening anything, links followed, and must lie in
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
        var (path, isOutside) = Look(imagePath, reference, options);
        if (isOutside)
            throw DiskErrors.ReferenceOutsideRoot(imagePath, reference, role, options.RootFor(imagePath));
        return path ?? throw DiskErrors.MissingReference(imagePath, reference.Replace('\0', '?'), role);
    }

    /// <summary>
    /// Finds a file by any of the names that an image recorded of it: where they say, and if it is not there, beside the image under
    /// the same file name, since a recorded path is one of the computer on which the image was made.
    /// </summary>
    /// <param name="imagePath">The full path of the image that names it.</param>
    /// <param name="references">The names, the best one first.</param>
    /// <param name="role">What the file is to the image: <c>parent</c>.</param>
    /// <param name="options">Says which root it must lie in.</param>
    /// <returns>The file's real path, free of links.</returns>
    /// <exception cref="DiskImageException">It lies outside the root, or there is none.</exception>
    public static string ResolveAny(string imagePath, IReadOnlyList<string> references, string role, DiskOpenOptions options)
    {
        string? outside = null;
        foreach (var reference in references.Concat(references.Select(FileNameOf)).Distinct())
        {
            var (path, isOutside) = Look(imagePath, reference, options);
            if (path is not null && !isOutside)
                return path;
            if (isOutside)
                outside ??= reference;
        }

        var first = references.Count == 0 ? "" : references[0];
        throw outside is null
            ? DiskErrors.MissingReference(imagePath, first.Replace('\0', '?'), role)
            : DiskErrors.ReferenceOutsideRoot(imagePath, outside, role, options.RootFor(imagePath));
    }

    /// <summary>The path with every link on the way followed; null where links lead round in a circle.</summary>
    /// <param name="path">A full path.</param>
    public static string? RealPath(string path)
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

    /// <summary>The file, if there is one; and whether it lies where it must not.</summary>
    private static (string? Path, bool IsOutside) Look(string imagePath, string reference, DiskOpenOptions options)
    {
        if (reference.Length == 0 || reference.Contains('\0', StringComparison.Ordinal))
            return default;
        if (!OperatingSystem.IsWindows() && IsWindowsAbsolute(reference))
            return (null, true);
        if (SourcePath.IsRemote(imagePath))
            return (null, true);   // what an address serves may name no file of this computer
        var local = OperatingSystem.IsWindows() ? reference : reference.Replace('\\', '/');
        try
        {
            var real = RealPath(Path.GetFullPath(local, Path.GetDirectoryName(imagePath)!));
            if (real is null)
                return default;
            if (!IsAllowed(real, options.RootFor(imagePath), options))
                return (null, true);
            return (File.Exists(real) || File.Exists(ChunkedBytes.NameOf(real, 0)) ? real : InAnyCase(real), false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return default;
        }
    }

    /// <summary>The same name in other case: where the image was made, case did not matter.</summary>
    private static string? InAnyCase(string path)
    {
        var folder = Path.GetDirectoryName(path);
        if (OperatingSystem.IsWindows() || folder is null || !Directory.Exists(folder))
            return null;
        var name = Path.GetFileName(path);
        return new DirectoryInfo(folder).EnumerateFiles()
            .FirstOrDefault(f => f.LinkTarget is null && f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))?.FullName;
    }

    private static string FileNameOf(string reference) => reference[(reference.LastIndexOfAny(['/', '\\']) + 1)..];

    /// <summary>A path of a drive or a share.</summary>
    private static bool IsWindowsAbsolute(string reference) =>
        reference.StartsWith(@"\\", StringComparison.Ordinal) || (reference.Length > 1 && char.IsAsciiLetter(reference[0]) && reference[1] == ':');

    private static bool IsAllowed(string path, string root, DiskOpenOptions options) =>
        options.ExternalReferences.Select(Path.GetFullPath).Prepend(root).Any(r => RealPath(r) is var real && (path == (real ?? r) || IsInside(path, real ?? r)));

    private static bool IsInside(string path, string root) =>
        path.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar,
            OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);

    private static void Push(Stack<string> rest, string path)
    {
        foreach (var name in path.Split(['/', Path.DirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Where(n => n != ".").Reverse())
            rest.Push(name);
    }
}
