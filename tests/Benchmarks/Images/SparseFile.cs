using AzureIaaS.Disks;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>Files with holes, and what the system keeps of them in memory.</summary>
internal static class SparseFile
{
    private const int Piece = 1 << 20;

    /// <summary>How many bytes of a raw disk the file system has allocated.</summary>
    /// <param name="path">The file.</param>
    public static long Allocated(string path)
    {
        using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Format = "raw" });
        return Data(image).Sum(e => e.Length);
    }

    /// <summary>Reads all that a file holds, so that it is in the cache.</summary>
    /// <param name="path">The file.</param>
    public static void Warm(string path)
    {
        using var file = DiskFormat.OpenImage(path, new DiskOpenOptions { Format = "raw" });
        var buffer = new byte[Piece];
        foreach (var extent in Data(file))
        {
            for (var at = extent.Start; at < extent.End; at += Piece)
                file.Read(at, buffer.AsSpan(0, (int)Math.Min(Piece, extent.End - at)));
        }
    }

    /// <summary>
    /// Writes and deletes a file: the memory that the next one to write so much will take has then been touched. In a virtual machine whose host
    /// takes memory back, whoever comes first would pay for getting it again: up to a second.
    /// </summary>
    /// <param name="folder">Where.</param>
    /// <param name="length">How many bytes.</param>
    public static void TouchMemory(string folder, long length)
    {
        var path = Path.Combine(folder, "touched");
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);
        var buffer = new byte[Piece];
        for (long at = 0; at < length; at += Piece)
            RandomAccess.Write(file, buffer, at);
    }

    private static IEnumerable<DiskExtent> Data(DiskImage image) => image.GetExtents().Where(e => e.Kind == DiskExtentKind.Data);
}
