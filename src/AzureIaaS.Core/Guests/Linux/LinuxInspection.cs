using System.Text.RegularExpressions;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>What a Linux's files say of it.</summary>
internal static partial class LinuxInspection
{
    private static readonly (string Path, string Agent)[] AgentFiles =
    [
        ("/usr/sbin/waagent", "waagent"), ("/usr/bin/waagent", "waagent"), ("/usr/bin/cloud-init", "cloud-init"), ("/usr/sbin/qemu-ga", "qemu-guest-agent"),
        ("/usr/bin/qemu-ga", "qemu-guest-agent"), ("/usr/bin/vmtoolsd", "open-vm-tools"), ("/usr/sbin/VBoxService", "virtualbox-guest-utils"),
        ("/usr/sbin/hv_kvp_daemon", "hyperv-daemons"), ("/usr/sbin/hypervkvpd", "hyperv-daemons"),
    ];

    private static readonly string[] NetRuleFiles = ["/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/75-persistent-net-generator.rules"];

    private static readonly string[] Programs = ["/bin/true", "/usr/bin/true", "/bin/busybox", "/bin/sh", "/sbin/init"];

    // What systems had before os-release: a line such as "CentOS release 6.10 (Final)".
    private static readonly (string Path, string Distribution)[] OldReleases =
    [
        ("/etc/centos-release", "centos"), ("/etc/oracle-release", "ol"), ("/etc/redhat-release", "rhel"), ("/etc/SuSE-release", "sles"), ("/etc/debian_version", "debian"),
    ];

    /// <summary>Adds what the volumes' files tell.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="volumes">The volumes.</param>
    public static void Look(GuestInfo guest, IReadOnlyList<OpenedVolume> volumes)
    {
        foreach (var volume in volumes.Where(v => v.Files is not null && v.About.Content != "NTFS"))
            GuestInspector.Try(guest, volume.About, () => Look(guest, volume, volumes));

        // A machine whose root is not read may still have a /boot that is.
        if (guest.HasSerialConsole is null)
        {
            foreach (var volume in volumes.Where(v => v.Files is not null && v.About.Content != "NTFS"))
                GuestInspector.Try(guest, volume.About, () => guest.HasSerialConsole ??= LinuxBoot.HasSerialConsole(volume.Files!));
        }
    }

    private static void Look(GuestInfo guest, OpenedVolume volume, IReadOnlyList<OpenedVolume> volumes)
    {
        if (guest.Family != GuestFamily.Unknown || !LookAtRelease(guest, volume.Files!))
            return;
        guest.Family = GuestFamily.Linux;
        var files = new LinuxTree(volume.Files!, volumes);
        guest.HasSerialConsole = LinuxBoot.HasSerialConsole(files);
        guest.ComputerName = files.Text("/etc/hostname")?.Trim() is { Length: > 0 } name ? name : null;
        guest.TimeZone = files.Text("/etc/timezone")?.Trim() is { Length: > 0 } zone ? zone : files.Target("/etc/localtime")?.Split("zoneinfo/")[^1];
        guest.Architecture = ArchitectureOf(files);
        guest.Agents = [.. AgentFiles.Where(a => files.Exists(a.Path)).Select(a => a.Agent).Distinct()];
        LookAtFstab(guest, files, volumes);
        guest.DeviceNamesOnCommandLine = [.. LinuxBoot.DeviceNames(files)];
        LookAtNetRules(guest, files);
        LinuxNetwork.Look(guest, files);
        LinuxKernels.Look(guest, files);
    }

    private static bool LookAtRelease(GuestInfo guest, GuestFileSystem files)
    {
        if ((files.Text("/etc/os-release") ?? files.Text("/usr/lib/os-release")) is { } release)
        {
            var values = KeyValues.Of(release);
            guest.Name = values.GetValueOrDefault("PRETTY_NAME") ?? values.GetValueOrDefault("NAME") ?? "Linux";
            guest.Distribution = values.GetValueOrDefault("ID");
            guest.Version = values.GetValueOrDefault("VERSION_ID");
            return true;
        }

        foreach (var (path, distribution) in OldReleases)
        {
            if (files.Text(path)?.Split('\n')[0].Trim() is not { Length: > 0 } line)
                continue;
            guest.Name = distribution == "debian" ? $"Debian GNU/Linux {line}" : line;
            guest.Distribution = distribution;
            guest.Version = Number().Match(line) is { Success: true } match ? match.Value : null;
            return true;
        }

        return false;
    }

    private static void LookAtFstab(GuestInfo guest, GuestFileSystem files, IReadOnlyList<OpenedVolume> volumes)
    {
        foreach (var line in Fstab.Of(files))
        {
            if (line.HasDeviceName)
                guest.DeviceNamesInFstab.Add(line.Text);
            else if (guest.Unread.Count == 0 && line.IsUnresolved(volumes))
                guest.UnresolvedInFstab.Add(line.Text);
            if (line.Type == "swap" && line.Source.StartsWith('/') && !line.Source.StartsWith("/dev/", StringComparison.Ordinal))
                guest.HasSwapOnOsDisk = true;   // a swap file on the root
        }
    }

    private static void LookAtNetRules(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var line in NetRuleFiles.SelectMany(f => (files.Text(f) ?? "").Split('\n')).Where(l => l.Contains("ATTR{address}", StringComparison.Ordinal) && !l.StartsWith('#')))
            guest.PersistentNetRules.Add(line.Trim());

        // systemd's way to say the same: a .link file that matches a hardware address and gives a name.
        foreach (var path in files.List("/etc/systemd/network").Where(n => n.EndsWith(".link", StringComparison.Ordinal)).Select(n => "/etc/systemd/network/" + n))
        {
            var text = files.Text(path) ?? "";
            if (text.Contains("MACAddress=", StringComparison.Ordinal) && text.Contains("Name=", StringComparison.Ordinal))
                guest.PersistentNetRules.Add(path);
        }

        foreach (var path in LinuxNetwork.FilesByHardwareAddress(files))
            guest.PersistentNetRules.Add(path);
    }

    /// <summary>The machine that a program of the system is for, by its ELF header.</summary>
    private static string? ArchitectureOf(GuestFileSystem files)
    {
        var head = new byte[20];
        foreach (var program in Programs)
        {
            if (files.Open(program) is not { Length: > 20 } file)
                continue;
            file.Read(0, head);
            if (!head.AsSpan().StartsWith("\u007FELF"u8))
                continue;
            return (head[18] | (head[19] << 8)) switch
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

        return null;
    }

    [GeneratedRegex(@"\d+(\.\d+)*", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
