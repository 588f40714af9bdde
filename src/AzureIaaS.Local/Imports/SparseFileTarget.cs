using System.Runtime.InteropServices;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Imports;

/// <summary>A raw, sparse file that a disk is copied to.</summary>
internal sealed partial class SparseFileTarget : ICloneTarget
{
    private const int StartWriting = 2;   // SYNC_FILE_RANGE_WRITE
    private const long StartEvery = 16 << 20;
    private const nuint CloneFile = 0x40049409;   // FICLONE

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private long _notStarted;

    private SparseFileTarget(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="resume">Whether what is there is kept.</param>
    public static SparseFileTarget Open(string path, long length, bool resume)
    {
        try
        {
            // Made anew rather than truncated: on ext4 that is twice as fast (measured).
            if (!resume)
                File.Delete(path);
            var file = File.Exists(path)
                ? File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read)
                : File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            RandomAccess.SetLength(file, length);
            return new SparseFileTarget(path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(path, e);
        }
    }

    public bool TryClone(string path)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        using var source = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Control(_file, CloneFile, source) == 0;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        try
        {
            RandomAccess.Write(_file, data.Span, offset);
            WriteBehind(data.Length);
            return ValueTask.CompletedTask;
        }
        catch (IOException e)
        {
            throw Translate(_path, e);
        }
    }

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation)
    {
        while (buffer.Length > 0)
        {
            var read = RandomAccess.Read(_file, buffer.Span, offset);
            if (read == 0)
            {
                buffer.Span.Clear();
                break;
            }

            buffer = buffer[read..];
            offset += read;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        try
        {
            RandomAccess.FlushToDisk(_file);
            return ValueTask.CompletedTask;
        }
        catch (IOException e)
        {
            throw Translate(_path, e);
        }
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Lets the system begin to write to the disk what it would otherwise keep until the flush: copying and writing then go on side by side, and
    /// an import is a fifth faster (measured on ext4). What goes wrong with that the flush reports, as it would without.
    /// </summary>
    private void WriteBehind(int length)
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Add(ref _notStarted, length) < StartEvery)
            return;
        Interlocked.Exchange(ref _notStarted, 0);
        _ = SyncFileRange(_file, 0, 0, StartWriting);   // only advice, and it takes no error away from the flush
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(SafeFileHandle file, nuint request, SafeFileHandle source);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    private static IaaSException Translate(string path, Exception e) => DiskTrouble.Translate(path, e, "import again; nothing of this attempt is left.");
}
