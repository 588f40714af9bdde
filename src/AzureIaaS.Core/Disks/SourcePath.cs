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

    /// <summary>The name of the file, without what an address says behind it.</summary>
    /// <param name="path">The path or address.</param>
    public static string FileName(string path) =>
        Path.GetFileName(IsRemote(path) && Uri.TryCreate(path, UriKind.Absolute, out var address) ? Uri.UnescapeDataString(address.AbsolutePath) : path);
}
