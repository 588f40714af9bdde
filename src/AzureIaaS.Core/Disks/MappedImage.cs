using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks;

/// <summary>A disk image that is a map of where its bytes are, and what its format told about itself.</summary>
/// <param name="format">The format that opened it.</param>
/// <param name="variant">The kind within the format.</param>
/// <param name="map">Where the bytes are.</param>
/// <param name="files">The files it is made of, the named one first; the image closes them.</param>
/// <param name="details">What else is worth knowing, by name.</param>
/// <param name="warnings">What is odd and was accepted.</param>
/// <param name="sectorSize">The size of a logical sector in bytes.</param>
internal sealed class MappedImage(
    DiskFormat format,
    string variant,
    BlockMap map,
    IReadOnlyList<DiskFile> files,
    IReadOnlyDictionary<string, string> details,
    IReadOnlyList<string> warnings,
    int sectorSize = 512) : DiskImage(format, files[0].Path)
{
    private const int PlainRead = 512 << 10;
    private const int PackedRead = 2 << 20;

    /// <inheritdoc/>
    public override string Variant => variant;

    /// <inheritdoc/>
    public override long Length => map.Length;

    /// <inheritdoc/>
    public override int LogicalSectorSize => sectorSize;

    /// <inheritdoc/>
    public override int PreferredRead { get; } = map.HasPacked ? PackedRead : PlainRead;

    /// <inheritdoc/>
    public override bool IsCompressed => map.HasPacked;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files { get; } = [.. files.Select(f => f.Path)];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Details => details;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings => warnings;

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer) => map.Read(offset, buffer);

    /// <inheritdoc/>
    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length) => map.Extents(offset, length);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var file in files)
            file.Dispose();
    }
}
