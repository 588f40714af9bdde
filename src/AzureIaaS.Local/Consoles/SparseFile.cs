using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Consoles;

/// <summary>Holes in files.</summary>
internal static partial class SparseFile
{
    private const int KeepSize = 1;
    private const int Punch = 2;
    private const int SeekData = 3;

    /// <summary>Gives a range of a file back to the file system; it reads as zeros from then on.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where the range starts, in bytes.</param>
    /// <param name="length">How long it is, in bytes.</param>
    /// <returns>0, or -1 when the file system cannot.</returns>
    public static int PunchHole(SafeFileHandle file, long offset, long length) => FAllocate(file, KeepSize | Punch, offset, length);

    /// <summary>Where a file's first byte is that is not in a hole.</summary>
    /// <param name="file">The file.</param>
    public static long FirstData(SafeFileHandle file) => Math.Max(0, Seek(file, 0, SeekData));

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);
}
