using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks.Writing;

/// <summary>
/// A file that is being made. It has another name until it is whole, so what breaks off leaves nothing that could be taken for an image.
/// Writes are positional; what is never written is a hole.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private const int NoSpace = 28;   // ENOSPC
    private const int QuotaExceeded = 122;   // EDQUOT
    private const int DiskFull = unchecked((int)0x80070070);   // ERROR_DISK_FULL as an HRESULT

    private readonly string? _partial;
    private readonly bool _mayReplace;
    private readonly long _start;
    private readonly WriteBehind? _behind;
    private SafeFileHandle? _file;

    private OutputFile(string path, string? partial, bool mayReplace, bool isDurable, SafeFileHandle file, long start = 0)
    {
        Path = path;
        _partial = partial;
        _mayReplace = mayReplace;
        _file = file;
        _behind = isDurable ? new WriteBehind(file) : null;
        _start = start;
    }

    /// <summary>How far it has been written to, in bytes.</summary>
    public long End { get; private set; }

    /// <summary>The path it will have.</summary>
    public string Path { get; }

    /// <summary>Makes a file.</summary>
    /// <param name="path">The full path it will have.</param>
    /// <param name="mayReplace">Whether a file of that name may be replaced.</param>
    /// <param name="isDurable">Whether it is to survive the loss of power once it has its name; what replaces a file always does.</param>
    /// <exception cref="IaaSException">It is there, or cannot be made.</exception>
    public static OutputFile Create(string path, bool mayReplace, bool isDurable)
    {
        var isThere = File.Exists(path);
        if ((isThere && !mayReplace) || Directory.Exists(path))
            throw Exists(path);
        var partial = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.partial";
        try
        {
            var file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return new OutputFile(path, partial, mayReplace, isDurable || isThere, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(path, e);
        }
    }

    /// <summary>A part of this file, from an offset on, to be written as a file of its own; this one publishes it.</summary>
    /// <param name="start">Where it starts.</param>
    /// <param name="name">The name it goes by.</param>
    public OutputFile Section(long start, string name) => new(System.IO.Path.Combine(Path, name), null, _mayReplace, _behind is not null, _file!, start);

    /// <summary>Writes bytes at an offset.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="data">The bytes.</param>
    /// <exception cref="IaaSException">There is no room, or the device failed.</exception>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        try
        {
            RandomAccess.Write(_file!, data, _start + offset);
            End = Math.Max(End, offset + data.Length);
            _behind?.Wrote(data.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(Path, e);
        }
    }

    /// <summary>Makes the file as long as this, by a hole.</summary>
    /// <param name="length">The length in bytes.</param>
    public void SetLength(long length)
    {
        try
        {
            RandomAccess.SetLength(_file!, _start + length);
            End = length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(Path, e);
        }
    }

    /// <summary>Makes the file begin with what another one holds, sharing its blocks.</summary>
    /// <param name="path">The other.</param>
    /// <returns>False where that cannot be; nothing has changed then.</returns>
    public bool TryClone(string path) => _start == 0 && SharedBlocks.TryClone(_file!, path);

    /// <summary>Reads bytes that were written; what was not is zeros.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    public void Read(long offset, Span<byte> buffer)
    {
        while (buffer.Length > 0 && RandomAccess.Read(_file!, buffer, _start + offset) is > 0 and var read)
        {
            buffer = buffer[read..];
            offset += read;
        }

        buffer.Clear();
    }

    /// <summary>Gives the file its name: from here on it is whole, and on the disk where it is to be durable.</summary>
    /// <exception cref="IaaSException">It cannot be written to the device, or another file took the name.</exception>
    public void Publish()
    {
        if (_partial is null)
            return;
        try
        {
            if (_behind is not null)
                RandomAccess.FlushToDisk(_file!);
            _file!.Dispose();
            _file = null;
            File.Move(_partial, Path, _mayReplace);
        }
        catch (IOException) when (!_mayReplace && File.Exists(Path))
        {
            throw Exists(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(Path, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_partial is null)
            return;
        _file?.Dispose();
        _file = null;
        File.Delete(_partial);
    }

    private static IaaSException Exists(string path) => new(ErrorKind.AlreadyExists, "FileExists", $"{path}: there is a file or folder of this name already.",
        "Give another name, or -Force to replace the file.", path);

    private static IaaSException Translate(string path, Exception e)
    {
        var isFull = e is IOException && (e.HResult is NoSpace or QuotaExceeded or DiskFull);
        return isFull
            ? new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace", $"{path}: the disk it lies on is full.", "Make room there, or write to another disk.", path, e)
            : new IaaSException(ErrorKind.AccessDenied, "FileNotWritable", $"{path}: it cannot be written: {e.Message}", "Check the folder's permissions and that its file system is healthy.", path, e);
    }
}
