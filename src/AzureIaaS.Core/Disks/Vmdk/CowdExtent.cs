using System.Buffers.Binary;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>
/// The sparse extent of ESX and of VMware Workstation 3 (VMware Virtual Disk Format 5.0, "ESX Server Sparse Extents"): COWD. Its tables
/// are as those of a hosted one, with 4096 entries each.
/// </summary>
internal static class CowdExtent
{
    private const int SectorSize = 512;
    private const int HeaderSize = 2048;
    private const uint TableEntries = 4096;
    private const uint MaxGrain = 1 << 21;

    /// <summary>The first four bytes.</summary>
    public static ReadOnlySpan<byte> Magic => "COWD"u8;

    /// <summary>Maps the extent's grains.</summary>
    /// <param name="file">The extent's file.</param>
    /// <param name="below">What shows where there is no grain; null for zeros.</param>
    /// <exception cref="DiskImageException">The header is damaged or of an unknown version.</exception>
    public static VmdkGrainMap Open(DiskFile file, Backing? below)
    {
        var header = file.Read(0, HeaderSize).AsSpan();
        if (!header.StartsWith(Magic))
            throw DiskErrors.Corrupt(file.Path, 0, "the header of a sparse extent of ESX (COWD) is missing");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (version != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, 4, $"version {version} of a sparse extent of ESX (COWD)", DiskErrors.ConvertByQemu(file.Path, "vmdk"));
        var sectors = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        var grain = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        var directory = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
        if (sectors == 0 || grain is 0 or > MaxGrain || !BitOperations.IsPow2(grain))
            throw DiskErrors.Corrupt(file.Path, 12, $"the header gives {sectors:N0} sectors in grains of {grain:N0}, which cannot be");
        var layout = new GrainLayout(sectors, grain, TableEntries, directory, IsPacked: false, UsesZeroedGrains: false, (0, HeaderSize));
        if (directory == 0 || layout.Directory > file.Length - layout.DirectoryLength)
            throw DiskErrors.PointsOutside(file.Path, 20, layout.Directory, layout.DirectoryLength, file.Length);
        return new VmdkGrainMap(file, layout) { Below = below };
    }
}
