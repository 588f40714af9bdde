namespace AzureIaaS.Disks.Vmdk;

/// <summary>
/// Tells the files of a folder that are machines' disks from those that only belong to one: an ESXi folder is full of files called .vmdk, and
/// only the descriptors among them are disks.
/// </summary>
public static class VmdkSiblings
{
    private const int MaxFiles = 1000;

    /// <summary>The descriptor, in the same folder, that names a file as an extent or as its list of changed blocks.</summary>
    /// <param name="path">The file's full path.</param>
    /// <returns>The descriptor's path; null where the file is no such thing, or a disk by itself.</returns>
    public static string? DescriptorOf(string path)
    {
        if (SourcePath.IsRemote(path) || !Path.GetExtension(path).Equals(".vmdk", StringComparison.OrdinalIgnoreCase) || ReadDescriptor(path) is not null)
            return null;
        var name = Path.GetFileName(path);
        foreach (var candidate in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, "*.vmdk").Take(MaxFiles).Where(c => c != path))
        {
            if (ReadDescriptor(candidate) is { } descriptor
                && (descriptor.Extents.Any(e => IsSame(e.FileName, name)) || IsSame(descriptor["changeTrackPath"] ?? "", name)))
                return candidate;
        }

        return null;
    }

    private static bool IsSame(string reference, string name) => Path.GetFileName(reference.Replace('\\', '/')).Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>A file's descriptor, if it is one; an extent that has its own inside is a disk by itself, too.</summary>
    private static Descriptor? ReadDescriptor(string path)
    {
        try
        {
            using var file = DiskFile.Open(path);
            if (file.Length > Descriptor.MaxLength)
                return null;
            var bytes = file.Read(0, (int)file.Length);
            return Descriptor.IsAt(bytes) ? Descriptor.Parse(path, 0, bytes) : null;
        }
        catch (DiskImageException)
        {
            return null;   // What cannot be read names nothing.
        }
    }
}
