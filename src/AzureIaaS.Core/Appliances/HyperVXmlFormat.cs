using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>
/// The configuration of a Hyper-V machine up to Windows Server 2012 R2: XML, often in UTF-16, in which each device is an element named after
/// its GUID. Everything that matters is found by what an element holds, since SCSI controllers and network adapters have a GUID of their own.
/// </summary>
internal sealed class HyperVXmlFormat : DescriptionFormat
{
    private const string IdeController = "_83f8638b-8dca-4152-9eda-2ca8b33039b4_";

    /// <inheritdoc/>
    public override string Name => "hyperv";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => extension == ".xml" && SafeXml.RootName(start) == "configuration";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes) => Read(path, SafeXml.Parse(path, bytes));

    /// <summary>Reads the tree of a configuration, whatever it was kept in.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="root">The tree.</param>
    internal static MachineDescription Read(string path, XElement root)
    {
        var properties = root.Child("properties");
        var settings = root.Child("settings");
        if (root.Name.LocalName != "configuration" || properties is null || settings is null)
            throw Invalid(path, "it is no configuration of a Hyper-V machine: there are no properties and settings in it");
        var drives = root.Elements().SelectMany(d => d.Elements().Where(c => c.Name.LocalName.StartsWith("controller", StringComparison.Ordinal))
            .SelectMany(c => c.Elements().Where(e => e.Name.LocalName.StartsWith("drive", StringComparison.Ordinal)).Select(e => (Device: d, Controller: c, Drive: e)))).ToList();
        var isGeneration2 = properties.Text("subtype") == "1";
        return new MachineDescription
        {
            Format = "hyperv",
            Name = properties.Text("name") is { Length: > 0 } name ? name : null,
            Cpu = Int(settings.Child("processors").Text("count")),
            Memory = MemoryOf(settings.Child("memory").Child("bank")),
            Firmware = isGeneration2 ? Firmware.Uefi : Firmware.Bios,
            SecureBoot = root.Descendants().FirstOrDefault(e => e.Name.LocalName == "secure_boot_enabled") is { } secure
                ? isGeneration2 && secure.Value.Trim().Equals("True", StringComparison.OrdinalIgnoreCase) : null,
            Disks = [.. drives.Where(d => d.Drive.Text("type") == "VHD" && d.Drive.Text("pathname") is { Length: > 0 })
                .OrderBy(d => d.Device.Name.LocalName == IdeController ? 0 : 1)
                .Select(d => new DescribedDisk(d.Drive.Text("pathname")!, d.Device.Name.LocalName == IdeController ? DiskController.Ide : DiskController.Unknown))],
            MediaDrives = [.. drives.Where(d => d.Drive.Text("type") == "ISO").Select(d => d.Drive.Text("pathname") is { Length: > 0 } medium ? medium : null)],
            Adapters = [.. root.Elements().Where(e => e.Child("MacAddress") is not null).Select(e => new DescribedAdapter(
                DescribedAdapter.Normalise(e.Text("MacAddress")), e.Child("Connection").Text("AltSwitchName") ?? e.Text("SwitchName"), null))],
            Warnings = [.. drives.Where(d => d.Drive.Text("type") == "PHYSICAL").Select(_ => "A physical disk is passed through to the machine; it is not imported.")],
        };
    }

    private static long? MemoryOf(XElement? bank) =>
        long.TryParse(bank.Text("size"), NumberStyles.None, CultureInfo.InvariantCulture, out var mebibytes) && mebibytes is > 0 and < 1 << 30 ? mebibytes << 20 : null;

    private static int? Int(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
