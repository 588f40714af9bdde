using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>The XML of a libvirt domain (libvirt docs/formatdomain), as virsh dumpxml gives it.</summary>
internal sealed class LibvirtFormat : DescriptionFormat
{
    private static readonly Dictionary<string, string> FormatsByDriver = new(StringComparer.Ordinal)
    {
        ["raw"] = "raw", ["qcow2"] = "qcow2", ["qcow"] = "qcow", ["vmdk"] = "vmdk", ["vdi"] = "vdi", ["vpc"] = "vhd", ["vhdx"] = "vhdx",
    };

    /// <inheritdoc/>
    public override string Name => "libvirt";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => SafeXml.RootName(start) is "domain" or "domainsnapshot" or "domstatus";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes)
    {
        var root = SafeXml.Parse(path, bytes);
        var domain = root.Name.LocalName == "domain" ? root : root.Descendants().FirstOrDefault(e => e.Name.LocalName == "domain")
            ?? throw Invalid(path, "there is no domain in it");
        var os = domain.Child("os");
        var disks = (domain.Child("devices")?.Children("disk") ?? []).ToList();
        var warnings = new List<string>();
        return new MachineDescription
        {
            Format = Name,
            Name = domain.Text("name") is { Length: > 0 } name ? name : null,
            Cpu = int.TryParse(domain.Text("vcpu"), NumberStyles.None, CultureInfo.InvariantCulture, out var cpu) && cpu > 0 ? cpu : null,
            Memory = MemoryOf(domain.Child("currentMemory") ?? domain.Child("memory")),
            Firmware = FirmwareOf(os),
            SecureBoot = os.Child("loader").Attr("secure") is { } secure ? secure == "yes" : null,
            HasTpm = domain.Child("devices").Child("tpm") is not null,
            GuestOs = domain.Descendants().FirstOrDefault(e => e.Name.LocalName == "os" && e.Attr("id") is not null).Attr("id"),
            Disks = [.. disks.Where(d => d.Attr("device") is null or "disk" or "lun").OrderBy(OrderOf).Select(d => DiskOf(path, d, warnings)).OfType<DescribedDisk>()],
            MediaDrives = [.. disks.Where(d => d.Attr("device") == "cdrom").Select(d => d.Child("source").Attr("file"))],
            Adapters = [.. (domain.Child("devices")?.Children("interface") ?? []).Select(AdapterOf)],
            Warnings = warnings,
        };
    }

    private static long? MemoryOf(XElement? memory)
    {
        var unit = (memory.Attr("unit") ?? "KiB") switch
        {
            "b" or "bytes" => 1L,
            "KB" => 1000L,
            "k" or "KiB" => 1L << 10,
            "MB" => 1000_000L,
            "M" or "MiB" => 1L << 20,
            "GB" => 1000_000_000L,
            "G" or "GiB" => 1L << 30,
            "TB" => 1000_000_000_000L,
            "T" or "TiB" => 1L << 40,
            _ => 0,
        };
        return unit > 0 && long.TryParse(memory?.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue / unit
            ? number * unit : null;
    }

    private static Firmware FirmwareOf(XElement? os)
    {
        var loader = os.Child("loader");
        return os.Attr("firmware") == "efi" || loader.Attr("type") == "pflash"
            || (loader?.Value ?? "").Contains("OVMF", StringComparison.OrdinalIgnoreCase) || (loader?.Value ?? "").Contains("efi", StringComparison.OrdinalIgnoreCase)
            ? Firmware.Uefi
            : os is null ? Firmware.Unknown : Firmware.Bios;
    }

    /// <summary>What the firmware tries first by its order; then the order of the file.</summary>
    private static int OrderOf(XElement disk) =>
        int.TryParse(disk.Child("boot").Attr("order"), NumberStyles.None, CultureInfo.InvariantCulture, out var order) ? order : int.MaxValue;

    private static DescribedDisk? DiskOf(string path, XElement disk, List<string> warnings)
    {
        var target = disk.Child("target");
        var source = disk.Child("source");
        var file = source.Attr("file") ?? source.Attr("dev");
        if (string.IsNullOrEmpty(file))
        {
            if (source is not null)
            {
                throw NotSupported(path, $"the disk '{target.Attr("dev")}' lies in {(disk.Attr("type") is { } type ? $"a {type}" : "no file")}, which is not read",
                    "Copy the disk to a file (virsh vol-download, or qemu-img convert), and import it, or name it in the description as a file.");
            }

            warnings.Add($"The disk '{target.Attr("dev")}' has no source, and is left out.");
            return null;
        }

        return new DescribedDisk(file, ControllerOf(target), disk.Child("driver").Attr("type") is { } driver ? FormatsByDriver.GetValueOrDefault(driver) : null);
    }

    private static DiskController ControllerOf(XElement? target)
    {
        var name = target.Attr("dev") ?? "";
        return target.Attr("bus") switch
        {
            "ide" => DiskController.Ide,
            "sata" => DiskController.Sata,
            "virtio" => DiskController.VirtioBlk,
            "scsi" => DiskController.VirtioScsi,
            "nvme" => DiskController.Nvme,
            null when name.StartsWith("hd", StringComparison.Ordinal) => DiskController.Ide,
            null when name.StartsWith("vd", StringComparison.Ordinal) => DiskController.VirtioBlk,
            _ => DiskController.Unknown,
        };
    }

    private static DescribedAdapter AdapterOf(XElement adapter)
    {
        var source = adapter.Child("source");
        return new DescribedAdapter(DescribedAdapter.Normalise(adapter.Child("mac").Attr("address")), source.Attr("network") ?? source.Attr("bridge") ?? source.Attr("dev"),
            AdapterModel.ForLibvirt(adapter.Child("model").Attr("type")));
    }
}
