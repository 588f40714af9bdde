using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>What a command line depends on beside the machine itself.</summary>
/// <param name="MachineType">The virtual hardware's version, such as <c>pc-i440fx-7.2</c>.</param>
/// <param name="Accelerator">What runs the guest's code.</param>
/// <param name="UefiCode">The UEFI firmware's code; null for a BIOS machine.</param>
internal sealed record QemuSettings(string MachineType, Accelerator Accelerator, string? UefiCode);

/// <summary>
/// The command line of a machine. Pure: it looks at nothing. Every device is named and nothing comes by default; formats are said and never
/// probed; there is no listener but sockets in a private folder; the guest waits for a command to begin.
/// </summary>
internal static class QemuCommandLine
{
    /// <summary>An IEEE registered name (NAA 5) under QEMU's own prefix, 52:54:00.</summary>
    private const long FirstWorldWideName = 0x5525400000000001;

    private const int IdeSlots = 4;
    private const string Sandbox = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

    /// <summary>Builds the arguments, without the program's own name.</summary>
    /// <param name="request">The machine, its files and its disks' layers.</param>
    /// <param name="settings">The rest.</param>
    public static IReadOnlyList<string> Build(LaunchRequest request, QemuSettings settings)
    {
        var (machine, files) = (request.Machine, request.Files);
        var line = new List<string>();
        Process(line, machine, files);
        line.AddRange(request.Incoming ? ["-incoming", "defer"] : ["-S"]);
        Board(line, machine, files, settings);
        Channels(line, files);
        foreach (var (disk, index) in machine.Disks.Select((d, i) => (d, i)))
            Disk(line, disk, index, request.Chains[index]);
        foreach (var adapter in machine.NetworkAdapters)
            Adapter(line, adapter, files);
        return line;
    }

    /// <summary>A value inside an option's list, where a comma must be doubled.</summary>
    internal static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    private static void Process(List<string> line, VirtualMachine machine, MachineFiles files)
    {
        line.AddRange([
            "-name", $"guest={Escape(machine.Name)}",
            "-uuid", machine.Id.ToString("D"),
            "-nodefaults", "-no-user-config",
            "-display", "none",
            "-sandbox", Sandbox,
            // The reason of a shutdown outlives the event: the process stays until it is collected.
            "-action", "reboot=reset,shutdown=pause,panic=pause",
            "-msg", "timestamp=on",
            "-pidfile", files.ProcessIdFile,
        ]);
    }

    private static void Board(List<string> line, VirtualMachine machine, MachineFiles files, QemuSettings settings)
    {
        var board = $"{settings.MachineType},dump-guest-core=off";
        if (settings.UefiCode is { } code)
        {
            board += ",pflash0=uefi-code,pflash1=uefi-vars";
            line.AddRange([
                "-blockdev", $"driver=file,node-name=uefi-code,read-only=on,filename={Escape(code)}",
                "-blockdev", $"driver=file,node-name=uefi-vars,filename={Escape(files.FirmwareVariables)}",
            ]);
        }

        line.AddRange([
            "-machine", board,
            "-accel", settings.Accelerator.Name,
            "-cpu", settings.Accelerator.Cpu,
            "-smp", Number(machine.Cpu),
            "-m", $"size={Number(machine.Memory >> 10)}k",
            "-rtc", "base=utc",
            "-boot", "menu=off,strict=on",
            "-device", "VGA,id=video0",
            // No guest driver of firmware knows the balloon: when it is ready, an operating system runs.
            "-device", "virtio-balloon-pci,id=balloon0",
            "-device", "virtio-serial-pci,id=channels0",
            "-device", "pvpanic,id=panic0",
        ]);
    }

    private static void Channels(List<string> line, MachineFiles files)
    {
        line.AddRange([
            "-chardev", $"socket,id=commands,path={Escape(files.CommandMonitor)},server=on,wait=off",
            "-mon", "chardev=commands,mode=control",
            "-chardev", $"socket,id=watch,path={Escape(files.WatchMonitor)},server=on,wait=off",
            "-mon", "chardev=watch,mode=control",
            "-chardev", $"socket,id=serial0,path={Escape(files.ConsoleSocket)},server=on,wait=off,logfile={Escape(files.Console)},logappend=on",
            "-device", "isa-serial,chardev=serial0",
            "-chardev", $"socket,id=agent,path={Escape(files.AgentSocket)},server=on,wait=off",
            "-device", "virtserialport,id=agent0,bus=channels0.0,chardev=agent,name=org.qemu.guest_agent.0",
        ]);
    }

    private static void Disk(List<string> line, VirtualDisk disk, int index, IReadOnlyList<DiskLayer> chain)
    {
        Nodes(line, chain);
        var node = chain[^1].Name;
        // A guest whose image cannot be read stands still until it can: what it is told of a lost disk, it would not forget.
        var trouble = chain[0].IsServed ? "werror=stop,rerror=stop" : "werror=enospc,rerror=report";
        var common = $"drive={node},id={DeviceOf(disk.Name)},bootindex={Number(index + 1)},write-cache=on,{trouble}";
        var sectors = disk.LogicalSectorSize == 512 ? "" : $",logical_block_size={Number(disk.LogicalSectorSize)},physical_block_size={Number(disk.LogicalSectorSize)}";
        switch (disk.Controller)
        {
            case DiskController.Ide when index < IdeSlots:
                line.AddRange(["-device", $"ide-hd,bus=ide.{index / 2},unit={index % 2},{common}"]);
                break;
            case DiskController.Sata or DiskController.Ide:
                Once(line, "-device", "ahci,id=sata0");
                line.AddRange(["-device", $"ide-hd,bus=sata0.{index % 6},{common}"]);
                break;
            case DiskController.LsiSas:
                // Linux's driver of this controller takes a disk without a world-wide name for none.
                Once(line, "-device", "mptsas1068,id=scsi0");
                line.AddRange(["-device", $"scsi-hd,bus=scsi0.0,scsi-id={Number(index)},wwn=0x{FirstWorldWideName + index:x16},{common}{sectors}"]);
                break;
            case DiskController.Pvscsi:
                Once(line, "-device", "pvscsi,id=scsi0");
                line.AddRange(["-device", $"scsi-hd,bus=scsi0.0,scsi-id={Number(index)},{common}{sectors}"]);
                break;
            case DiskController.VirtioScsi:
                Once(line, "-device", "virtio-scsi-pci,id=scsi0");
                line.AddRange(["-device", $"scsi-hd,bus=scsi0.0,scsi-id={Number(index)},{common}{sectors}"]);
                break;
            case DiskController.Nvme:
                line.AddRange(["-device", $"nvme,serial={disk.Name},{common.Replace($",write-cache=on,{trouble}", "", StringComparison.Ordinal)}{sectors}"]);
                break;
            default:
                line.AddRange(["-device", $"virtio-blk-pci,{common}{sectors}"]);
                break;
        }
    }

    /// <summary>The nodes of a disk's layers, each said to lie on the one before; only the last is written to.</summary>
    private static void Nodes(List<string> line, IReadOnlyList<DiskLayer> chain)
    {
        foreach (var layer in chain)
        {
            var node = FormatNode(layer, readOnly: layer != chain[^1]);
            line.AddRange(["-blockdev", Flat(FileNode(layer)), "-blockdev", Flat(node)]);
        }
    }

    /// <summary>The name of the device that shows a disk to the guest.</summary>
    /// <param name="disk">The disk's name.</param>
    internal static string DeviceOf(string disk) => disk + "-device";

    internal static string FileNodeName(DiskLayer layer) => layer.Name + "-file";

    /// <summary>The node of a layer's file; it is opened for writing only when the node above it is.</summary>
    internal static JsonObject FileNode(DiskLayer layer) => layer.IsServed ? new()
    {
        ["driver"] = "nbd",
        ["node-name"] = FileNodeName(layer),
        ["server"] = new JsonObject { ["type"] = "unix", ["path"] = layer.File },
        ["export"] = layer.Name,
        ["read-only"] = true,
        ["open-timeout"] = 10,
        // Its server may be started anew; requests wait so long, in seconds.
        ["reconnect-delay"] = 60,
    }
    : new()
    {
        ["driver"] = "file",
        ["node-name"] = FileNodeName(layer),
        ["filename"] = layer.File,
        ["auto-read-only"] = true,
        ["locking"] = "on",
        ["discard"] = "unmap",
    };

    /// <summary>The node of a layer's format.</summary>
    internal static JsonObject FormatNode(DiskLayer layer, bool readOnly)
    {
        var node = new JsonObject { ["driver"] = layer.IsServed ? "raw" : layer.Format, ["node-name"] = layer.Name, ["file"] = FileNodeName(layer), ["discard"] = "unmap" };
        if (readOnly)
            node["read-only"] = true;
        if (layer.Format == "qcow2")
            node["backing"] = layer.Parent;
        return node;
    }

    /// <summary>The arguments of a QEMU that has no machine and only works on a disk's layers.</summary>
    internal static IReadOnlyList<string> BlocksOnly(IReadOnlyList<DiskLayer> chain, MachineFiles files)
    {
        var line = new List<string>
        {
            "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none",
            "-sandbox", Sandbox,
            "-pidfile", files.ProcessIdFile,
            "-chardev", $"socket,id=commands,path={Escape(files.CommandMonitor)},server=on,wait=off",
            "-mon", "chardev=commands,mode=control",
        };
        Nodes(line, chain);
        return line;
    }

    /// <summary>The device of a disk that is attached to a running machine.</summary>
    internal static JsonObject HotDevice(VirtualDisk disk) => disk.Controller == DiskController.Nvme
        ? new() { ["driver"] = "nvme", ["id"] = DeviceOf(disk.Name), ["drive"] = disk.Name, ["serial"] = disk.Name }
        : new() { ["driver"] = "virtio-blk-pci", ["id"] = DeviceOf(disk.Name), ["drive"] = disk.Name, ["werror"] = "enospc", ["rerror"] = "report" };

    private static string Flat(JsonObject node, string prefix = "") =>
        string.Join(',', node.Select(p => p.Value is JsonObject inner ? Flat(inner, $"{prefix}{p.Key}.") : $"{prefix}{p.Key}={Value(p.Value)}"));

    private static string Value(JsonNode? value) => value?.GetValueKind() switch
    {
        null => "",
        JsonValueKind.True => "on",
        JsonValueKind.False => "off",
        JsonValueKind.Number => Number(value.GetValue<int>()),
        _ => Escape(value.GetValue<string>()),
    };

    private static void Adapter(List<string> line, NetworkAdapter adapter, MachineFiles files)
    {
        var name = adapter.Name;
        line.AddRange([
            // Frames go to whoever listens at the peer's path, and nowhere when nobody does.
            "-netdev", $"dgram,id={name},local.type=unix,local.path={Escape(files.AdapterSocket(name))},remote.type=unix,remote.path={Escape(files.AdapterPeer(name))}",
            // No option ROM: a machine that cannot boot from its disk says so, and does not try the network for minutes.
            "-device", $"{adapter.Model},id={name}-device,netdev={name},mac={adapter.MacAddress},romfile=",
        ]);
    }

    /// <summary>The network of an adapter that is attached to a running machine.</summary>
    internal static JsonObject HotNetdev(NetworkAdapter adapter, MachineFiles files) => new()
    {
        ["type"] = "dgram",
        ["id"] = adapter.Name,
        ["local"] = new JsonObject { ["type"] = "unix", ["path"] = files.AdapterSocket(adapter.Name) },
        ["remote"] = new JsonObject { ["type"] = "unix", ["path"] = files.AdapterPeer(adapter.Name) },
    };

    /// <summary>The device of an adapter that is attached to a running machine.</summary>
    internal static JsonObject HotAdapter(NetworkAdapter adapter) => new()
    {
        ["driver"] = adapter.Model, ["id"] = adapter.Name + "-device", ["netdev"] = adapter.Name, ["mac"] = adapter.MacAddress, ["romfile"] = "",
    };

    private static void Once(List<string> line, string option, string value)
    {
        if (!line.Contains(value))
            line.AddRange([option, value]);
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
