namespace AzureIaaS.Disks.Maps;

/// <summary>A run of a file that is the disk's bytes as they are: a fixed VHD, a flat VMDK extent.</summary>
internal sealed class LinearMap : BlockMap
{
    private readonly DiskFile _file;
    private readonly long _start;

    /// <summary>Maps a run of the file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="start">Where the disk's first byte lies in it.</param>
    /// <param name="length">The disk's length in bytes.</param>
    /// <exception cref="DiskImageException">The run leaves the file.</exception>
    public LinearMap(DiskFile file, long start, long length)
    {
        if (start < 0 || length < 0 || start > file.Length || length > file.Length - start)
            throw DiskErrors.Truncated(file.Path, start, length, file.Length);
        _file = file;
        _start = start;
        Length = length;
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> buffer) => _file.Read(_start + offset, buffer);

    /// <inheritdoc/>
    public override IEnumerable<DiskExtent> Extents(long offset, long length) =>
        SparseRanges.Of(_file, _start + offset, length).Select(e => e with { Start = e.Start - _start });
}
