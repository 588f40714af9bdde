using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Disks.Raw;

/// <summary>
/// The disk's bytes as they are. It has no signature, so it is taken by the file's extension, or by a partition table or file system
/// where the extension is not another format's. A partition that ends beyond the file is damage: the file has been cut.
/// </summary>
public sealed class RawFormat : DiskFormat
{
    private const int SmallestSector = 512;

    /// <inheritdoc/>
    public override string Name => "raw";

    /// <inheritdoc/>
    public override string DisplayName => "raw disk";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".raw", ".img"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe)
    {
        if (Extensions.Contains(probe.Extension))
            return true;
        if (Known.Any(f => f != this && f.Extensions.Contains(probe.Extension)))
            return false;
        return PartitionTable.LooksLikeOne(probe.Head) || FileSystemSignature.Recognise(probe.Head) is not null;
    }

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        if (file.Length < SmallestSector)
            throw DiskErrors.Truncated(file.Path, 0, SmallestSector, file.Length);
        var table = PartitionTable.Read(file.Length, [512, 4096], file.Read);
        if (table.RequiredLength > file.Length)
        {
            throw new DiskImageException(DiskImageFault.Truncated, file.Path, file.Length,
                $"its partition table needs {table.RequiredLength:N0} bytes and the file ends before that, so its end is missing",
                "Copy the image again from its source and compare sizes; if the source itself is like this, export the disk anew.");
        }

        return new RawImage(this, file, table.SectorSize);
    }
}
