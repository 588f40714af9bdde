using System.Globalization;

namespace AzureIaaS.Appliances;

/// <summary>The configuration of a VMware machine, .vmx: lines of <c>key = "value"</c>, keys in any case.</summary>
internal sealed class VmxFormat : DescriptionFormat
{
    // What VMware's BIOS tries first, unless bios.hddOrder says otherwise.
    private static readonly string[] Buses = ["scsi", "sata", "nvme", "ide"];

    /// <inheritdoc/>
    public override string Name => "vmx";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => extension is ".vmx" or ".vmtx";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes)
    {
        var values = Read(TextOf(bytes));
        if (!values.ContainsKey("config.version") && !values.ContainsKey("virtualHW.version") && !values.ContainsKey("displayName"))
            throw Invalid(path, "it has none of the lines that every .vmx file has (config.version, virtualHW.version, displayName)");
        if (values.Keys.FirstOrDefault(k => k.StartsWith("encryption.", StringComparison.OrdinalIgnoreCase)) is not null)
            throw NotSupported(path, "the machine is encrypted", "Remove the encryption in VMware (VM, Settings, Options, Access Control), and import it then.");
        string? Value(string key) => values.GetValueOrDefault(key) is { Length: > 0 } value ? value : null;
        var devices = Devices(values).ToList();
        var firmware = Value("firmware");
        return new MachineDescription
        {
            Format = Name,
            Name = Value("displayName"),
            Cpu = Int(Value("numvcpus")) ?? 1,
            Memory = Int(Value("memsize")) is { } mebibytes ? (long)mebibytes << 20 : null,
            Firmware = firmware is null || !firmware.Equals("efi", StringComparison.OrdinalIgnoreCase) ? Firmware.Bios : Firmware.Uefi,
            SecureBoot = Value("uefi.secureBoot.enabled") is { } secure ? IsTrue(secure) : null,
            HasTpm = IsTrue(Value("vtpm.present")),
            GuestOs = Value("guestOS"),
            Disks = [.. devices.Where(d => !d.IsMedium).OrderBy(d => OrderOf(d, Value("bios.hddOrder"))).Select(d => new DescribedDisk(d.File, ControllerOf(values, d), null))],
            MediaDrives = [.. devices.Where(d => d.IsMedium).Select(d => d.Type == "cdrom-image" ? d.File : null)],
            Adapters = [.. Adapters(values)],
            Warnings = [.. devices.Where(d => d.IsIndependent).Select(d => $"The disk {d.Key} is independent: snapshots leave it alone.")],
        };
    }

    private static Dictionary<string, string> Read(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in text.Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line.TrimStart()[0] != '#')
                values[line[..equals].Trim()] = Unescape(line[(equals + 1)..].Trim().Trim('"'));
        }

        return values;
    }

    /// <summary>Characters that would end the value are written as a bar and two hexadecimal digits.</summary>
    private static string Unescape(string value)
    {
        for (var at = value.IndexOf('|', StringComparison.Ordinal); at >= 0 && at + 2 < value.Length; at = value.IndexOf('|', at + 1))
        {
            if (byte.TryParse(value.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                value = value[..at] + (char)code + value[(at + 3)..];
        }

        return value;
    }

    private static IEnumerable<Device> Devices(Dictionary<string, string> values)
    {
        foreach (var key in values.Keys.Where(k => k.EndsWith(".present", StringComparison.OrdinalIgnoreCase) && IsTrue(values[k])))
        {
            var name = key[..^".present".Length].ToLowerInvariant();
            var bus = Buses.FirstOrDefault(b => name.StartsWith(b, StringComparison.Ordinal));
            var numbers = bus is null ? [] : name[bus.Length..].Split(':');
            if (numbers.Length != 2 || Int(numbers[0]) is not { } controller || Int(numbers[1]) is not { } unit)
                continue;
            var type = values.GetValueOrDefault(name + ".deviceType", "").ToLowerInvariant();
            var file = values.GetValueOrDefault(name + ".fileName", "");
            var isMedium = type.Contains("cdrom", StringComparison.Ordinal) || type.Contains("atapi", StringComparison.Ordinal)
                || file.EndsWith(".iso", StringComparison.OrdinalIgnoreCase);
            if (!isMedium && file.Length == 0)
                continue;
            var mode = values.GetValueOrDefault(name + ".mode", "");
            yield return new Device(name, bus!, controller, unit, type, file, isMedium, mode.StartsWith("independent", StringComparison.OrdinalIgnoreCase));
        }
    }

    private static long OrderOf(Device device, string? biosOrder)
    {
        var named = biosOrder?.Split(',').Select(n => n.Trim().ToLowerInvariant()).ToList().IndexOf(device.Key) ?? -1;
        return named >= 0 ? named : ((Array.IndexOf(Buses, device.Bus) + 1L) << 40) + ((long)device.Controller << 20) + device.Unit;
    }

    private static DiskController ControllerOf(Dictionary<string, string> values, Device device) => device.Bus switch
    {
        "ide" => DiskController.Ide,
        "sata" => DiskController.Sata,
        "nvme" => DiskController.Nvme,
        _ => values.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"scsi{device.Controller}.virtualDev"), "").ToLowerInvariant() switch
        {
            "pvscsi" => DiskController.Pvscsi,
            "lsisas1068" => DiskController.LsiSas,
            _ => DiskController.Unknown,
        },
    };

    private static IEnumerable<DescribedAdapter> Adapters(Dictionary<string, string> values)
    {
        for (var i = 0; i < 10; i++)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"ethernet{i}.");
            if (!IsTrue(values.GetValueOrDefault(prefix + "present")))
                continue;
            var isStatic = values.GetValueOrDefault(prefix + "addressType", "").Equals("static", StringComparison.OrdinalIgnoreCase);
            var mac = values.GetValueOrDefault(prefix + (isStatic ? "address" : "generatedAddress")) ?? values.GetValueOrDefault(prefix + "address");
            var network = values.GetValueOrDefault(prefix + "networkName") ?? values.GetValueOrDefault(prefix + "connectionType");
            yield return new DescribedAdapter(DescribedAdapter.Normalise(mac), network, AdapterModel.ForVmware(values.GetValueOrDefault(prefix + "virtualDev", "vlance")));
        }
    }

    private static bool IsTrue(string? value) => value?.Equals("TRUE", StringComparison.OrdinalIgnoreCase) == true;

    private static int? Int(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private sealed record Device(string Key, string Bus, int Controller, int Unit, string Type, string File, bool IsMedium, bool IsIndependent);
}
