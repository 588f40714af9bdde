using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>Opens the extents that a descriptor lists, each by its own kind, and puts them in a row.</summary>
internal static class VmdkExtents
{
    private const int SectorSize = 512;
    private const int MaxExtents = 4096;

    /// <summary>Opens them.</summary>
    /// <param name="file">The descriptor's file.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="parent">What the disk lies over; null for a whole disk.</param>
    /// <param name="options">How the image is opened.</param>
    /// <param name="files">Takes the files that are opened; the caller closes them.</param>
    /// <param name="warnings">Takes what is odd and accepted.</param>
    /// <exception cref="DiskImageException">An extent is missing, damaged, or of a kind that is not read.</exception>
    public static BlockMap Open(
        DiskFile file, Descriptor descriptor, DiskImage? parent, DiskOpenOptions options, List<DiskFile> files, List<string> warnings)
    {
        if (descriptor.Extents.Count is 0 or > MaxExtents)
            throw DiskErrors.Corrupt(file.Path, 0, $"its descriptor names {descriptor.Extents.Count:N0} extents, which cannot be");
        var maps = new List<BlockMap>();
        long start = 0;
        foreach (var extent in descriptor.Extents)
        {
            if (extent.Sectors is 0 or > long.MaxValue / SectorSize || extent.Offset > long.MaxValue / SectorSize
                || start > long.MaxValue - ((long)extent.Sectors * SectorSize))
            {
                throw DiskErrors.Corrupt(file.Path, 0,
                    $"an extent is said to have {extent.Sectors:N0} sectors from sector {extent.Offset:N0} of its file, which cannot be");
            }
            if (extent.Access == "NOACCESS")
                throw DiskErrors.UnsupportedFeature(file.Path, 0, $"an extent '{extent.FileName}' that may not be read (NOACCESS)", DiskErrors.ConvertByQemu(file.Path, "vmdk"));
            var map = Open(file, extent, parent is null ? null : new Backing(parent, start), options, files, warnings);
            if (map.Length != (long)extent.Sectors * SectorSize)
            {
                throw DiskErrors.Corrupt(file.Path, 0,
                    $"its extent '{extent.FileName}' has {map.Length / SectorSize:N0} sectors and its descriptor says {extent.Sectors:N0}");
            }

            maps.Add(map);
            start += map.Length;
        }

        return maps.Count == 1 ? maps[0] : new ConcatMap(maps);
    }

    private static BlockMap Open(
        DiskFile file, DescriptorExtent extent, Backing? below, DiskOpenOptions options, List<DiskFile> files, List<string> warnings)
    {
        var length = (long)extent.Sectors * SectorSize;
        if (extent.Type == "ZERO")
            return new ZeroMap(length);
        if (extent.Type is not ("FLAT" or "VMFS" or "SPARSE" or "VMFSSPARSE" or "SESPARSE"))
            throw DiskErrors.UnsupportedFeature(file.Path, 0, $"an extent of the kind {Shortened(extent.Type)}", OnDevice);
        var part = DiskFile.Open(DiskReference.ResolveAny(file.Path, [extent.FileName], "extent", options));
        files.Add(part);
        switch (extent.Type)
        {
            case "SPARSE":
                var header = SparseExtentHeader.Parse(part.Read(0, SparseExtentHeader.Size))
                    ?? throw DiskErrors.Corrupt(part.Path, 0, "the header of a sparse extent is missing");
                return SparseExtent.Open(part, header, warnings, below);
            case "VMFSSPARSE":
                return CowdExtent.Open(part, below);
            case "SESPARSE":
                return SeSparseMap.Open(part, below);
            default:
                return new LinearMap(part, (long)extent.Offset * SectorSize, length);
        }
    }

    /// <summary>The remedy for what lies on no file.</summary>
    internal const string OnDevice =
        "Its data is on a physical device: clone the disk to a file on its VMware host (vmkfstools -i, or vmware-vdiskmanager -r) and import that.";

    private static string Shortened(string text) => text.Length > 40 ? text[..40] + "..." : text;
}
