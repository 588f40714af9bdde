using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>Opens a hosted sparse extent: checks its header's numbers against each other and the file, before anything is read by them.</summary>
internal static class SparseExtent
{
    private const int SectorSize = 512;
    private const uint MaxTableEntries = 512;
    private const ulong MaxGrain = 1 << 21;
    private const ulong MaxPackedGrain = (2 << 20) / SectorSize;
    private const ushort Deflate = 1;

    /// <summary>Maps the extent's grains.</summary>
    /// <param name="file">The extent's file.</param>
    /// <param name="header">The header at its start.</param>
    /// <param name="warnings">Takes what is odd and accepted.</param>
    /// <param name="below">What shows where there is no grain; null for zeros.</param>
    /// <exception cref="DiskImageException">The header is damaged or uses what this version does not read.</exception>
    public static VmdkGrainMap Open(DiskFile file, SparseExtentHeader header, List<string> warnings, Backing? below)
    {
        CheckFeatures(file, header);
        if (header.UncleanShutdown)
            warnings.Add("The disk was not closed properly; what was last written to it may be missing.");
        var effective = header.GdOffset == SparseExtentHeader.GdAtEnd ? ReadFooter(file) : header;
        return new VmdkGrainMap(file, LayoutOf(file, effective)) { Below = below };
    }

    private static void CheckFeatures(DiskFile file, SparseExtentHeader header)
    {
        var remedy = DiskErrors.ConvertByQemu(file.Path, "vmdk");
        if (header.Version is < 1 or > 3)
            throw DiskErrors.UnsupportedFeature(file.Path, 4, $"version {header.Version} of the sparse extent header", remedy);
        if (!header.HasGoodNewLines)
        {
            throw DiskErrors.Corrupt(file.Path, 73,
                "the file was transferred as text, and its line ends were changed on the way: all of it is damaged");
        }
        if (header.HasCompressedGrains != (header.CompressAlgorithm == Deflate) && header.CompressAlgorithm <= Deflate)
            throw DiskErrors.Corrupt(file.Path, 77, "the sparse extent header contradicts itself on whether grains are compressed");
        if (header.CompressAlgorithm > Deflate)
            throw DiskErrors.UnsupportedFeature(file.Path, 77, $"the compression algorithm {header.CompressAlgorithm}", remedy);
        if (header.HasCompressedGrains && !header.HasMarkers)
            throw DiskErrors.UnsupportedFeature(file.Path, 8, "a VMDK with compressed grains that have no markers", remedy);
    }

    /// <summary>Reads the footer: a marker, a header that knows the grain directory, and the end-of-stream marker end the file.</summary>
    private static SparseExtentHeader ReadFooter(DiskFile file)
    {
        var at = file.Length - (2 * Marker.Size) - SparseExtentHeader.Size;
        if (at >= SparseExtentHeader.Size)
        {
            var bytes = file.Read(at, (2 * Marker.Size) + SparseExtentHeader.Size).AsSpan();
            var end = Marker.Parse(bytes[^Marker.Size..]);
            if (Marker.Parse(bytes) is { ByteCount: 0, Type: MarkerType.Footer } && end is { Val: 0, ByteCount: 0, Type: MarkerType.EndOfStream }
                && SparseExtentHeader.Parse(bytes[Marker.Size..]) is { } footer && footer.GdOffset != SparseExtentHeader.GdAtEnd)
            {
                CheckFeatures(file, footer);
                return footer;
            }
        }

        throw new DiskImageException(DiskImageFault.Truncated, file.Path, Math.Max(0, at),
            "its end is missing: a stream-optimized VMDK ends with a footer, and there is none",
            "Download or export the disk again and compare sizes: the transfer broke off.");
    }

    private static GrainLayout LayoutOf(DiskFile file, SparseExtentHeader header)
    {
        var maxGrain = header.HasCompressedGrains ? MaxPackedGrain : MaxGrain;
        if (header.GrainSize == 0 || header.GrainSize > maxGrain || !BitOperations.IsPow2(header.GrainSize))
            throw DiskErrors.Corrupt(file.Path, 20, $"the grain size is {header.GrainSize:N0} sectors, which cannot be");
        if (header.NumGtesPerGt is 0 or > MaxTableEntries)
            throw DiskErrors.Corrupt(file.Path, 44, $"a grain table has {header.NumGtesPerGt:N0} entries, which cannot be");
        if (header.Capacity is 0 or > long.MaxValue / SectorSize)
            throw DiskErrors.Corrupt(file.Path, 12, $"the capacity is {header.Capacity:N0} sectors, which cannot be");

        // The embedded descriptor's place is the header's; in a footer it need not be sensible.
        (long, long) descriptor = header.DescriptorOffset < uint.MaxValue && header.DescriptorSize < uint.MaxValue
            ? ((long)header.DescriptorOffset * SectorSize, (long)header.DescriptorSize * SectorSize)
            : default;
        var layout = new GrainLayout(header.Capacity, header.GrainSize, header.NumGtesPerGt, header.GdOffset, header.HasCompressedGrains, header.UsesZeroedGrains,
            (0, SparseExtentHeader.Size), descriptor);

        // This bounds the capacity, too: its directory has to be in the file.
        if (header.GdOffset == 0 || header.GdOffset > (ulong)file.Length / SectorSize || layout.Directory > file.Length - layout.DirectoryLength)
            throw DiskErrors.PointsOutside(file.Path, 56, unchecked((long)(header.GdOffset * SectorSize)), layout.DirectoryLength, file.Length);
        return layout;
    }
}
