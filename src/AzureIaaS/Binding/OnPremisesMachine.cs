using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AzureIaaS.Appliances;

namespace AzureIaaS.PowerShell;

/// <summary>
/// A machine as Hyper-V's module or PowerCLI shows it, or anything of the same shape: its name, processors, memory, drives and adapters, found by
/// the names that their properties have there.
/// </summary>
/// <param name="shown">The object, or a table with such keys.</param>
internal sealed class OnPremisesMachine(PSObject shown)
{
    private static readonly string[] Shapes = ["HardDrives", "HardDisks", "ExtensionData"];

    /// <summary>Its name; null where it has none.</summary>
    public string? Name => TextOf(shown, "Name", "VMName");

    /// <summary>Whether an object says which drives it has.</summary>
    /// <param name="value">The object.</param>
    public static bool IsOne(object? value) => value is not null && Shapes.Any(s => Property(value, s) is not null);

    /// <summary>Refuses one that runs: a disk that is written to is copied as it never was.</summary>
    /// <exception cref="IaaSException">It runs.</exception>
    public void CheckItIsOff()
    {
        if (TextOf(shown, "State", "PowerState") is not { } state || !(state.Equals("Running", StringComparison.OrdinalIgnoreCase) || state.Equals("PoweredOn", StringComparison.OrdinalIgnoreCase)))
            return;
        throw new IaaSException(ErrorKind.Busy, "SourceIsRunning", $"{Name} is {state} where it is, and its disks change while they are copied.",
            "Shut it down there first; or copy its cold data now with -Stage, and complete that when it is down.", Name);
    }

    /// <summary>What it is, as an import takes it.</summary>
    /// <param name="root">The folder where the datastores of VMware are to be found; null where none is named.</param>
    /// <exception cref="IaaSException">It has no disk that is a file, or one in a datastore whose folder is not known.</exception>
    public MachineDescription Describe(string? root)
    {
        var warnings = new List<string>();
        var disks = new List<DescribedDisk>();
        foreach (var drive in Drives().OrderBy(d => d.Order))
        {
            if (drive.Path.StartsWith("Disk ", StringComparison.OrdinalIgnoreCase) && !drive.Path.Contains('.', StringComparison.Ordinal))
                warnings.Add($"A physical disk ({drive.Path}) is passed through to the machine; it is not imported.");
            else
                disks.Add(new DescribedDisk(Find(drive.Path, root), drive.IsIde ? DiskController.Ide : DiskController.Unknown));
        }

        if (disks.Count == 0)
        {
            throw new IaaSException(ErrorKind.InvalidData, "NoDisks", $"{Name ?? "This machine"} has no disk that is a file.",
                "Give its disk images by path. What came through a remote session may have lost them: select their Path there.", Name);
        }

        return new MachineDescription
        {
            Format = "object",
            Name = Name,
            Cpu = Number(shown, "ProcessorCount", "NumCpu", "Cpu") is { } cpu and > 0 and < 100_000 ? (int)cpu : null,
            Memory = MemoryOf(),
            Firmware = FirmwareOf(),
            Disks = disks,
            Adapters = [.. Adapters()],
            Warnings = warnings,
        };
    }

    private long? MemoryOf() => Number(shown, "MemoryStartup", "Memory") is { } bytes and > 0 ? (long)bytes
        : Number(shown, "MemoryMB") is { } megabytes and > 0 ? (long)(megabytes * (1 << 20))
        : Number(shown, "MemoryGB") is { } gigabytes and > 0 ? (long)(gigabytes * (1 << 30))
        : null;

    private Firmware FirmwareOf() => TextOf(shown, "Generation") switch
    {
        "1" => Firmware.Bios,
        "2" => Firmware.Uefi,
        _ => (TextOf(shown, "Firmware") ?? TextOf(Property(Property(shown, "ExtensionData"), "Config"), "Firmware"))?.ToUpperInvariant() switch
        {
            "EFI" or "UEFI" => Firmware.Uefi,
            "BIOS" => Firmware.Bios,
            _ => Firmware.Unknown,
        },
    };

    /// <summary>The drives with an order to look for an operating system in: IDE first, then by place.</summary>
    private IEnumerable<(string Path, bool IsIde, (int, long, long, int) Order)> Drives()
    {
        var named = Items(Property(shown, "HardDrives")).Concat(Items(Property(shown, "HardDisks"))).ToList();
        var devices = Items(Property(Property(Property(Property(shown, "ExtensionData"), "Config"), "Hardware"), "Device"));
        foreach (var (drive, index) in (named.Count > 0 ? named : devices).Select((d, i) => (d, i)))
        {
            var path = drive is string text ? text : TextOf(drive, "Path", "Filename") ?? TextOf(Property(drive, "Backing"), "FileName");
            if (path is null || path.EndsWith(".iso", StringComparison.OrdinalIgnoreCase))
                continue;
            var isIde = TextOf(drive, "ControllerType") is { } type && type.Equals("IDE", StringComparison.OrdinalIgnoreCase);
            yield return (path, isIde, (isIde ? 0 : 1, (long)(Number(drive, "ControllerNumber") ?? 0), (long)(Number(drive, "ControllerLocation") ?? 0), index));
        }
    }

    private IEnumerable<DescribedAdapter> Adapters()
    {
        var named = Items(Property(shown, "NetworkAdapters")).ToList();
        var devices = Items(Property(Property(Property(Property(shown, "ExtensionData"), "Config"), "Hardware"), "Device")).Where(d => Property(d, "MacAddress") is not null);
        foreach (var adapter in named.Count > 0 ? named : devices)
        {
            var network = TextOf(adapter, "SwitchName", "NetworkName") ?? TextOf(Property(adapter, "Backing"), "DeviceName");
            yield return new DescribedAdapter(DescribedAdapter.Normalise(TextOf(adapter, "MacAddress")), network, DescribedAdapter.ModelForVmware(TextOf(adapter, "Type")));
        }
    }

    /// <summary>A path, or <c>[datastore] folder/file.vmdk</c> as VMware has it.</summary>
    private static string Find(string path, string? root)
    {
        if (!path.StartsWith('[') || path.IndexOf(']', StringComparison.Ordinal) is not (> 0 and var end))
            return path;
        var (store, file) = (path[1..end], path[(end + 1)..].Trim());
        var places = root is null ? [$"/vmfs/volumes/{store}/{file}"] : new[] { Path.Combine(root, store, file), Path.Combine(root, file) };
        return places.FirstOrDefault(File.Exists) ?? throw new IaaSException(ErrorKind.NotFound, "DatastoreNotHere",
            $"{path} lies in the datastore '{store}', and was not found at {string.Join(" nor ", places)}.",
            "Mount the datastore, or copy the machine's folder out of it, and name the folder above it with -Root; or export the machine as OVF.", path);
    }

    private static object? Property(object? from, string name) => from switch
    {
        null => null,
        IDictionary table => table.Keys.Cast<object>().FirstOrDefault(k => name.Equals(k.ToString(), StringComparison.OrdinalIgnoreCase)) is { } key ? table[key] : null,
        PSObject { BaseObject: IDictionary table } => Property(table, name),
        _ => PSObject.AsPSObject(from).Properties[name]?.Value,
    };

    private static string? TextOf(object? from, params string[] names) => names.Select(n => Text(Property(from, n))).FirstOrDefault(t => t is not null);

    private static string? Text(object? value) => value is null ? null : Convert.ToString(value is PSObject wrapped ? wrapped.BaseObject : value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    private static decimal? Number(object? from, params string[] names) => names.Select(n => Decimal(Property(from, n))).FirstOrDefault(n => n is not null);

    private static decimal? Decimal(object? value) =>
        Text(value) is not { } text ? null
        : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
        : ByteSize.TryParse(text, out var bytes) ? bytes
        : null;

    private static IEnumerable<object> Items(object? value)
    {
        var plain = value is PSObject wrapped ? wrapped.BaseObject : value;
        return plain switch
        {
            null => [],
            IDictionary => [plain],
            IEnumerable items and not string => items.Cast<object?>().OfType<object>().Select(i => i is PSObject { BaseObject: string text } ? text : i),
            _ => [value!],
        };
    }
}
