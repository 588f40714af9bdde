using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks;

/// <summary>
/// A file that an image is made of, open for reading only. Reads are positional, so any number of threads may share it,
/// and whatever goes wrong is a <see cref="DiskImageException"/> that names the file and the offset.
/// </summary>
public sealed class DiskFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private DiskFile(string path, SafeFileHandle handle, long length)
    {
        Path = path;
        _handle = handle;
        Length = length;
    }

    /// <summary>The full path of the file.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>The open handle, for what only the operating system can say (sparse ranges).</summary>
    internal SafeFileHandle Handle => _handle;

    /// <summary>Opens a file for reading; others may go on using it.</summary>
    /// <param name="path">The file; a relative path is taken from the current directory.</param>
    /// <exception cref="DiskImageException">It is missing, a folder, a device without a length, or may not be read.</exception>
    public static DiskFile Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(path))
            throw DiskErrors.Unreadable(path, "this is a folder, not a disk image", "Name the disk image itself, for example with Get-ChildItem and a pattern.");
        try
        {
            // Asked before opening: a pipe under a disk's name would make the opening wait for ever.
            if (HasNoLength(path))
                throw DiskErrors.Unreadable(path, "the file is empty, or no ordinary file", "Copy or export the image again: nothing of it arrived.");
            var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new DiskFile(path, handle, LengthOf(handle, path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw DiskErrors.Unreadable(path, "there is no such file", "Check the path; relative paths start at the current directory.", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or NotSupportedException)
        {
            throw DiskErrors.Unreadable(path, $"it cannot be opened for reading: {e.Message}", "Check the file's permissions and that its file system is healthy.", e);
        }
    }

    /// <summary>Fills the buffer from the file.</summary>
    /// <param name="offset">Where to start, in bytes from the file's start.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="DiskImageException">The range leaves the file, or the device failed.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > Length - buffer.Length)
            throw DiskErrors.Truncated(Path, offset, buffer.Length, Length);
        try
        {
            while (buffer.Length > 0)
            {
                var read = RandomAccess.Read(_handle, buffer, offset);
                if (read == 0)
                    throw DiskErrors.Truncated(Path, offset, buffer.Length, Length);
                buffer = buffer[read..];
                offset += read;
            }
        }
        catch (IOException e)
        {
            throw DiskErrors.Unreadable(Path, $"reading failed at byte {offset}: {e.Message}", "Check the disk or network share that holds the file, then try again.", e);
        }
    }

    /// <summary>Reads a range into a new array. Only for small structures whose size has been bounded.</summary>
    /// <param name="offset">Where to start, in bytes from the file's start.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="DiskImageException">The range leaves the file, or the device failed.</exception>
    public byte[] Read(long offset, int length)
    {
        // Asked before the array is made: a hostile length must not cost memory.
        if (offset < 0 || length < 0 || offset > Length - length)
            throw DiskErrors.Truncated(Path, offset, length, Length);
        var bytes = new byte[length];
        Read(offset, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static bool HasNoLength(string path)
    {
        var info = new FileInfo(path);
        if (info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target)
            info = target;
        return info is { Exists: true, Length: 0 };
    }

    private static long LengthOf(SafeFileHandle handle, string path)
    {
        var length = RandomAccess.GetLength(handle);
        if (length == 0)
        {
            handle.Dispose();
            throw DiskErrors.Unreadable(path, "the file is empty, or no ordinary file", "Copy or export the image again: nothing of it arrived.");
        }

        return length;
    }
}
