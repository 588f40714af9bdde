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
        return SourceOf(path, description, [.. description.Disks.Select(d => Inspect(appliance.Find(d.Reference, options), d, options, cancellation))], options.Root);
    }

    /// <summary>Looks over the disks of a machine that was described elsewhere, by their full paths.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="description">What it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">A disk is unknown, not supported or damaged.</exception>
    public static ImportSource Read(ImportRequest request, MachineDescription description, CancellationToken cancellation)
    {
        var disks = description.Disks.Select(d => Inspect(d.Reference, d,
            new DiskOpenOptions { Root = request.Root ?? ImportRoot.For(d.Reference), ExternalReferences = request.ExternalReferences }, cancellation)).ToList();
        return SourceOf(description.Name ?? request.Path, description, disks, request.Root);
    }

    /// <summary>The images that a file stands for, and how to open each: those of the machine that it describes, or itself.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How images may be opened.</param>
    /// <exception cref="IaaSException">It is no description after all, or a disk of it is missing.</exception>
    public static IEnumerable<(string Path, DiskOpenOptions Options, DiskController Controller)> DisksOf(string path, DiskOpenOptions options)
    {
        if (!Extensions.Contains(Path.GetExtension(SourcePath.FileName(path)), StringComparer.OrdinalIgnoreCase))
            return [(path, options, DiskController.Unknown)];
        var appliance = Appliance.Open(SourcePath.Full(path));
        var its = options with { Root = options.Root ?? appliance.Root };
        return appliance.Description.Disks.Select(d => (appliance.Find(d.Reference, its), its with { Format = d.Format }, d.Controller));
    }

    private static ImportSource SourceOf(string what, MachineDescription description, List<ImageInfo> disks, string? root) => new()
    {
        Format = description.Format,
        Name = description.Name ?? SourcePath.BaseName(what),
        Cpu = description.Cpu,
        Memory = description.Memory,
        Firmware = description.Firmware != Firmware.Unknown ? description.Firmware : disks[0].Firmware,
        Disks = disks,
        Root = root,
        Adapters = description.Adapters,
        Warnings = [.. description.Warnings.Select(w => $"{what}: {w}"), .. WarningsOf(what, description)],
    };

    private static ImageInfo Inspect(string path, DescribedDisk disk, DiskOpenOptions options, CancellationToken cancellation)
    {
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
