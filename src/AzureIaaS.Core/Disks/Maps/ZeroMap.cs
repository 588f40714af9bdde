namespace AzureIaaS.Disks.Maps;

/// <summary>Nothing but zeros, because the format says so: a ZERO extent.</summary>
/// <param name="length">How many bytes.</param>
internal sealed class ZeroMap(long length) : BlockMap
{
    /// <inheritdoc/>
    public override long Length => length;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> buffer) => buffer.Clear();

    /// <inheritdoc/>
    public override IEnumerable<DiskExtent> Extents(long offset, long length) => [new DiskExtent(offset, length, DiskExtentKind.Zero)];
}
