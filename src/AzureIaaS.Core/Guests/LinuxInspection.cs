using System.Text.RegularExpressions;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>What a Linux's files say of it.</summary>
internal static partial class LinuxInspection
{
    private static readonly string[] Drivers =
    [
        "hv_vmbus", "hv_storvsc", "hv_netvsc", "hv_utils", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_pci", "nvme", "ahci", "ata_piix", "mptsas", "vmw_pvscsi",
        "e1000", "e1000e", "vmxnet3", "udf", "vfat",
    ];

    private static readonly (string Path, string Agent)[] AgentFiles =
    [
        ("/usr/sbin/waagent", "waagent"), ("/usr/bin/waagent", "waagent"), ("/usr/bin/cloud-init", "cloud-init"), ("/usr/sbin/qemu-ga", "qemu-guest-agent"),
        ("/usr/bin/qemu-ga", "qemu-guest-agent"), ("/usr/bin/vmtoolsd", "open-vm-tools"),
    ];

    private static readonly string[] BootLoaderFiles = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/grub/grub.cfg", "/grub2/grub.cfg", "/boot/extlinux/extlinux.conf"];

    private static readonly string[] NetRuleFiles = ["/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/75-persistent-net-generator.rules"];

    private static readonly string[] Programs = ["/bin/true", "/usr/bin/true", "/bin/busybox", "/bin/sh", "/sbin/init"];

    /// <summary>Adds what the volumes' files tell; any volume may be the root, or /boot.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="volumes">The volumes.</param>
    public static void Look(GuestInfo guest, IEnumerable<OpenedVolume> volumes)
    {
        foreach (var volume in volumes.Where(v => v.Files is not null))
            GuestInspector.Try(guest, volume.About, () => Look(guest, volume.Files!));
    }

    private static void Look(GuestInfo guest, GuestFileSystem files)
    {
        LookAtBootLoader(guest, files);
        if ((files.Text("/etc/os-release") ?? files.Text("/usr/lib/os-release")) is not { } release)
            return;
        guest.Family = GuestFamily.Linux;
        var values = release.Split('\n').Select(l => l.Split('=', 2)).Where(p => p.Length == 2).GroupBy(p => p[0].Trim())
            .ToDictionary(g => g.Key, g => g.Last()[1].Trim().Trim('"', '\''));
        guest.Name = values.GetValueOrDefault("PRETTY_NAME") ?? values.GetValueOrDefault("NAME");
        guest.Distribution = values.GetValueOrDefault("ID");
        guest.Version = values.GetValueOrDefault("VERSION_ID");
        LookAtKernels(guest, files);
        LookAtFstab(guest, files);
        LookAtNetwork(guest, files);
        guest.Agents = [.. AgentFiles.Where(a => files.Exists(a.Path)).Select(a => a.Agent).Distinct()];
        guest.Architecture = ArchitectureOf(files);
    }

    private static void LookAtBootLoader(GuestInfo guest, GuestFileSystem files)
    {
        var configuration = string.Concat(BootLoaderFiles.Select(files.Text));
        if (configuration.Length > 0)
            guest.HasSerialConsole = guest.HasSerialConsole == true || configuration.Contains("console=ttyS0", StringComparison.Ordinal);
    }

    private static void LookAtKernels(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var release in files.List("/lib/modules").Order(StringComparer.Ordinal))
        {
            var folder = "/lib/modules/" + release;
            var modules = (files.Text(folder + "/modules.builtin") ?? "") + "\n" + (files.Text(folder + "/modules.dep") ?? "");
            if (modules.Length <= 1)
                continue;
            var names = modules.Split('\n').Select(l => l.Split(':')[0]).Select(p => p[(p.LastIndexOf('/') + 1)..]).Select(n => n.Split('.')[0].Replace('-', '_')).ToHashSet();
            guest.Kernels.Add(new GuestKernel { Release = release, Drivers = [.. Drivers.Where(names.Contains)] });
        }
    }

    private static void LookAtFstab(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var line in (files.Text("/etc/fstab") ?? "").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#'))
        {
            var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (DeviceName().IsMatch(fields[0]))
                guest.DeviceNamesInFstab.Add(line);
            if (fields.Length > 2 && fields[2] == "swap" && fields[0].StartsWith('/') && !fields[0].StartsWith("/dev/", StringComparison.Ordinal))
                guest.HasSwapOnOsDisk = true;   // a swap file on the root
        }
    }

    private static void LookAtNetwork(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var rules in NetRuleFiles.Where(files.Exists))
        {
            foreach (var line in (files.Text(rules) ?? "").Split('\n').Where(l => l.Contains("ATTR{address}", StringComparison.Ordinal) && !l.StartsWith('#')))
                guest.PersistentNetRules.Add(line.Trim());
        }

        var places = Files(files, "/etc/network/interfaces.d", "").Prepend("/etc/network/interfaces").Concat(Files(files, "/etc/netplan", ".yaml")).Concat(Files(files, "/etc/systemd/network", ".network"))
            .Concat(files.List("/etc/sysconfig/network-scripts").Where(n => n.StartsWith("ifcfg-", StringComparison.Ordinal) && n != "ifcfg-lo").Select(n => "/etc/sysconfig/network-scripts/" + n))
            .Concat(Files(files, "/etc/NetworkManager/system-connections", ".nmconnection"));
        foreach (var place in places)
        {
            foreach (Match match in Address().Matches(files.Text(place) ?? ""))
            {
                var address = match.Groups["address"].Value;
                if (!address.StartsWith("127.", StringComparison.Ordinal))
                    guest.StaticAddresses.Add(new StaticAddress { Address = address, Origin = place });
            }
        }
    }

    private static IEnumerable<string> Files(GuestFileSystem files, string folder, string extension) =>
        files.List(folder).Where(n => n.EndsWith(extension, StringComparison.Ordinal)).Select(n => $"{folder}/{n}");

    /// <summary>The machine that a program of the system is for, by its ELF header.</summary>
    private static string? ArchitectureOf(GuestFileSystem files)
    {
        var program = Programs.Select(files.Read).FirstOrDefault(b => b is { Length: > 20 } && b.AsSpan().StartsWith("\u007FELF"u8));
        return program is null ? null : (program[18] | (program[19] << 8)) switch
        {
            3 => "i386",
            62 => "x86_64",
            40 => "arm",
            183 => "aarch64",
            21 => "ppc64",
            22 => "s390x",
            243 => "riscv64",
            _ => null,
        };
    }

    [GeneratedRegex(@"^/dev/(sd|hd|vd|xvd|nvme)[a-z0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex DeviceName();

    [GeneratedRegex(@"^\s*(address|Address|IPADDR\d*|address\d+|addresses|-)\s*[=: ]\s*[\[""']*(?<address>\d{1,3}(\.\d{1,3}){3})\b", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}
