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
/// <param name="parent">What it lies over; the image closes it.</param>
internal sealed class MappedImage(
    DiskFormat format,
    string variant,
    BlockMap map,
    IReadOnlyList<DiskFile> files,
    IReadOnlyDictionary<string, string> details,
    IReadOnlyList<string> warnings,
    int sectorSize = 512,
    DiskImage? parent = null) : DiskImage(format, files[0].Path)
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
    public override int PreferredRead { get; } = Math.Max(map.HasPacked ? PackedRead : PlainRead, parent?.PreferredRead ?? 0);

    /// <inheritdoc/>
    public override bool IsCompressed { get; } = map.HasPacked || parent?.IsCompressed == true;

    /// <inheritdoc/>
    public override DiskImage? Parent => parent;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files { get; } = [.. files.SelectMany(f => f.Files), .. parent?.Files ?? []];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Details => details;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings { get; } =
        [.. warnings, .. (parent?.Warnings ?? []).Select(w => $"Parent {System.IO.Path.GetFileName(parent?.Path)}: {w}")];

    /// <summary>Says what is wrong with what no reader needs.</summary>
    public Func<CancellationToken, IEnumerable<string>>? FindOtherFaults { get; init; }

    /// <inheritdoc/>
    internal override IEnumerable<string> FindTableFaults(CancellationToken cancellation) => map.FindFaults(cancellation).Concat(FindOtherFaults?.Invoke(cancellation) ?? []);

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer) => map.Read(offset, buffer);

    /// <inheritdoc/>
    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length) => map.Extents(offset, length);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var file in files)
            file.Dispose();
        parent?.Dispose();
    }
}
