using AzureIaaS.Appliances;
using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>The image that a disk is linked to: opened again whenever its server starts, and only if it is still the same.</summary>
public static class LinkedImage
{
    /// <summary>Opens the image.</summary>
    /// <param name="disk">The disk, with its link.</param>
    /// <exception cref="IaaSException">It is gone, or has changed.</exception>
    /// <exception cref="DiskImageException">It cannot be read.</exception>
    public static DiskImage Open(VirtualDisk disk)
    {
        var link = disk.Link!;
        ImportSaga.CheckUnchanged(link.Files);
        var image = DiskFormat.OpenImage(disk.SourcePath!, new DiskOpenOptions
        {
            Format = disk.SourceFormat, Root = link.Root, ExternalReferences = [.. link.ExternalReferences], Snapshot = link.Snapshot,
        });
        if (image.Length == disk.Length)
            return image;
        image.Dispose();
        throw new IaaSException(ErrorKind.InvalidData, "SourceChanged", $"{disk.SourcePath}: the image has {image.Length:N0} bytes, and had {disk.Length:N0} when it was imported.",
            "Put the image back as it was, or remove the machine and import it again.", disk.SourcePath);
    }

    /// <summary>Compares the image with what the manifest beside it says, where there is one.</summary>
    /// <param name="disk">The disk, with its link.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is another.</exception>
    public static void VerifyManifest(VirtualDisk disk, CancellationToken cancellation)
    {
        if (disk.Link!.ManifestDigest is { } manifest)
            OvfManifest.Verify(disk.SourcePath!, manifest, cancellation);
    }
}
