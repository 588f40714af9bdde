using AzureIaaS.Appliances;
using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>
/// A machine's description with its disks beside it: OVF, .vmx, libvirt XML, .vbox, Hyper-V XML; or an OVA archive, whose disks are read
/// from inside it.
/// </summary>
internal sealed class DescriptionInput : ImportInput
{
    private static readonly string[] Extensions = [".ova", ".ovf", ".vmx", ".vmtx", ".vbox", ".vbox-prev", ".xml", ".vmcx"];

    public override bool Takes(string path) => Extensions.Contains(Path.GetExtension(SourcePath.FileName(path)), StringComparer.OrdinalIgnoreCase);

    public override string NameOf(ImportRequest request) => Appliance.Open(request.Path, request.System).Description.Name ?? base.NameOf(request);

    public override ImportSource Read(ImportRequest request, CancellationToken cancellation)
    {
        var path = SourcePath.Full(request.Path);
        if (request.Format is { } format)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "FormatOfDescription", $"{path}: -Format {format} is for a disk image, and this describes a machine.",
                "Leave -Format out, or name the disk image itself.", path);
        }

        var appliance = Appliance.Open(path, request.System);
        var description = appliance.Description;
        if (description.Disks.Count == 0)
        {
            throw new IaaSException(ErrorKind.InvalidData, "NoDisks", $"{path}: it describes a machine without a disk.",
                "Name the machine's disk image itself, if there is one.", path);
        }

        var options = new DiskOpenOptions
        {
            Root = request.Root ?? appliance.Root, ExternalReferences = request.ExternalReferences, Snapshot = request.Snapshot,
        };
        var disks = description.Disks.Select(d => Inspect(appliance, d, options, cancellation)).ToList();
        return new ImportSource
        {
            Format = description.Format,
            Name = description.Name ?? SourcePath.BaseName(path),
            Cpu = description.Cpu,
            Memory = description.Memory,
            Firmware = description.Firmware != Firmware.Unknown ? description.Firmware : disks[0].Firmware,
            Disks = disks,
            Root = options.Root,
            Adapters = description.Adapters,
            Warnings = [.. description.Warnings.Select(w => $"{path}: {w}"), .. WarningsOf(path, description)],
        };
    }

    private static ImageInfo Inspect(Appliance appliance, DescribedDisk disk, DiskOpenOptions options, CancellationToken cancellation)
    {
        var path = appliance.Find(disk.Reference, options);
        if (disk.ChunkedLength is { } length)
        {
            using var file = DiskFile.Open(path);
            if (file.Length != length)
            {
                throw DiskErrors.Unreadable(path, $"its chunks have {file.Length:N0} bytes together, and the description says {length:N0}",
                    "Copy the chunks again from where the machine was exported.");
            }
        }

        var info = ImageInspection.Inspect(path, options with { Format = disk.Format }, cancellation);
        info.Controller = disk.Controller;
        info.ManifestDigest = disk.Digest;
        return info;
    }

    private static IEnumerable<string> WarningsOf(string path, MachineDescription description)
    {
        if (description.HasTpm)
            yield return $"{path}: the machine has a TPM, whose secrets do not come along: have the recovery keys of encrypted disks at hand.";
        if (description.SecureBoot == true)
            yield return $"{path}: the machine starts with Secure Boot at its origin; here it starts without.";
    }
}
