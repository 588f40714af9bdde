using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>The settings of a VirtualBox machine, .vbox: the current state; each disk is the image that was attached last, over its parents.</summary>
internal sealed class VboxFormat : DescriptionFormat
{
    private static readonly string[] BootRank = ["IDE", "SATA", "AHCI", "SCSI", "SAS", "NVMe"];

    /// <inheritdoc/>
    public override string Name => "vbox";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => extension is ".vbox" or ".vbox-prev" || SafeXml.RootName(start) == "VirtualBox";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes)
    {
        var root = SafeXml.Parse(path, bytes);
        if (root.Child("MachineEncrypted") is not null)
            throw NotSupported(path, "the machine is encrypted", "Decrypt it in VirtualBox (Settings, General, Disk Encryption), and import it then.");
        var machine = root.Child("Machine") ?? throw Invalid(path, "there is no Machine in it");
        var hardware = machine.Child("Hardware") ?? throw Invalid(path, "its machine has no Hardware");
        var files = machine.Descendants().Where(e => e.Name.LocalName == "HardDisk" && e.Attr("uuid") is not null)
            .GroupBy(e => e.Attr("uuid")!).ToDictionary(g => g.Key, g => g.First().Attr("location") ?? "", StringComparer.OrdinalIgnoreCase);
        var controllers = (machine.Child("StorageControllers") ?? hardware.Child("StorageControllers"))?.Children("StorageController") ?? [];
        var attached = controllers.OrderBy(c => Array.IndexOf(BootRank, Kind(c)))
            .SelectMany(c => c.Children("AttachedDevice").OrderBy(d => Int(d.Attr("port")) ?? 0).ThenBy(d => Int(d.Attr("device")) ?? 0).Select(d => (Controller: c, Device: d))).ToList();
        return new MachineDescription
        {
            Format = Name,
            Name = machine.Attr("name") is { Length: > 0 } name ? name : null,
            Cpu = Int(hardware.Child("CPU").Attr("count")) ?? 1,
            Memory = Int(hardware.Child("Memory").Attr("RAMSize")) is { } mebibytes ? (long)mebibytes << 20 : null,
            Firmware = FirmwareOf(hardware),
            SecureBoot = hardware.Descendants().FirstOrDefault(e => e.Name.LocalName == "SecureBoot").Attr("enabled") is { } secure ? secure == "true" : null,
            HasTpm = (hardware.Descendants().FirstOrDefault(e => e.Name.LocalName == "TrustedPlatformModule").Attr("type") ?? "None") != "None",
            GuestOs = machine.Attr("OSType"),
            Disks = [.. attached.Where(a => a.Device.Attr("type") == "HardDisk").Select(a => new DescribedDisk(LocationOf(path, files, a.Device), ControllerOf(a.Controller)))],
            MediaDrives = [.. attached.Where(a => a.Device.Attr("type") == "DVD").Select(a => a.Device.Child("Image").Attr("uuid"))],
            Adapters = [.. (hardware.Child("Network")?.Children("Adapter") ?? []).Where(a => a.Attr("enabled") == "true").Select(AdapterOf)],
        };
    }

    private static Firmware FirmwareOf(XElement hardware)
    {
        var type = hardware.Child("Firmware").Attr("type") ?? hardware.Child("BIOS").Child("Firmware").Attr("type") ?? "BIOS";
        return type.StartsWith("EFI", StringComparison.OrdinalIgnoreCase) ? Firmware.Uefi : Firmware.Bios;
    }

    private static string LocationOf(string path, Dictionary<string, string> files, XElement device)
    {
        var id = device.Child("Image").Attr("uuid") ?? throw Invalid(path, "a disk is attached that is no image");
        return files.TryGetValue(id, out var location) && location.Length > 0 ? location : throw Invalid(path, $"it attaches the disk {id}, which its media registry does not list");
    }

    private static string Kind(XElement controller) => controller.Attr("type") switch
    {
        "PIIX3" or "PIIX4" or "ICH6" => "IDE",
        "AHCI" => "SATA",
        "LsiLogicSas" => "SAS",
        "NVMe" => "NVMe",
        _ => "SCSI",
    };

    private static DiskController ControllerOf(XElement controller) => controller.Attr("type") switch
    {
        "PIIX3" or "PIIX4" or "ICH6" => DiskController.Ide,
        "AHCI" => DiskController.Sata,
        "LsiLogicSas" => DiskController.LsiSas,
        "NVMe" => DiskController.Nvme,
        "VirtioSCSI" => DiskController.VirtioScsi,
        _ => DiskController.Unknown,
    };

    private static DescribedAdapter AdapterOf(XElement adapter)
    {
        var network = adapter.Elements().FirstOrDefault(e => e.Name.LocalName is "NAT" or "NATNetwork" or "BridgedInterface" or "HostOnlyInterface" or "InternalNetwork");
        return new DescribedAdapter(DescribedAdapter.Normalise(adapter.Attr("MACAddress")), network.Attr("name") ?? network?.Name.LocalName, AdapterModel.ForVirtualBox(adapter.Attr("type")));
    }

    private static int? Int(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
