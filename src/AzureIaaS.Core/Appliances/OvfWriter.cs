using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>Writes a machine's OVF description (DMTF DSP0243 1.1), as VMware, VirtualBox and this project read it.</summary>
internal static class OvfWriter
{
    private static readonly XNamespace Ovf = "http://schemas.dmtf.org/ovf/envelope/1";
    private static readonly XNamespace Rasd = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData";
    private static readonly XNamespace Vssd = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData";
    private static readonly XNamespace Vmw = "http://www.vmware.com/schema/ovf";

    /// <summary>Writes a description.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="files">The names of its disks' files, in the disks' order.</param>
    public static string Make(VirtualMachine machine, IReadOnlyList<string> files)
    {
        var items = new List<XElement>
        {
            Item(1, 3, $"{machine.Cpu} virtual CPU(s)", ("VirtualQuantity", Text(machine.Cpu)), ("AllocationUnits", "hertz * 10^6")),
            Item(2, 4, $"{machine.Memory >> 20} MB of memory", ("VirtualQuantity", Text(machine.Memory >> 20)), ("AllocationUnits", "byte * 2^20")),
        };
        AddDisks(items, machine);
        foreach (var adapter in machine.NetworkAdapters)
        {
            items.Add(Item(items.Count + 1, 10, adapter.Name, ("Address", adapter.MacAddress), ("AutomaticAllocation", "true"), ("Connection", "VM Network"),
                ("ResourceSubType", ModelOf(adapter.Model))));
        }

        var envelope = new XElement(Ovf + "Envelope",
            new XAttribute(XNamespace.Xmlns + "ovf", Ovf), new XAttribute(XNamespace.Xmlns + "rasd", Rasd), new XAttribute(XNamespace.Xmlns + "vssd", Vssd),
            new XAttribute(XNamespace.Xmlns + "vmw", Vmw),
            new XElement(Ovf + "References", files.Select((f, i) => new XElement(Ovf + "File", new XAttribute(Ovf + "href", Uri.EscapeDataString(f)), new XAttribute(Ovf + "id", $"file{i + 1}")))),
            new XElement(Ovf + "DiskSection", new XElement(Ovf + "Info", "The machine's disks"), machine.Disks.Select((d, i) => new XElement(Ovf + "Disk",
                new XAttribute(Ovf + "capacity", Text(d.Length)), new XAttribute(Ovf + "capacityAllocationUnits", "byte"), new XAttribute(Ovf + "diskId", $"vmdisk{i + 1}"),
                new XAttribute(Ovf + "fileRef", $"file{i + 1}"), new XAttribute(Ovf + "format", "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized")))),
            new XElement(Ovf + "NetworkSection", new XElement(Ovf + "Info", "The networks it was on"), new XElement(Ovf + "Network", new XAttribute(Ovf + "name", "VM Network"))),
            new XElement(Ovf + "VirtualSystem", new XAttribute(Ovf + "id", machine.Name), new XElement(Ovf + "Info", "A virtual machine"), new XElement(Ovf + "Name", machine.Name),
                new XElement(Ovf + "VirtualHardwareSection", new XElement(Ovf + "Info", "What it needs"),
                    new XElement(Ovf + "System", new XElement(Vssd + "ElementName", "Virtual Hardware Family"), new XElement(Vssd + "InstanceID", "0"),
                        new XElement(Vssd + "VirtualSystemIdentifier", machine.Name), new XElement(Vssd + "VirtualSystemType", "vmx-13")),
                    items,
                    new XElement(Vmw + "Config", new XAttribute(Ovf + "required", "false"), new XAttribute(Vmw + "key", "firmware"),
                        new XAttribute(Vmw + "value", machine.Firmware == Firmware.Uefi ? "efi" : "bios")))));
        return $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{envelope}\n";
    }

    private static void AddDisks(List<XElement> items, VirtualMachine machine)
    {
        var first = items.Count + 1;
        var controllers = machine.Disks.Select((d, i) => (d.Controller, Bus: IsPaired(d) ? IndexAmong(machine, d, i) / 2 : 0)).Distinct().ToList();
        foreach (var (kind, bus) in controllers)
        {
            var (type, subType) = KindOf(kind);
            items.Add(Item(items.Count + 1, type, $"{kind} controller {bus}", ("Address", Text(bus)), ("ResourceSubType", subType)));
        }

        for (var i = 0; i < machine.Disks.Count; i++)
        {
            var disk = machine.Disks[i];
            var among = IndexAmong(machine, disk, i);
            var parent = first + controllers.IndexOf((disk.Controller, IsPaired(disk) ? among / 2 : 0));
            items.Add(Item(items.Count + 1, 17, disk.Name, ("AddressOnParent", Text(IsPaired(disk) ? among % 2 : among)), ("HostResource", $"ovf:/disk/vmdisk{i + 1}"), ("Parent", Text(parent))));
        }
    }

    private static bool IsPaired(VirtualDisk disk) => disk.Controller == DiskController.Ide;

    private static int IndexAmong(VirtualMachine machine, VirtualDisk disk, int index) => machine.Disks.Take(index).Count(d => d.Controller == disk.Controller);

    private static (int Type, string SubType) KindOf(DiskController controller) => controller switch
    {
        DiskController.Sata => (20, "vmware.sata.ahci"),
        DiskController.Nvme => (20, "vmware.nvme.controller"),
        DiskController.LsiSas => (6, "lsilogicsas"),
        DiskController.Pvscsi => (6, "VirtualSCSI"),
        DiskController.VirtioScsi or DiskController.VirtioBlk => (6, "virtio-scsi"),
        _ => (5, "PIIX4"),
    };

    private static string ModelOf(string model) => model switch
    {
        "e1000e" => "E1000e",
        "vmxnet3" => "VmxNet3",
        "pcnet" => "PCNet32",
        "virtio-net-pci" => "virtio",
        _ => "E1000",
    };

    /// <summary>An item; its elements are in alphabetical order, as the schema asks.</summary>
    private static XElement Item(int id, int type, string name, params (string Name, string Value)[] values) => new(Ovf + "Item",
        values.Append(("ElementName", name)).Append(("InstanceID", Text(id))).Append(("ResourceType", Text(type)))
            .OrderBy(v => v.Item1, StringComparer.Ordinal).Select(v => new XElement(Rasd + v.Item1, v.Item2)));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
