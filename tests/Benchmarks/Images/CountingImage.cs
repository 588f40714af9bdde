using AzureIaaS.Disks;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>An image that counts what is read of it.</summary>
/// <param name="inner">The image; it is closed with this one.</param>
internal sealed class CountingImage(DiskImage inner) : DiskImage(inner.Format, inner.Path)
{
    /// <summary>How many bytes were read.</summary>
    public long BytesRead { get; private set; }

    /// <inheritdoc/>
    public override string Variant => inner.Variant;

    /// <inheritdoc/>
    public override long Length => inner.Length;

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        BytesRead += buffer.Length;
        inner.Read(offset, buffer);
    }

    /// <inheritdoc/>
    protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length) => inner.GetExtents(offset, length);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => inner.Dispose();
}
