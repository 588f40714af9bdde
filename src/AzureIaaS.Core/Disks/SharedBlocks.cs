using System.Runtime.InteropServices;
using AzureIaaS.Disks.Raw;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks;

/// <summary>Files that share their blocks until one of them is written, where the file system can (reflink): nothing needs to be copied then.</summary>
public static partial class SharedBlocks
{
    private const nuint CloneFile = 0x40049409;   // FICLONE

    /// <summary>Whether an image is one ordinary file and all of it, byte for byte the disk, so that the file can be cloned.</summary>
    /// <param name="image">The image.</param>
    public static bool CanBeOf(DiskImage image) => image is RawImage { IsWholeFile: true } && new FileInfo(image.Path).Length == image.Length;

    /// <summary>Makes a file hold what another one holds, sharing its blocks.</summary>
    /// <param name="target">The file, open for writing; what it has beyond the other's end stays.</param>
    /// <param name="source">The other's path.</param>
    /// <returns>False where that cannot be: another file system, or one that shares nothing. Nothing has changed then.</returns>
    public static bool TryClone(SafeFileHandle target, string source)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        using var file = File.OpenHandle(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Control(target, CloneFile, file) == 0;
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(SafeFileHandle file, nuint request, SafeFileHandle source);
}
