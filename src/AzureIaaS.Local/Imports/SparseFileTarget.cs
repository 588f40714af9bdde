using AzureIaaS.Disks;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Imports;

/// <summary>A raw, sparse file that a disk is copied to.</summary>
internal sealed class SparseFileTarget : ICloneTarget
{
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly WriteBehind _behind;

    private SparseFileTarget(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
        _behind = new WriteBehind(file);
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

    public bool TryClone(string path) => SharedBlocks.TryClone(_file, path);

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        try
        {
            RandomAccess.Write(_file, data.Span, offset);
            _behind.Wrote(data.Length);
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

    private static IaaSException Translate(string path, Exception e) => DiskTrouble.Translate(path, e, "import again; nothing of this attempt is left.");
}
