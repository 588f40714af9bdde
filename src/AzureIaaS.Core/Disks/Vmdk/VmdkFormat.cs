using System.Globalization;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>
/// The disk of VMware: a sparse file with its descriptor inside, one compressed for transport, or a descriptor of its own that lists flat,
/// sparse, COWD and seSparse extents; whole, or what differs from a parent.
/// </summary>
internal sealed class VmdkFormat : DiskFormat
{
    private const int SectorSize = 512;

    private static readonly string[] ReadInOneFile = ["monolithicSparse", "streamOptimized"];

    private static readonly string[] ReadByDescriptor =
    [
        "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "2GbMaxExtentSparse", "2GbMaxExtentFlat", "vmfs", "vmfsThin", "vmfsPreallocated", "vmfsEagerZeroedThick", "vmfsSparse",
        "seSparse", "custom", .. ReadInOneFile,
    ];

    private static readonly (string Name, string Key)[] DetailKeys =
        [("AdapterType", "ddb.adapterType"), ("HardwareVersion", "ddb.virtualHWVersion"), ("ToolsVersion", "ddb.toolsVersion")];

    /// <inheritdoc/>
    public override string Name => "vmdk";

    /// <inheritdoc/>
    public override string DisplayName => "VMware VMDK";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".vmdk"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) =>
        Descriptor.IsAt(probe.Head) || (probe.HasAt(0, SparseExtentHeader.Magic) && !IsBareExtent(probe.Head));

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        var head = file.Read(0, (int)Math.Min(file.Length, SparseExtentHeader.Size));
        if (head.AsSpan().StartsWith(SparseExtentHeader.Magic))
            return OpenSparse(file, head, options);
        if (!Descriptor.IsAt(head))
            throw DiskErrors.Corrupt(file.Path, 0, "there is neither a VMDK descriptor nor the header of a sparse extent");
        return OpenDescriptor(file, options);
    }

    /// <summary>Whether the header names no descriptor: a piece of a disk that only another file describes.</summary>
    private static bool IsBareExtent(ReadOnlySpan<byte> head) =>
        head.Length >= SparseExtentHeader.Size && SparseExtentHeader.Parse(head) is { DescriptorOffset: 0 };

    private MappedImage OpenSparse(DiskFile file, byte[] head, DiskOpenOptions options)
    {
        if (head.Length < SparseExtentHeader.Size)
            throw DiskErrors.Truncated(file.Path, 0, SparseExtentHeader.Size, file.Length);
        if (IsBareExtent(head))
            throw BareExtent(file);
        var header = SparseExtentHeader.Parse(head)!;
        if (header.DescriptorSize > Descriptor.MaxLength / SectorSize || header.DescriptorOffset > (ulong)file.Length / SectorSize)
        {
            throw DiskErrors.Corrupt(file.Path, 28,
                $"its descriptor is said to be at sector {header.DescriptorOffset:N0} with {header.DescriptorSize:N0} sectors, which cannot be");
        }
        var at = (long)header.DescriptorOffset * SectorSize;
        var text = file.Read(at, (int)header.DescriptorSize * SectorSize);

        // Some writers leave room for a descriptor in every extent and put none there.
        if (text is [] or [0, ..])
            throw BareExtent(file);
        var descriptor = Descriptor.Parse(file.Path, at, text);
        if (!ReadInOneFile.Contains(descriptor.CreateType, StringComparer.OrdinalIgnoreCase))
            throw UnsupportedKind(file, descriptor);
        CheckDescriptor(file, descriptor);

        var warnings = Odd(descriptor);
        var parent = OpenParent(file, descriptor, options);
        try
        {
            var map = SparseExtent.Open(file, header, warnings, parent is null ? null : new Backing(parent));
            if (descriptor.Extents is [{ } extent, ..] && (extent.Sectors > long.MaxValue / SectorSize || (long)extent.Sectors * SectorSize != map.Length))
            {
                warnings.Add($"The descriptor gives a size of {extent.Sectors:N0} sectors and the header one of {map.Length / SectorSize:N0}; "
                    + "the header's was used.");
            }

            if (!options.SkipTables)
                map.Verify();
            return new MappedImage(this, header.HasCompressedGrains ? "streamOptimized" : "monolithicSparse", map, [file], DetailsOf(descriptor), warnings, parent: parent);
        }
        catch
        {
            parent?.Dispose();
            throw;
        }
    }

    private MappedImage OpenDescriptor(DiskFile file, DiskOpenOptions options)
    {
        if (file.Length > Descriptor.MaxLength)
            throw DiskErrors.Corrupt(file.Path, 0, $"it starts as a VMDK descriptor and is {file.Length:N0} bytes long, too long for one");
        var descriptor = Descriptor.Parse(file.Path, 0, file.Read(0, (int)file.Length));
        var kind = ReadByDescriptor.FirstOrDefault(k => k.Equals(descriptor.CreateType, StringComparison.OrdinalIgnoreCase))
            ?? throw UnsupportedKind(file, descriptor);
        CheckDescriptor(file, descriptor);
        var warnings = Odd(descriptor);
        var files = new List<DiskFile> { file };
        var parent = OpenParent(file, descriptor, options);
        try
        {
            var map = VmdkExtents.Open(file, descriptor, parent, options, files, warnings);
            if (!options.SkipTables)
                map.Verify();
            return new MappedImage(this, kind, map, files, DetailsOf(descriptor), warnings, parent: parent);
        }
        catch
        {
            parent?.Dispose();
            foreach (var extent in files.Skip(1))
                extent.Dispose();
            throw;
        }
    }

    /// <summary>Opens the parent by its recorded name, and checks that it is the one by its CID; null for a whole disk.</summary>
    private static DiskImage? OpenParent(DiskFile file, Descriptor descriptor, DiskOpenOptions options)
    {
        if (descriptor.ParentCid == Descriptor.NoParent)
            return null;
        var hint = descriptor["parentFileNameHint"];
        if (string.IsNullOrEmpty(hint))
            throw DiskErrors.Corrupt(file.Path, 0, "it holds only what differs from its parent, and its descriptor does not name that (parentFileNameHint)");
        var path = DiskReference.ResolveAny(file.Path, [hint], "parent", options);
        var parent = DiskParent.Open(file.Path, path, "vmdk", options);
        var wanted = descriptor.ParentCid.ToString("x8", CultureInfo.InvariantCulture);
        var cid = parent.Details.GetValueOrDefault("Cid", "missing");
        if (cid == wanted)
            return parent;
        parent.Dispose();
        throw DiskParent.IsAnother(file.Path, path, $"its CID is {cid}, and the parent's was {wanted}");
    }

    private static DiskImageException BareExtent(DiskFile file) =>
        DiskErrors.UnsupportedFormat(file.Path, "one extent of a VMware VMDK, without the descriptor that says how to read it",
            "Name the small .vmdk text file beside it, which lists the extents.");

    private static void CheckDescriptor(DiskFile file, Descriptor descriptor)
    {
        if (descriptor.IsEncrypted)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 0, "an encrypted VMDK",
                "Remove the encryption in VMware (Workstation: VM, Settings, Options, Access Control; vSphere: a storage policy without it) "
                + "and export the disk again.");
        }
    }

    private static DiskImageException UnsupportedKind(DiskFile file, Descriptor descriptor)
    {
        var kind = descriptor.CreateType.Length > 40 ? descriptor.CreateType[..40] + "..." : descriptor.CreateType;
        var apart = ReadByDescriptor.Contains(kind, StringComparer.OrdinalIgnoreCase) ? ", whose descriptor is inside a sparse extent," : "";
        return DiskErrors.UnsupportedFeature(file.Path, 0, $"a VMDK of the kind {kind}{apart}", kind.ToUpperInvariant() switch
        {
            "FULLDEVICE" or "PARTITIONEDDEVICE" or "VMFSRAW" or "VMFSRDM" or "VMFSRAWDEVICEMAP" or "VMFSPASSTHROUGHRAWDEVICEMAP" =>
                VmdkExtents.OnDevice,
            _ => DiskErrors.ConvertByQemu(file.Path, "vmdk"),
        });
    }

    private static List<string> Odd(Descriptor descriptor) =>
        descriptor.Cid is null ? ["The descriptor has no CID, so whether its snapshots belong to it cannot be told."] : [];

    private static Dictionary<string, string> DetailsOf(Descriptor descriptor)
    {
        var details = new Dictionary<string, string> { ["CreateType"] = descriptor.CreateType };
        if (descriptor.Cid is { } cid)
            details["Cid"] = cid.ToString("x8", CultureInfo.InvariantCulture);
        foreach (var (name, key) in DetailKeys)
        {
            if (descriptor[key] is { } value)
                details[name] = value;
        }

        return details;
    }
}
