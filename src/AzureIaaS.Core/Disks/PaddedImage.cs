namespace AzureIaaS.Disks;

/// <summary>
/// An image with zeros after its end, and with runs of whole sectors: what a place takes that has rules of its own for sizes. A sector that
/// holds any data is data.
/// </summary>
public sealed class PaddedImage : DiskImage
{
    private readonly DiskImage _image;
    private readonly int _alignment;

    private PaddedImage(DiskImage image, long length, int alignment)
        : base(image.Format, image.Path)
    {
        _image = image;
        _alignment = alignment;
        Length = length;
    }

    /// <inheritdoc/>
    public override string Variant => _image.Variant;

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override int LogicalSectorSize => _image.LogicalSectorSize;

    /// <inheritdoc/>
    public override int PreferredRead => _image.PreferredRead;

    /// <inheritdoc/>
    public override bool IsCompressed => _image.IsCompressed;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files => _image.Files;

    /// <summary>An image of a given length; the image itself where it is as wanted already. Closing it leaves the image open.</summary>
    /// <param name="image">The image.</param>
    /// <param name="length">The length in bytes; not less than the image's.</param>
    /// <param name="alignment">What runs must be aligned to, in bytes: a power of two of which the length is a multiple.</param>
    public static DiskImage For(DiskImage image, long length, int alignment)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, image.Length);
        return length == image.Length && alignment == 1 ? image : new PaddedImage(image, length, alignment);
    }

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        var stored = (int)Math.Clamp(_image.Length - offset, 0, buffer.Length);
        _image.Read(Math.Min(offset, _image.Length), buffer[..stored]);
        buffer[stored..].Clear();
    }

    /// <inheritdoc/>
    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length)
    {
        var end = offset + length;
        var at = offset;   // everything before it has been listed
        var first = Math.Min(offset & -_alignment, _image.Length);
        foreach (var extent in _image.GetExtents(first, Math.Min(Aligned(end), _image.Length) - first))
        {
            // A run of zeros loses what it shares with its neighbours; a run of data takes it.
            var isData = extent.Kind == DiskExtentKind.Data;
            var stop = Math.Min(isData ? Aligned(extent.End) : extent.End & -_alignment, end);
            var start = isData ? Math.Max(extent.Start & -_alignment, at) : at;
            if (start > at)
                yield return new DiskExtent(at, start - at, DiskExtentKind.Zero);
            if (stop > start)
                yield return new DiskExtent(start, stop - start, extent.Kind);
            at = Math.Max(at, stop);
        }

        if (at < end)
            yield return new DiskExtent(at, end - at, DiskExtentKind.Zero);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The image is its opener's.
    }

    private long Aligned(long value) => (value + _alignment - 1) & -_alignment;
}
