namespace AzureIaaS.Disks;

/// <summary>Where an image is: a path of the file system, or an http(s) address, which is read where it is.</summary>
public static class SourcePath
{
    /// <summary>Whether it is an address and no path.</summary>
    /// <param name="path">The path or address.</param>
    public static bool IsRemote(string path) =>
        path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>The full path; an address is full already.</summary>
    /// <param name="path">The path or address.</param>
    public static string Full(string path) => IsRemote(path) ? path : Path.GetFullPath(path);

    /// <summary>The address of a member of an archive at an address: its name stands behind a <c>#</c>, which no server is told.</summary>
    /// <param name="archive">The archive's address.</param>
    /// <param name="name">The member's name.</param>
    public static string MemberOf(string archive, string name) => $"{archive}#{Uri.EscapeDataString(name)}";

    /// <summary>Takes such an address apart.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The file's address, and the member's name; null where it names none.</returns>
    public static (string File, string? Member) SplitMember(string address)
    {
        var at = address.IndexOf('#', StringComparison.Ordinal);
        return at < 0 ? (address, null) : (address[..at], Uri.UnescapeDataString(address[(at + 1)..]));
    }

    /// <summary>The extension that says what the file is, in lower case, with its dot; that of compression (<c>.gz</c>) is passed over. Empty where there is none.</summary>
    /// <param name="path">The path or address.</param>
    public static string Extension(string path) => Path.GetExtension(WithoutCompression(FileName(path))).ToLowerInvariant();

    /// <summary>The name that a machine or disk made of the file gets: the file's, without its extensions.</summary>
    /// <param name="path">The path or address.</param>
    public static string BaseName(string path) => Path.GetFileNameWithoutExtension(WithoutCompression(FileName(path)));

    /// <summary>The name of the file, without what an address says behind it.</summary>
    /// <param name="path">The path or address.</param>
    public static string FileName(string path) =>
        Path.GetFileName(!IsRemote(path) ? path : SplitMember(path).Member
            ?? (Uri.TryCreate(path, UriKind.Absolute, out var address) ? Uri.UnescapeDataString(address.AbsolutePath) : path));

    private static string WithoutCompression(string name) => name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
}
