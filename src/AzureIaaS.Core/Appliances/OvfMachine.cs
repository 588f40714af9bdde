using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>The one machine of an OVF envelope: its hardware (CIM_ResourceAllocationSettingData items) joined with the disks and files it refers to.</summary>
internal sealed class OvfMachine
{
    private const string Cpu = "3";
    private const string Memory = "4";
    private const string IdeController = "5";
    private const string ScsiController = "6";
    private const string Ethernet = "10";
    private const string CdDrive = "15";
    private const string DvdDrive = "16";
    private const string DiskDrive = "17";
    private const string OtherStorage = "20";

    private readonly string _path;
    private readonly XElement _envelope;
    private readonly XElement _system;
    private readonly List<XElement> _items;
    private readonly List<string> _warnings = [];

    /// <summary>Looks a machine over.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="envelope">The envelope.</param>
    /// <param name="system">The machine in it.</param>
    public OvfMachine(string path, XElement envelope, XElement system)
    {
        _path = path;
        _envelope = envelope;
        _system = system;
        var configuration = DefaultConfiguration();
        var hardware = OvfFormat.Sections(system, "VirtualHardwareSection").FirstOrDefault()
            ?? throw DescriptionFormat.Invalid(path, "its machine has no VirtualHardwareSection");
        _items = [.. hardware.Elements().Where(e => e.Name.LocalName is "Item" or "StorageItem" or "EthernetPortItem")

            // Bounds say what may be; and an item of another configuration is not there.
            .Where(e => e.Attr("bound") is null or "normal")
            .Where(e => e.Attr("configuration") is not { } c || c.Split(' ').Contains(configuration))];
    }

    /// <summary>Reads it.</summary>
    public MachineDescription Read()
    {
        var firmware = Config("firmware");
        return new MachineDescription
        {
            Format = "ovf",
            Name = OvfFormat.NameOf(_system) is { Length: > 0 } name ? name : null,
            Cpu = Number(Cpu),
            Memory = Last(Memory) is { } memory ? OvfFormat.Bytes(memory.Text("VirtualQuantity"), memory.Text("AllocationUnits") ?? "byte * 2^20") : null,
            Firmware = firmware is null ? VirtualBoxFirmware() : firmware.Equals("efi", StringComparison.OrdinalIgnoreCase) ? Firmware.Uefi : Firmware.Bios,
            SecureBoot = bool.TryParse(Config("bootOptions.efiSecureBootEnabled"), out var secure) ? secure : null,
            HasTpm = _items.Any(i => (i.Text("ResourceSubType") ?? "").Contains("vtpm", StringComparison.OrdinalIgnoreCase)),
            GuestOs = OvfFormat.Sections(_system, "OperatingSystemSection").Select(s => s.Text("Description") ?? s.Attr("osType")).FirstOrDefault(),
            Disks = ReadDisks(),
            Adapters = [.. Of(Ethernet).Select(AdapterOf)],
            MediaDrives = [.. Of(CdDrive, DvdDrive).Select(i => MediumOf(i))],
            Warnings = _warnings,
        };
    }

    private string? DefaultConfiguration()
    {
        var all = _envelope.Elements().Where(e => OvfFormat.KindOf(e) == "DeploymentOptionSection").SelectMany(s => s.Children("Configuration")).ToList();
        var chosen = all.FirstOrDefault(c => c.Attr("default") is "true" or "1") ?? all.FirstOrDefault();
        return chosen.Attr("id");
    }

    private IEnumerable<XElement> Of(params string[] types) => _items.Where(i => types.Contains(i.Text("ResourceType")));

    /// <summary>A later item of the same kind is one of a configuration, which overrides.</summary>
    private XElement? Last(string type) => Of(type).LastOrDefault();

    private int? Number(string type) =>
        int.TryParse(Last(type).Text("VirtualQuantity"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;

    /// <summary>A setting of VMware's.</summary>
    private string? Config(string key) => _system.Descendants().Where(e => e.Name.LocalName is "Config" or "ExtraConfig")
        .FirstOrDefault(e => e.Attr("key") == key).Attr("value");

    private Firmware VirtualBoxFirmware()
    {
        var firmware = _system.Elements().Where(e => e.Name.LocalName == "Machine").Descendants().FirstOrDefault(e => e.Name.LocalName == "Firmware");
        return firmware is null ? Firmware.Unknown
            : (firmware.Attr("type") ?? "BIOS").StartsWith("EFI", StringComparison.OrdinalIgnoreCase) ? Firmware.Uefi : Firmware.Bios;
    }

    private List<DescribedDisk> ReadDisks() =>
        [.. Of(DiskDrive).Select(i => (Item: i, Controller: _items.FirstOrDefault(c => IdOf(c) is { } id && id == i.Text("Parent"))))
            .OrderBy(d => BootRank(d.Controller)).ThenBy(d => AddressOf(d.Controller, "Address")).ThenBy(d => AddressOf(d.Item, "AddressOnParent"))
            .Select(d => DiskOf(d.Item, d.Controller)).OfType<DescribedDisk>()];

    /// <summary>Firmware looks for disks on IDE first; among other controllers the description's order holds.</summary>
    private int BootRank(XElement? controller) => controller.Text("ResourceType") == IdeController ? -1 : controller is null ? int.MaxValue : _items.IndexOf(controller);

    private static int AddressOf(XElement? item, string name) =>
        int.TryParse(item.Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var address) ? address : 0;

    private static string? IdOf(XElement item) => item.Text("InstanceID") ?? item.Text("InstanceId");

    /// <summary>The medium in a drive; one that the description does not hold is none.</summary>
    private string? MediumOf(XElement drive) => After(drive.Text("HostResource") ?? "", "/file/") is { Length: > 0 } id
        ? _envelope.Child("References")?.Children("File").FirstOrDefault(f => f.Attr("id") == id).Attr("href") : null;

    private DescribedDisk? DiskOf(XElement item, XElement? controller)
    {
        var resource = item.Text("HostResource") ?? "";
        var disk = DiskElementOf(resource);
        var file = resource.Length == 0 ? null : disk is null ? FileOf(resource, item) : disk.Attr("fileRef") is { } reference ? FileById(reference) : null;
        if (disk.Attr("parentRef") is { Length: > 0 })
            throw DescriptionFormat.NotSupported(_path, $"the disk '{disk.Attr("diskId")}' is over another one (parentRef)", "Delete the machine's snapshots at its origin, and export it again.");
        var capacity = OvfFormat.Bytes(disk.Attr("capacity"), disk.Attr("capacityAllocationUnits"));
        if (file is null)
        {
            _warnings.Add($"The disk '{disk.Attr("diskId") ?? item.Text("ElementName")}' has no file: it is one to be made empty, and is left out.");
            return null;
        }
        if (file.Attr("compression") is { Length: > 0 } compression && !(compression.Equals("identity", StringComparison.OrdinalIgnoreCase) || compression.Equals("gzip", StringComparison.OrdinalIgnoreCase)))
            throw DescriptionFormat.NotSupported(_path, $"the file '{file.Attr("href")}' is compressed by {compression} as a whole", "Unpack the archive and the file, and take the compression out of the description.");
        var href = file.Attr("href") ?? throw DescriptionFormat.Invalid(_path, "a file in References has no href");
        long? chunked = file.Attr("chunkSize") is { Length: > 0 } && long.TryParse(file.Attr("size"), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;
        return new DescribedDisk(Uri.UnescapeDataString(href), ControllerOf(controller), FormatOf(disk.Attr("format")), capacity, ChunkedLength: chunked);
    }

    private XElement? DiskElementOf(string resource)
    {
        var id = After(resource, "/disk/");
        return id is null ? null
            : _envelope.Elements().Where(e => OvfFormat.KindOf(e) == "DiskSection").SelectMany(s => s.Children("Disk")).FirstOrDefault(d => d.Attr("diskId") == id)
                ?? throw DescriptionFormat.Invalid(_path, $"it refers to the disk '{id}', which is not in its DiskSection");
    }

    private XElement? FileOf(string resource, XElement item) => After(resource, "/file/") is { } id ? FileById(id)
        : throw DescriptionFormat.Invalid(_path, $"'{item.Text("ElementName")}' refers to '{resource}', which is neither a disk nor a file of it");

    private XElement FileById(string id) => _envelope.Child("References")?.Children("File").FirstOrDefault(f => f.Attr("id") == id)
        ?? throw DescriptionFormat.Invalid(_path, $"it refers to the file '{id}', which is not in its References");

    private static string? After(string resource, string marker)
    {
        var at = resource.IndexOf(marker, StringComparison.Ordinal);
        return at < 0 ? null : resource[(at + marker.Length)..];
    }

    private static string? FormatOf(string? format) =>
        format is null ? null
        : format.Contains("vmdk", StringComparison.OrdinalIgnoreCase) ? "vmdk"
        : format.Contains("qcow2", StringComparison.OrdinalIgnoreCase) ? "qcow2"
        : null;

    private static DiskController ControllerOf(XElement? controller)
    {
        var subType = (controller.Text("ResourceSubType") ?? "").ToUpperInvariant();
        return controller.Text("ResourceType") switch
        {
            IdeController => DiskController.Ide,
            ScsiController when subType.Contains("VIRTUALSCSI", StringComparison.Ordinal) => DiskController.Pvscsi,
            ScsiController when subType.Contains("LSILOGICSAS", StringComparison.Ordinal) || subType.Contains("LSISAS", StringComparison.Ordinal) => DiskController.LsiSas,
            ScsiController when subType.Contains("VIRTIO", StringComparison.Ordinal) => DiskController.VirtioScsi,
            OtherStorage when subType.Contains("NVME", StringComparison.Ordinal) => DiskController.Nvme,
            OtherStorage when subType.Contains("AHCI", StringComparison.Ordinal) || subType.Contains("SATA", StringComparison.Ordinal) => DiskController.Sata,
            _ => DiskController.Unknown,
        };
    }

    private static DescribedAdapter AdapterOf(XElement item) =>
        new(DescribedAdapter.Normalise(item.Text("Address")), item.Text("Connection") is { Length: > 0 } network ? network : null, AdapterModel.ForVmware(item.Text("ResourceSubType")));
}
