using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>A raw disk that is a real file system: ext4 with this machine's own programs and libraries, since invented data lies about what data is like.</summary>
internal static class FileSystemDisk
{
    private const string Source = "/usr";

    /// <summary>Makes the disk, sparse.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="data">About how many bytes of files to put on it.</param>
    public static async Task CreateAsync(string path, long length, long data)
    {
        var tree = path + ".tree";
        try
        {
            Gather(tree, data);
            await WholeProcess.RunAsync(
                ["mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", tree, path, string.Create(CultureInfo.InvariantCulture, $"{length >> 10}k")]);
        }
        finally
        {
            Directory.Delete(tree, recursive: true);
        }
    }

    private static void Gather(string tree, long data)
    {
        long size = 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in new DirectoryInfo(Source).EnumerateFiles("*", options).OrderBy(f => f.FullName, StringComparer.Ordinal))
        {
            // Every third file: a little of everything.
            if (file.Length == 0 || file.Length > data / 4 || file.FullName.Length % 3 != 0)
                continue;
            var copy = Path.Combine(tree, Path.GetRelativePath(Source, file.FullName));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            file.CopyTo(copy);
            size += file.Length;
            if (size >= data)
                break;
        }
    }
}
