using System.Globalization;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>The disk of VMware: a sparse file with its descriptor inside, one compressed for transport, or a descriptor beside a flat file.</summary>
internal sealed class VmdkFormat : DiskFormat
{
    private const int SectorSize = 512;

    private static readonly string[] ReadInOneFile = ["monolithicSparse", "streamOptimized"];

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
            return OpenSparse(file, head);
        if (!Descriptor.IsAt(head))
            throw DiskErrors.Corrupt(file.Path, 0, "there is neither a VMDK descriptor nor the header of a sparse extent");
        return OpenDescriptor(file, options);
    }

    /// <summary>Whether the header names no descriptor: a piece of a disk that only another file describes.</summary>
    private static bool IsBareExtent(ReadOnlySpan<byte> head) =>
        head.Length >= SparseExtentHeader.Size && SparseExtentHeader.Parse(head) is { DescriptorOffset: 0 };

    private MappedImage OpenSparse(DiskFile file, byte[] head)
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
        var map = SparseExtent.Open(file, header, warnings);
        if (descriptor.Extents is [{ } extent, ..] && (extent.Sectors > long.MaxValue / SectorSize || (long)extent.Sectors * SectorSize != map.Length))
        {
            warnings.Add($"The descriptor gives a size of {extent.Sectors:N0} sectors and the header one of {map.Length / SectorSize:N0}; "
                + "the header's was used.");
        }

        map.Verify();
        return new MappedImage(this, header.HasCompressedGrains ? "streamOptimized" : "monolithicSparse", map, [file], DetailsOf(descriptor), warnings);
    }

    private MappedImage OpenDescriptor(DiskFile file, DiskOpenOptions options)
    {
        if (file.Length > Descriptor.MaxLength)
            throw DiskErrors.Corrupt(file.Path, 0, $"it starts as a VMDK descriptor and is {file.Length:N0} bytes long, too long for one");
        var descriptor = Descriptor.Parse(file.Path, 0, file.Read(0, (int)file.Length));
        if (!descriptor.CreateType.Equals("monolithicFlat", StringComparison.OrdinalIgnoreCase))
            throw UnsupportedKind(file, descriptor);
        CheckDescriptor(file, descriptor);
        if (descriptor.Extents is not [{ Type: "FLAT" } extent])
        {
            throw DiskErrors.Corrupt(file.Path, 0,
                $"a monolithicFlat VMDK has one FLAT extent, and its descriptor names {descriptor.Extents.Count} extents, or another kind");
        }
        if (extent.Sectors is 0 or > long.MaxValue / SectorSize || extent.Offset > long.MaxValue / SectorSize)
        {
            throw DiskErrors.Corrupt(file.Path, 0,
                $"its extent is said to have {extent.Sectors:N0} sectors from sector {extent.Offset:N0}, which cannot be");
        }

        var flat = DiskFile.Open(DiskReference.Resolve(file.Path, extent.FileName, "extent", options));
        try
        {
            BlockMap map = new LinearMap(flat, (long)extent.Offset * SectorSize, (long)extent.Sectors * SectorSize);
            return new MappedImage(this, "monolithicFlat", map, [file, flat], DetailsOf(descriptor), Odd(descriptor));
        }
        catch
        {
            flat.Dispose();
            throw;
        }
    }

    private static DiskImageException BareExtent(DiskFile file) =>
        DiskErrors.UnsupportedFormat(file.Path, "one extent of a VMware VMDK, without the descriptor that says how to read it",
            "Name the small .vmdk text file beside it, which lists the extents.");

    private static void CheckDescriptor(DiskFile file, Descriptor descriptor)
    {
        if (descriptor.ParentCid != Descriptor.NoParent)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 0, "a VMDK that holds only what differs from its parent (a snapshot or a linked clone)",
                "With its parents beside it, make one whole disk of it and import that: " + DiskErrors.ConvertByQemu(file.Path, "vmdk"));
        }

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
        var apart = ReadInOneFile.Contains(kind, StringComparer.OrdinalIgnoreCase) ? ", whose descriptor is a file of its own," : "";
        return DiskErrors.UnsupportedFeature(file.Path, 0, $"a VMDK of the kind {kind}{apart}", kind.ToUpperInvariant() switch
        {
            "FULLDEVICE" or "PARTITIONEDDEVICE" or "VMFSRAW" or "VMFSRDM" or "VMFSRAWDEVICEMAP" or "VMFSPASSTHROUGHRAWDEVICEMAP" =>
                "Its data is on a physical device: clone the disk to a file on its VMware host (vmkfstools -i, or vmware-vdiskmanager -r) "
                + "and import that.",
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
