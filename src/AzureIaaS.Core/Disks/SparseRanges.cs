using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks;

/// <summary>Which ranges of a file its file system has allocated: SEEK_DATA and SEEK_HOLE, where there are such calls.</summary>
internal static partial class SparseRanges
{
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int NoSuchData = 6;   // ENXIO: no data at or after the offset

    /// <summary>Lists a file's data and holes; where the system cannot say, all of it is data.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="length">How many bytes; the range lies in the file.</param>
    public static IEnumerable<DiskExtent> Of(DiskFile file, long offset, long length)
    {
        var end = offset + length;
        while (offset < end)
        {
            var (start, stop) = NextData(file, offset, end);
            if (start > offset)
                yield return new DiskExtent(offset, start - offset, DiskExtentKind.Hole);
            if (stop > start)
                yield return new DiskExtent(start, stop - start, DiskExtentKind.Data);
            offset = stop;
        }
    }

    private static (long Start, long Stop) NextData(DiskFile file, long offset, long end)
    {
        if (!OperatingSystem.IsLinux() || file.Handle is not { } handle)
            return (offset, end);
        if (file.KnownData is { } known && known.Start <= offset && offset < known.Stop)
            return (offset, Math.Min(known.Stop, end));
        var start = Seek(handle, file.Start + offset, SeekData);
        if (start < 0)
            return Marshal.GetLastPInvokeError() == NoSuchData ? (end, end) : (offset, end);
        start -= file.Start;
        if (start >= end)
            return (end, end);
        var stop = Seek(handle, file.Start + start, SeekHole);
        if (stop < 0)
            return (start, end);
        file.KnownData = new KnownData(start, stop - file.Start);
        return (start, Math.Min(stop - file.Start, end));
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);
}

/// <summary>
/// A range of a file that holds data: asked once, since some file systems look at every page up to its end, and an image asks for each of its
/// blocks. That it becomes a hole meanwhile does no harm, it is read then.
/// </summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Stop">The byte after its last.</param>
internal sealed record KnownData(long Start, long Stop);
