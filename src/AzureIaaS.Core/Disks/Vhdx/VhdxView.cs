using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The tables of a VHDX, with what its log has still to write laid over them.</summary>
/// <param name="file">The image's file.</param>
/// <param name="log">The log; null where there is nothing to replay.</param>
internal sealed class VhdxView(DiskFile file, VhdxLog? log) : MetadataView(file)
{
    /// <inheritdoc/>
    protected override void Load(long offset, Span<byte> page)
    {
        base.Load(offset, page);
        log?.Apply(offset, page);
    }
}
