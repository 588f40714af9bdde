using System.Globalization;
using System.Text;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The Virtual Hard Disk v2 of Hyper-V (MS-VHDX): fixed and dynamic, with logical sectors of 512 and 4096 bytes.</summary>
internal sealed class VhdxFormat : DiskFormat
{
    private const int SectionAlignment = 1 << 20;

    /// <inheritdoc/>
    public override string Name => "vhdx";

    /// <inheritdoc/>
    public override string DisplayName => "Hyper-V VHDX";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".vhdx", ".avhdx"];

    private static ReadOnlySpan<byte> Signature => "vhdxfile"u8;

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) => probe.HasAt(0, Signature) && probe.Extension != ".vhds";

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        if (!file.Read(0, Signature.Length).AsSpan().SequenceEqual(Signature))
            throw DiskErrors.Corrupt(file.Path, 0, "the VHDX signature is missing");
        var warnings = new List<string>();
        var header = ReadHeader(file, warnings);
        CheckVersionAndLog(file, header);

        // The one place for a log's replay: laid over the view, it would reach every table below.
        var view = new MetadataView(file);
        var regions = ReadRegions(file, warnings);
        var metadata = VhdxMetadata.Read(view, Required(file, regions, RegionTable.Metadata, "metadata"));
        if (metadata.HasParent)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 0,
                "a differencing VHDX, which holds only what differs from its parent,", DiskErrors.ConvertByHyperV(file.Path));
        }

        var map = new VhdxBlockMap(file, view, metadata, Occupied(header, regions), Required(file, regions, RegionTable.Bat, "block allocation table"));
        map.Verify();
        var variant = metadata.LeaveBlocksAllocated ? "fixed" : "dynamic";
        return new MappedImage(this, variant, map, [file], DetailsOf(file, metadata), warnings, metadata.LogicalSectorSize);
    }

    private static VhdxHeader ReadHeader(DiskFile file, List<string> warnings)
    {
        var first = VhdxHeader.Parse(file.Read(VhdxHeader.FirstAt, VhdxHeader.Size));
        var second = VhdxHeader.Parse(file.Read(VhdxHeader.SecondAt, VhdxHeader.Size));
        if (first is null && second is null)
            throw DiskErrors.Corrupt(file.Path, VhdxHeader.FirstAt, "both copies of the header are damaged");
        if (first is null || second is null)
            warnings.Add($"The {(first is null ? "first" : "second")} copy of the header is damaged; the other one was used.");
        return second is null || first?.SequenceNumber >= second.SequenceNumber ? first! : second;
    }

    private static void CheckVersionAndLog(DiskFile file, VhdxHeader header)
    {
        if (header.Version != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, VhdxHeader.FirstAt, $"VHDX version {header.Version}", DiskErrors.ConvertByHyperV(file.Path));
        if (header.LogGuid != Guid.Empty)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, VhdxHeader.FirstAt,
                "a VHDX that was not closed properly, whose log has to be replayed first,",
                "On a copy of it, let QEMU's tool replay the log: qemu-img check -r all COPY.vhdx; "
                + "or attach it once in Hyper-V: Mount-VHD, then Dismount-VHD.");
        }
    }

    private static IReadOnlyList<RegionTableEntry> ReadRegions(DiskFile file, List<string> warnings)
    {
        var first = RegionTable.Parse(file.Read(RegionTable.FirstAt, RegionTable.Size));
        var second = RegionTable.Parse(file.Read(RegionTable.SecondAt, RegionTable.Size));
        if (first is null || second is null)
            warnings.Add($"The {(first is null ? "first" : "second")} copy of the region table is damaged; the other one was used.");
        var table = first ?? second ?? throw DiskErrors.Corrupt(file.Path, RegionTable.FirstAt, "both copies of the region table are damaged");
        foreach (var region in table)
        {
            if (region.Guid != RegionTable.Bat && region.Guid != RegionTable.Metadata && region.Required)
            {
                throw DiskErrors.UnsupportedFeature(file.Path, RegionTable.FirstAt,
                    $"the required region {region.Guid}", DiskErrors.ConvertByHyperV(file.Path));
            }
            if (region.FileOffset < SectionAlignment || region.FileOffset % SectionAlignment != 0 || region.Length == 0)
            {
                throw DiskErrors.Corrupt(file.Path, RegionTable.FirstAt,
                    $"the region {region.Guid} is placed at byte {region.FileOffset}, which cannot be");
            }
            if (region.FileOffset > (ulong)file.Length || region.Length > file.Length - (long)region.FileOffset)
                throw DiskErrors.PointsOutside(file.Path, RegionTable.FirstAt, (long)region.FileOffset, region.Length, file.Length);
        }

        return table;
    }

    private static RegionTableEntry Required(DiskFile file, IReadOnlyList<RegionTableEntry> regions, Guid guid, string name)
    {
        var found = regions.Where(r => r.Guid == guid).ToArray();
        return found.Length == 1
            ? found[0]
            : throw DiskErrors.Corrupt(file.Path, RegionTable.FirstAt, $"the region table names {found.Length} regions for the {name}");
    }

    private static (long Start, long Length)[] Occupied(VhdxHeader header, IReadOnlyList<RegionTableEntry> regions)
    {
        var occupied = regions.Select(r => ((long)r.FileOffset, (long)r.Length)).Append((0, SectionAlignment));
        return [.. header.LogOffset > long.MaxValue / 2 ? occupied : occupied.Append(((long)header.LogOffset, header.LogLength))];
    }

    private static Dictionary<string, string> DetailsOf(DiskFile file, VhdxMetadata metadata) => new()
    {
        ["Creator"] = CreatorOf(file.Read(Signature.Length, 512)),
        ["BlockSize"] = metadata.BlockSize.ToString(CultureInfo.InvariantCulture),
        ["PhysicalSectorSize"] = metadata.PhysicalSectorSize.ToString(CultureInfo.InvariantCulture),
        ["VirtualDiskId"] = metadata.VirtualDiskId.ToString("D"),
    };

    /// <summary>Who made the file, in the file type identifier (MS-VHDX 2.2.1): UTF-16, ended by a zero.</summary>
    private static string CreatorOf(ReadOnlySpan<byte> bytes)
    {
        var creator = Encoding.Unicode.GetString(bytes);
        var end = creator.IndexOf('\0', StringComparison.Ordinal);
        return end < 0 ? creator : creator[..end];
    }
}
