using AzureIaaS.Appliances;
using AzureIaaS.Disks.Gzip;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks;

/// <summary>
/// A file that an image is made of, open for reading only; it may be a member of an archive, which is a range of that file. Reads are
/// positional, so any number of threads may share it, and whatever goes wrong is a <see cref="DiskImageException"/> that names the file and
/// the offset.
/// </summary>
public sealed class DiskFile : IDisposable
{
    private const int GzipHead = 10;
    private static readonly string FirstChunk = ChunkedBytes.NameOf("", 0);

    private readonly SafeFileHandle? _handle;
    private readonly IFileBytes? _bytes;

    private DiskFile(string path, IReadOnlyList<string> files, IFileBytes bytes, long start, long length)
    {
        Path = path;
        Files = files;
        _bytes = bytes;
        Start = start;
        Length = length;
    }

    private DiskFile(string path, string container, SafeFileHandle handle, long start, long length)
    {
        Path = path;
        Files = [container];
        _handle = handle;
        Start = start;
        Length = length;
    }

    /// <summary>The full path of the file; that of a member is its archive's with its name behind it.</summary>
    public string Path { get; }

    /// <summary>The full path of the file that there really is: the archive's, for a member; the first chunk's, for a file cut into chunks.</summary>
    public string Container => Files[0];

    /// <summary>The full paths of all the files that there really are.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The file's length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Where its first byte is in <see cref="Container"/>.</summary>
    internal long Start { get; }

    /// <summary>What <see cref="SparseRanges"/> was last told of its data; null for nothing.</summary>
    internal KnownData? KnownData { get; set; }

    /// <summary>The open handle, for what only the operating system can say (sparse ranges); null where the bytes are not those of one file.</summary>
    internal SafeFileHandle? Handle => _handle;

    /// <summary>Opens a file for reading; others may go on using it.</summary>
    /// <param name="path">The file; a relative path is taken from the current directory. Or an http(s) address.</param>
    /// <exception cref="DiskImageException">It is missing, a folder, a device without a length, or may not be read.</exception>
    public static DiskFile Open(string path)
    {
        if (SourcePath.IsRemote(path))
            return OpenRemote(path);
        path = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(path))
            throw DiskErrors.Unreadable(path, "this is a folder, not a disk image", "Name the disk image itself, for example with Get-ChildItem and a pattern.");
        try
        {
            // Asked before opening: a pipe under a disk's name would make the opening wait for ever.
            if (HasNoLength(path))
                throw DiskErrors.Unreadable(path, "the file is empty, or no ordinary file", "Copy or export the image again: nothing of it arrived.");
            if (!File.Exists(path))
            {
                if (FindMember(path) is { } member)
                    return OpenMember(path, member.Archive, member.Member);
                if (Exists(ChunkedBytes.NameOf(path, 0)))
                    return OpenChunks(path);
            }

            var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new DiskFile(path, path, handle, 0, LengthOf(handle, path));
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

    /// <summary>
    /// Opens a file that a disk image begins in. One that is compressed as a whole, by gzip, is read as what it holds; a raw disk by its name is taken as
    /// it is, since its first bytes are the guest's.
    /// </summary>
    /// <param name="path">The file, as for <see cref="Open(string)"/>.</param>
    /// <exception cref="DiskImageException">It cannot be opened, or what it holds is damaged.</exception>
    public static DiskFile OpenUnpacked(string path)
    {
        var file = Open(path);
        if (!file.IsPacked())
            return file;
        var bytes = new GzipBytes(file);
        return new DiskFile(file.Path, file.Files, bytes, 0, bytes.Length);
    }

    /// <summary>Whether there is a file, a member of an archive, or a file cut into chunks.</summary>
    /// <param name="path">The path.</param>
    public static bool Exists(string path) => File.Exists(path) || FindMember(path) is not null || (!path.EndsWith(FirstChunk, StringComparison.Ordinal) && Exists(ChunkedBytes.NameOf(path, 0)));

    /// <summary>Fills the buffer from the file.</summary>
    /// <param name="offset">Where to start, in bytes from the file's start.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="DiskImageException">The range leaves the file, or the device failed.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > Length - buffer.Length)
            throw DiskErrors.Truncated(Path, offset, buffer.Length, Length);
        if (_bytes is not null)
        {
            _bytes.Read(Start + offset, buffer);
            return;
        }

        try
        {
            while (buffer.Length > 0)
            {
                var read = RandomAccess.Read(_handle!, buffer, Start + offset);
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
    public void Dispose()
    {
        _handle?.Dispose();
        _bytes?.Dispose();
    }

    private bool IsPacked()
    {
        if (Length < GzipHead || System.IO.Path.GetExtension(SourcePath.FileName(Path)).ToLowerInvariant() is ".raw" or ".img")
            return false;
        Span<byte> head = stackalloc byte[GzipHead];
        Read(0, head);
        return GzipReader.IsAt(head);
    }

    private static DiskFile OpenRemote(string address)
    {
        var (file, name) = SourcePath.SplitMember(address);
        var member = name is null ? null : TarArchive.List(file).FirstOrDefault(m => m.Name == name)
            ?? throw DiskErrors.Unreadable(address, $"there is no '{name}' in the archive", "Check the address.");
        var bytes = RemoteFile.Open(file);
        return new DiskFile(address, [file], bytes, member?.Offset ?? 0, member?.Length ?? bytes.Length);
    }

    private static DiskFile OpenChunks(string path)
    {
        var bytes = ChunkedBytes.Open(path, Exists);
        return new DiskFile(path, [.. bytes.Chunks.Select(c => c.Container).Distinct()], bytes, 0, bytes.Length);
    }

    /// <summary>The member of an archive that a path means: part of the path is a file, and the rest a name in it.</summary>
    private static (string Archive, ArchiveMember Member)? FindMember(string path)
    {
        for (var archive = System.IO.Path.GetDirectoryName(path); archive is not null && !Directory.Exists(archive); archive = System.IO.Path.GetDirectoryName(archive))
        {
            if (!File.Exists(archive))
                continue;
            using (var file = Open(archive))
            {
                if (!TarArchive.IsAt(file.Read(0, (int)Math.Min(512, file.Length))))
                    return null;
            }

            var name = path[(archive.Length + 1)..].Replace('\\', '/');
            return TarArchive.List(archive).FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } member ? (archive, member) : null;
        }

        return null;
    }

    private static DiskFile OpenMember(string path, string archive, ArchiveMember member)
    {
        if (member.Length == 0)
            throw DiskErrors.Unreadable(path, "the file in the archive is empty", "Export the machine again.");
        var handle = File.OpenHandle(archive, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new DiskFile(path, archive, handle, member.Offset, Math.Min(member.Length, RandomAccess.GetLength(handle) - member.Offset));
    }

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
