namespace AzureIaaS.Guests;

/// <summary>What kind of operating system a guest has.</summary>
public enum GuestFamily
{
    /// <summary>Not seen.</summary>
    Unknown,

    /// <summary>Linux.</summary>
    Linux,

    /// <summary>Windows.</summary>
    Windows,
}

/// <summary>What was found on a machine's disks, read without starting it. Unknown is a value: what was not seen is null or empty.</summary>
public sealed class GuestInfo
{
    /// <summary>The kind of operating system.</summary>
    public GuestFamily Family { get; set; }

    /// <summary>Its name, as it calls itself: <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public string? Name { get; set; }

    /// <summary>The distribution's short name: <c>debian</c>.</summary>
    public string? Distribution { get; set; }

    /// <summary>Its version: <c>12</c>.</summary>
    public string? Version { get; set; }

    /// <summary>Its processor architecture, in Linux's word; null where that was not seen.</summary>
    public string? Architecture { get; set; }

    /// <summary>The name it gives itself; null where that was not seen.</summary>
    public string? ComputerName { get; set; }

    /// <summary>Its time zone, in its own words: <c>Europe/Berlin</c>, <c>W. Europe Standard Time</c>; null where that was not seen.</summary>
    public string? TimeZone { get; set; }

    /// <summary>What a Windows' registry says; null for anything else.</summary>
    public WindowsInfo? Windows { get; set; }

    /// <summary>The kernels it has, newest last.</summary>
    public IList<GuestKernel> Kernels { get; set; } = [];

    /// <summary>The volumes on its disks.</summary>
    public IList<GuestVolume> Volumes { get; set; } = [];

    /// <summary>The loaders on its EFI system partitions: <c>/EFI/BOOT/BOOTX64.EFI</c>.</summary>
    public IList<string> EfiLoaders { get; set; } = [];

    /// <summary>The disks, by index from 0, that Windows' dynamic volumes lie on.</summary>
    public IList<int> DynamicDisks { get; set; } = [];

    /// <summary>The agents it has: <c>waagent</c>, <c>cloud-init</c>, <c>qemu-guest-agent</c>, <c>open-vm-tools</c>, <c>WindowsAzureGuestAgent</c>, <c>VMTools</c>.</summary>
    public IList<string> Agents { get; set; } = [];

    /// <summary>The lines of fstab that name a device by a name that another hypervisor gives to another disk, such as /dev/sda2 or one by its path or serial number.</summary>
    public IList<string> DeviceNamesInFstab { get; set; } = [];

    /// <summary>The lines of fstab that a start waits for and whose file system is on none of the disks; empty, too, where not every volume was read.</summary>
    public IList<string> UnresolvedInFstab { get; set; } = [];

    /// <summary>The parameters by which the boot loader gives the kernel such a device name: <c>root=/dev/sda2</c>.</summary>
    public IList<string> DeviceNamesOnCommandLine { get; set; } = [];

    /// <summary>Whether its disk of the operating system holds swap.</summary>
    public bool HasSwapOnOsDisk { get; set; }

    /// <summary>Whether its boot loader's configuration writes to the first serial port; null where that was not seen.</summary>
    public bool? HasSerialConsole { get; set; }

    /// <summary>The static addresses in its configuration, version 4 and 6; loopback and link-local ones are left out.</summary>
    public IList<StaticAddress> StaticAddresses { get; set; } = [];

    /// <summary>The rules by which it names network adapters after hardware addresses, and the files that configure one by its hardware address.</summary>
    public IList<string> PersistentNetRules { get; set; } = [];

    /// <summary>What was there and could not be read, in half sentences; what it holds may change the judgement.</summary>
    public IList<string> Unread { get; set; } = [];

    /// <summary>The system's name.</summary>
    public override string ToString() => Name ?? Family.ToString();
}

/// <summary>A kernel of a guest.</summary>
public sealed class GuestKernel
{
    /// <summary>Its release: <c>6.1.0-18-amd64</c>.</summary>
    public string Release { get; set; } = "";

    /// <summary>Those of the drivers that hypervisors ask for that it has, built in or as modules: <c>hv_storvsc</c>, <c>virtio_blk</c>.</summary>
    public IList<string> Drivers { get; set; } = [];

    /// <summary>Its initramfs; null where none was found. Only the newest kernel's is looked for.</summary>
    public string? Initramfs { get; set; }

    /// <summary>Those of the drivers that it has before it can read a disk: built in, or in its initramfs; null where that was not read.</summary>
    public IList<string>? BootDrivers { get; set; }

    /// <summary>The release.</summary>
    public override string ToString() => Release;
}

/// <summary>A volume of a guest.</summary>
public sealed class GuestVolume
{
    /// <summary>The disk's index, from 0.</summary>
    public int Disk { get; set; }

    /// <summary>The partition's number; 0 for a disk without a partition table.</summary>
    public int Partition { get; set; }

    /// <summary>What the partition is called by wherever it lies (Linux' PARTUUID); empty for what is none.</summary>
    public string PartitionId { get; set; } = "";

    /// <summary>The partition's name (Linux' PARTLABEL), for GPT; null otherwise.</summary>
    public string? PartitionName { get; set; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; set; }

    /// <summary>Its name within its group, when it is a logical volume: <c>vg0/root</c>.</summary>
    public string? LogicalVolume { get; set; }

    /// <summary>What it holds: <c>ext</c>, <c>NTFS</c>, <c>LVM</c>, <c>LUKS</c>; null where that is not known.</summary>
    public string? Content { get; set; }

    /// <summary>The name of its file system; null where it has none or that was not read.</summary>
    public string? Label { get; set; }

    /// <summary>Whether its file system says that it was not closed properly.</summary>
    public bool IsDirty { get; set; }

    /// <summary>What became of its file system's log of changes.</summary>
    public LogState Log { get; set; }

    /// <summary>Why what was read of it may be older than what the guest wrote last, as half a sentence; null where it is not.</summary>
    public string? Stale { get; set; }

    /// <summary>How many of the devices that its file system lies on are not among the machine's disks.</summary>
    public int MissingDevices { get; set; }

    /// <summary>The volume.</summary>
    public override string ToString() => $"{Place}: {Content ?? "unknown"}";

    /// <summary>Where it lies, in words.</summary>
    internal string Place => LogicalVolume is { } name ? $"logical volume {name}" : $"partition {Partition} of disk {Disk}";
}
