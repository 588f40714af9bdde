using AzureIaaS.Guests;
using AzureIaaS.Imports;

namespace AzureIaaS.Readiness;

/// <summary>What rules look at: a machine as its source describes it, and what was found on its disks.</summary>
/// <param name="Source">The machine.</param>
/// <param name="Guest">What was found on its disks.</param>
/// <param name="Target">Where it is to go: Local, AzureGen1 or AzureGen2.</param>
internal sealed record ReadinessSubject(ImportSource Source, GuestInfo Guest, ReadinessTarget Target)
{
    /// <summary>Whether it goes to Azure.</summary>
    public bool IsAzure => Target != ReadinessTarget.Local;
}

/// <summary>A rule of fitness. What exists is the one list <see cref="Known"/>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Severity">How much it matters when it applies.</param>
/// <param name="Origin">Where it comes from.</param>
/// <param name="Find">Gives a sentence and a remedy for everything it finds.</param>
internal sealed record ReadinessRule(string Id, ReadinessSeverity Severity, string Origin, Func<ReadinessSubject, IEnumerable<(string Message, string Remedy)>> Find)
{
    private const string AzureVhd = "Azure: prepare a VHD for upload";
    private const string AzureLinux = "Azure: create and upload a Linux VHD";
    private const string AzureGen2 = "Azure: support for generation 2 machines";
    private const string AddToInitramfs = "Before the move, on Debian and Ubuntu list them in /etc/initramfs-tools/modules and run update-initramfs -u; elsewhere dracut -f --add-drivers \"hv_vmbus hv_storvsc hv_netvsc\".";
    private const long TiB = 1L << 40;
    private const long GiB = 1L << 30;

    private static readonly string[] HyperVBoot = ["hv_vmbus", "hv_storvsc"];

    /// <summary>Every rule, in the order in which their findings of one severity are shown.</summary>
    public static IReadOnlyList<ReadinessRule> Known { get; } =
    [
        new("OsDiskTooLarge", ReadinessSeverity.Blocker, AzureGen2, s => s.IsAzure && s.Source.Disks[0].Length > OsLimit(s.Target)
            ? [($"The disk of the operating system has {ByteSize.Format(s.Source.Disks[0].Length)}, and {s.Target} takes {ByteSize.Format(OsLimit(s.Target))}.",
                "Shrink the file system and the disk, or move data to a disk of its own.")] : []),
        new("DataDiskTooLarge", ReadinessSeverity.Blocker, AzureVhd, s => s.IsAzure
            ? s.Source.Disks.Skip(1).Where(d => d.Length > 32767 * GiB).Select(d => ($"{d.Path}: a data disk has {ByteSize.Format(d.Length)}, and Azure takes 32767 GiB.", "Spread its data over several disks."))
            : []),
        new("SectorSize", ReadinessSeverity.Blocker, AzureVhd, s => s.IsAzure
            ? s.Source.Disks.Where(d => d.LogicalSectorSize != 512).Select(d => ($"{d.Path}: the disk has logical sectors of {d.LogicalSectorSize} bytes; a VHD has 512.",
                "Copy its file systems to a disk with sectors of 512 bytes."))
            : []),
        new("Generation", ReadinessSeverity.Blocker, AzureGen2, s => (s.Target, s.Source.Firmware) switch
        {
            (ReadinessTarget.AzureGen1, Firmware.Uefi) => [("The machine boots by UEFI, and generation 1 has BIOS.", "Judge it for AzureGen2.")],
            (ReadinessTarget.AzureGen2, Firmware.Bios) => [("The machine boots by BIOS, and generation 2 has UEFI.", "Judge it for AzureGen1; or convert its disk to GPT with an EFI system partition (Windows: mbr2gpt).")],
            _ => [],
        }),
        new("Architecture", ReadinessSeverity.Blocker, "The processors of the target", s => s.Guest.Architecture is { } a && a is not ("x86_64" or "i386")
            ? [($"The guest is for {a} processors.", "Bring a machine for x86_64.")] : []),
        new("Encrypted", ReadinessSeverity.Condition, "Linux: LUKS; Windows: BitLocker", s => s.Guest.Volumes.Where(v => v.Content is "LUKS" or "BitLocker")
            .Select(v => ($"Partition {v.Partition} of disk {v.Disk} is encrypted by {v.Content}.", "Have its passphrase or recovery key at hand: a TPM's secrets do not come along, and somebody must type at the console."))),
        new("NoBootLoader", ReadinessSeverity.Condition, "Partition tables", s => s.Source.Disks[0].Warnings.Where(w => w.StartsWith("No boot loader", StringComparison.Ordinal))
            .Select(w => (w, "Make sure that the disk to boot from comes first."))),
        new("FirmwareUnknown", ReadinessSeverity.Unknown, "Partition tables", s => s.Source.Firmware == Firmware.Unknown
            ? [("Neither the description nor the partition table says which firmware the machine needs.", "Say so with -Firmware at the import.")] : []),
        new("NotRead", ReadinessSeverity.Unknown, "What inspection reads", s => s.Guest.Name is not null ? []
            : s.Guest.Unread.Select(u => ($"The operating system was not seen: {u}.", "Judge it by what you know of it; drivers, agents and settings were not checked."))),
        new("NoSystem", ReadinessSeverity.Unknown, "What inspection reads", s => s.Guest.Name is null && s.Guest.Unread.Count == 0
            ? [("No operating system was found on the disks.", "Make sure that the disk with the operating system is among them.")] : []),
        new("HyperVDrivers", ReadinessSeverity.Blocker, AzureLinux, s => s.IsAzure && s.Guest.Kernels.Count > 0
            ? Missing(s.Guest.Kernels[^1], "hv_vmbus", "hv_storvsc", "hv_netvsc").Select(d => ($"The kernel {s.Guest.Kernels[^1].Release} has no driver {d}.", "Install a kernel that has it (most distributions' default one), before the move."))
            : []),
        new("InitramfsDrivers", ReadinessSeverity.Blocker, AzureLinux, s => s.IsAzure && s.Guest.Kernels is [.., { BootDrivers: { } early } newest]
            ? HyperVBoot.Where(d => newest.Drivers.Contains(d) && !early.Contains(d)).Select(d => ($"The initramfs of {newest.Release} does not hold {d}, so that its root cannot be found there.", AddToInitramfs)) : []),
        new("Initramfs", ReadinessSeverity.Condition, AzureLinux, s => s.IsAzure && s.Guest.Kernels is [.., { BootDrivers: null } newest] && !Missing(newest, HyperVBoot).Any()
            ? [($"Whether the initramfs of {newest.Release} holds hv_vmbus and hv_storvsc was not seen.", "Make sure. " + AddToInitramfs)] : []),
        new("OldKernel", ReadinessSeverity.Condition, AzureLinux, s => s.IsAzure && s.Guest.Kernels.Count > 0 && s.Guest.Kernels[^1].Release.StartsWith("2.6.", StringComparison.Ordinal)
            ? [($"The kernel {s.Guest.Kernels[^1].Release} is old.", "Before 2.6.37, numa=off must be on its command line.")] : []),
        new("LogNotReplayed", ReadinessSeverity.Condition, "What inspection reads", s => s.Guest.Volumes.Where(v => v.Stale is not null)
            .Select(v => ($"The file system on {v.Place} was not closed, and {v.Stale}: what was judged may be older than what the guest wrote last.",
                "Shut the guest down and export it again; or know that nothing of this judgement changed shortly before the copy. The guest replays the log itself when it starts."))),
        new("MissingDevice", ReadinessSeverity.Condition, "What inspection reads", s => s.Guest.Volumes.Where(v => v.MissingDevices > 0)
            .Select(v => ($"The file system on {v.Place} lies on {v.MissingDevices} more devices, which are not among the machine's disks.", "Bring all of them: a file system with a device missing is not mounted unless it is asked to be (degraded)."))),
        new("LogReplayed", ReadinessSeverity.Information, "What inspection reads", s => s.Guest.Volumes.Where(v => v.Log == LogState.Replayed)
            .Select(v => ($"The file system on {v.Place} was not closed; it was judged as it is once its journal is replayed.", "Nothing needs to be done: the guest replays it when it starts."))),
        new("FstabDeviceNames", ReadinessSeverity.Condition, AzureLinux, s => s.Guest.DeviceNamesInFstab
            .Select(l => ($"/etc/fstab mounts by a device's name, which is another on another controller: {l}", "Name the file system by UUID (blkid) before the move, or keep the controller with -DiskController."))),
        new("KernelDeviceNames", ReadinessSeverity.Condition, AzureLinux, s => s.Guest.DeviceNamesOnCommandLine
            .Select(p => ($"The boot loader gives the kernel a device's name, which is another on another controller: {p}.", "Name the file system by UUID there (GRUB: GRUB_DISABLE_LINUX_UUID must not be true; then update-grub or grub2-mkconfig), or keep the controller with -DiskController."))),
        new("FstabUnresolved", ReadinessSeverity.Condition, "Linux: fstab(5)", s => s.Guest.UnresolvedInFstab
            .Select(l => ($"/etc/fstab mounts what is on none of the disks: {l}", "Bring the disk it is on, or take the line out (or give it nofail): a start waits for it, and then asks for root's password at the console."))),
        new("SwapOnOsDisk", ReadinessSeverity.Condition, AzureLinux, s => s.IsAzure && s.Guest.HasSwapOnOsDisk
            ? [("There is swap on the disk of the operating system, where every write is paid for.", "Turn it off, and let waagent or cloud-init make swap on the temporary disk.")] : []),
        new("SerialConsole", ReadinessSeverity.Condition, AzureLinux, s => s.Guest.HasSerialConsole == false
            ? [("The boot loader's configuration does not write to the serial port: its console will show nothing.",
                s.Guest.Family == GuestFamily.Windows ? "Turn it on: bcdedit /ems {current} on, and bcdedit /emssettings EMSPORT:1 EMSBAUDRATE:115200." : "Add console=ttyS0 to the kernel's command line.")] : []),
        new("FallbackLoader", ReadinessSeverity.Condition, "UEFI 2.10, section 3.5.1.1", s => s.Source.Firmware == Firmware.Uefi && s.Guest.EfiLoaders.Count > 0 && !s.Guest.EfiLoaders.Any(IsFallback)
            ? [($"The EFI system partition has loaders ({s.Guest.EfiLoaders[0]}), but none under /EFI/BOOT, where firmware looks that does not know the machine; its variables do not come along.",
                "Copy one there before the move: grub-install --removable (Linux), bcdboot C:\\Windows (Windows).")] : []),
        new("PersistentNetRules", ReadinessSeverity.Condition, AzureLinux, s => s.Guest.PersistentNetRules.Count > 0
            ? [($"Network adapters are named or configured by their hardware addresses, which are others there: {string.Join("; ", s.Guest.PersistentNetRules)}.",
                "Remove the rules (/etc/udev/rules.d/70-persistent-net.rules) and the addresses from the configuration, or keep the adapters' addresses.")] : []),
        new("StaticAddresses", ReadinessSeverity.Condition, "The target's networks", s => s.Guest.StaticAddresses
            .Select(a => ($"The guest has the static address {a}.", s.IsAzure ? "Let it use DHCP, and reserve the address in the virtual network." : "Give it the same network, or let it use DHCP."))),
        new("Agent", ReadinessSeverity.Condition, AzureLinux, s => s.IsAzure && s.Guest.Family == GuestFamily.Linux && !s.Guest.Agents.Contains("waagent")
            ? [("The Azure Linux agent (waagent) is not installed: extensions and password resets will not work.", "Install it before the move, with Provisioning.Agent=disabled for a machine that keeps its identity.")] : []),
        new("PartlyRead", ReadinessSeverity.Information, "What inspection reads", s => s.Guest.Name is null ? []
            : s.Guest.Unread.Select(u => ($"Not everything was looked at: {u}.", "Know what is on it."))),
        new("Alignment", ReadinessSeverity.Information, AzureVhd, s => s.IsAzure
            ? s.Source.Disks.Where(d => d.Length % (1 << 20) != 0).Select(d => ($"{d.Path}: the disk's size is no multiple of 1 MiB.", "It is rounded up on the way; nothing needs to be done."))
            : []),
        .. WindowsRules.All,
    ];

    private static bool IsFallback(string loader) => loader.Equals("/EFI/BOOT/BOOTX64.EFI", StringComparison.OrdinalIgnoreCase);

    private static long OsLimit(ReadinessTarget target) => target == ReadinessTarget.AzureGen1 ? 2 * TiB : 4 * TiB;

    private static IEnumerable<string> Missing(GuestKernel kernel, params string[] drivers) => drivers.Where(d => !kernel.Drivers.Contains(d));
}
