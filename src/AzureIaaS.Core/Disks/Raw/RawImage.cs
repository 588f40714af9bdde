namespace AzureIaaS.Disks.Raw;

/// <summary>A raw disk: byte N of the disk is byte N of the file, and what the file system has not allocated is a hole.</summary>
internal sealed class RawImage(RawFormat format, DiskFile file, int sectorSize) : DiskImage(format, file.Path)
{
    /// <inheritdoc/>
    public override string Variant => "raw";

    /// <inheritdoc/>
    public override long Length => file.Length;

    /// <inheritdoc/>
    public override int LogicalSectorSize => sectorSize;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files { get; } = file.Files;

    /// <summary>Whether the disk is one ordinary file and all of it.</summary>
    public bool IsWholeFile => file.Handle is not null && File.Exists(file.Path);

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer) => file.Read(offset, buffer);

    /// <inheritdoc/>
    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length) => SparseRanges.Of(file, offset, length);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => file.Dispose();
}
