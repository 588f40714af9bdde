using System.Globalization;
using System.Text;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The Virtual Hard Disk v2 of Hyper-V (MS-VHDX): fixed, dynamic and differencing, with logical sectors of 512 and 4096 bytes.</summary>
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
        if (header.Version != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, VhdxHeader.FirstAt, $"VHDX version {header.Version}", DiskErrors.ConvertByHyperV(file.Path));
        var log = header.LogGuid == Guid.Empty ? null : VhdxLog.Read(file, header);
        if (log is not null)
            warnings.Add("It was not closed properly; its log was replayed in memory, and the file is as it was.");

        var view = new VhdxView(file, log);
        var regions = ReadRegions(file, view, warnings);
        var metadata = VhdxMetadata.Read(view, Required(file, regions, RegionTable.Metadata, "metadata"));
        var parent = metadata.HasParent ? OpenParent(file, metadata, options) : null;
        try
        {
            var map = new VhdxBlockMap(file, view, metadata, Occupied(header, regions), Required(file, regions, RegionTable.Bat, "block allocation table"))
            {
                Below = parent is null ? null : new Backing(parent),
                LastFileOffset = log?.LastFileOffset ?? file.Length,
            };
            if (!options.SkipTables)
                map.Verify();
            var variant = parent is not null ? "differencing" : metadata.LeaveBlocksAllocated ? "fixed" : "dynamic";
            return new MappedImage(this, variant, map, [file], DetailsOf(file, header, metadata), warnings, metadata.LogicalSectorSize, parent);
        }
        catch
        {
            parent?.Dispose();
            throw;
        }
    }

    /// <summary>Opens the parent by whatever path of it is recorded, and checks that it is the one by its linkage, which is its DataWriteGuid.</summary>
    private static DiskImage OpenParent(DiskFile file, VhdxMetadata metadata, DiskOpenOptions options)
    {
        var locator = metadata.ParentLocator;
        string[] names = [.. ParentLocator.PathKeys.Select(k => locator.GetValueOrDefault(k)).OfType<string>().Where(n => n.Length > 0)];
        var path = DiskReference.ResolveAny(file.Path, names, "parent", options);
        var parent = DiskParent.Open(file.Path, path, "vhdx", options);
        try
        {
            var id = Guid.Parse(parent.Details["DataWriteGuid"]);
            var linkages = new[] { ParentLocator.Linkage, ParentLocator.Linkage2 }.Select(k => locator.GetValueOrDefault(k)).OfType<string>().ToArray();
            if (!linkages.Any(l => Guid.TryParse(l, out var linkage) && linkage == id))
                throw DiskParent.IsAnother(file.Path, path, $"its DataWriteGuid is {id:D}, and the parent's was {linkages.FirstOrDefault("not recorded")}");
            if (parent.LogicalSectorSize != metadata.LogicalSectorSize)
            {
                throw DiskParent.IsAnother(file.Path, path,
                    $"its sectors are of {parent.LogicalSectorSize} bytes, and the image's of {metadata.LogicalSectorSize}");
            }

            return parent;
        }
        catch
        {
            parent.Dispose();
            throw;
        }
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

    private static IReadOnlyList<RegionTableEntry> ReadRegions(DiskFile file, VhdxView view, List<string> warnings)
    {
        var bytes = new byte[RegionTable.Size];
        view.Read(RegionTable.FirstAt, bytes);
        var first = RegionTable.Parse(bytes);
        view.Read(RegionTable.SecondAt, bytes);
        var second = RegionTable.Parse(bytes);
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

    private static Dictionary<string, string> DetailsOf(DiskFile file, VhdxHeader header, VhdxMetadata metadata) => new()
    {
        ["Creator"] = CreatorOf(file.Read(Signature.Length, 512)),
        ["BlockSize"] = metadata.BlockSize.ToString(CultureInfo.InvariantCulture),
        ["PhysicalSectorSize"] = metadata.PhysicalSectorSize.ToString(CultureInfo.InvariantCulture),
        ["VirtualDiskId"] = metadata.VirtualDiskId.ToString("D"),
        ["DataWriteGuid"] = header.DataWriteGuid.ToString("D"),
    };

    /// <summary>Who made the file, in the file type identifier (MS-VHDX 2.2.1): UTF-16, ended by a zero.</summary>
    private static string CreatorOf(ReadOnlySpan<byte> bytes)
    {
        var creator = Encoding.Unicode.GetString(bytes);
        var end = creator.IndexOf('\0', StringComparison.Ordinal);
        return end < 0 ? creator : creator[..end];
    }
}
