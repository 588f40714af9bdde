namespace AzureIaaS.Guests.FileSystems;

/// <summary>A file of a guest, read where it is asked for: a registry or an initramfs may be long, and little of it matters.</summary>
/// <param name="length">Its length in bytes.</param>
internal abstract class GuestFile(long length)
{
    /// <summary>Its length in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Fills the buffer.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="FileSystemException">The range leaves the file, or the file system is damaged.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > Length - buffer.Length)
            throw new FileSystemException($"a file of it ends before byte {offset + buffer.Length}");
        if (!buffer.IsEmpty)
            ReadCore(offset, buffer);
    }

    /// <summary>Reads all of it.</summary>
    /// <exception cref="FileSystemException">It is damaged, or longer than <see cref="GuestFileSystem.MaxFile"/>.</exception>
    public byte[] ReadAll()
    {
        if (Length > GuestFileSystem.MaxFile)
            throw new FileSystemException($"a file of it has {Length:N0} bytes, more than is read");
        var content = new byte[Length];
        Read(0, content);
        return content;
    }

    /// <summary>Reads; the range has been checked and is not empty.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    protected abstract void ReadCore(long offset, Span<byte> buffer);
}

/// <summary>A file that lies in the structure that describes it.</summary>
/// <param name="content">What it holds.</param>
internal sealed class InlineFile(byte[] content) : GuestFile(content.Length)
{
    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer) => content.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
}

/// <summary>A run of a file that lies in one piece.</summary>
/// <param name="Start">Where it starts in the file, in bytes.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Place">Where it lies on the volume, in bytes.</param>
internal readonly record struct FileRun(long Start, long Length, long Place)
{
    /// <summary>The first byte of the file after the run.</summary>
    public long End => Start + Length;
}

/// <summary>A file in runs; what no run covers reads as zeros.</summary>
/// <param name="volume">The volume.</param>
/// <param name="length">The file's length in bytes.</param>
/// <param name="runs">The runs; where two overlap, the one that starts later counts.</param>
internal sealed class RunFile(Volume volume, long length, IEnumerable<FileRun> runs) : GuestFile(length)
{
    private readonly FileRun[] _runs = [.. runs.OrderBy(r => r.Start)];

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        var index = IndexOf(offset);
        while (!buffer.IsEmpty)
        {
            var next = index + 1 < _runs.Length ? _runs[index + 1].Start : long.MaxValue;
            var isIn = index >= 0 && offset < _runs[index].End;
            var end = isIn ? Math.Min(_runs[index].End, next) : next;
            var part = buffer[..(int)Math.Min(buffer.Length, end - offset)];
            if (isIn)
                volume.Read(_runs[index].Place + (offset - _runs[index].Start), part);
            else
                part.Clear();
            offset += part.Length;
            buffer = buffer[part.Length..];
            if (offset >= next)
                index++;
        }
    }

    /// <summary>The index of the last run that starts at or before an offset; -1 where there is none.</summary>
    private int IndexOf(long offset)
    {
        var (low, high) = (0, _runs.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_runs[middle].Start <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
