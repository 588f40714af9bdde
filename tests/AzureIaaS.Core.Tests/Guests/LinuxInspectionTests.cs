using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Imports;
using AzureIaaS.Readiness;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>What is seen of a Linux whose files lie on several volumes.</summary>
public sealed class LinuxInspectionTests : IDisposable
{
    private const string BootId = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData($"UUID={BootId}", true)]
    [InlineData("LABEL=boot", false)]
    [InlineData("PARTUUID=11111111-01", false)]
    [InlineData("PARTUUID=0A1B2C3D-4E5F-4071-8293-000000000001", true)]
    [InlineData("/dev/disk/by-partlabel/the\\040boot", false)]
    public void TheInitramfsOnABootVolumeIsRead(string bootName, bool hasStorvsc)
    {
        LinuxDisk.Require();
        Programs.Require("cpio", "gzip");
        var guest = Inspect($"UUID=x / ext4 defaults 0 1\n{bootName} /boot ext4 defaults 0 2\n", hasStorvsc);
        Assert.Empty(guest.Unread);
        var kernel = Assert.Single(guest.Kernels);
        Assert.Equal("/boot/initrd.img-6.1.0-18-amd64", kernel.Initramfs);
        Assert.Equal(hasStorvsc ? ["hv_vmbus", "hv_storvsc", "nvme"] : ["hv_vmbus", "nvme"], kernel.BootDrivers!);
        Assert.True(guest.HasSerialConsole);
        Assert.Equal(("debian-web", "Europe/Berlin"), (guest.ComputerName, guest.TimeZone));
        Assert.Equal("192.0.2.10/24 eth0", $"{guest.StaticAddresses[0].Address}/{guest.StaticAddresses[0].PrefixLength} {guest.StaticAddresses[0].Adapter}");
        Assert.Equal(hasStorvsc ? ["Agent", "StaticAddresses"] : ["Agent", "InitramfsDrivers", "StaticAddresses"], Judge(guest).Findings.Select(f => f.Rule).Order());
        Assert.Equal(hasStorvsc ? ReadinessVerdict.ReadyWithConditions : ReadinessVerdict.NotReady, Judge(guest).Verdict);
    }

    [SkippableTheory]
    [InlineData("/EFI/debian/grubx64.efi", "FallbackLoader")]
    [InlineData("/EFI/BOOT/BOOTX64.EFI", null)]
    public void LoadersOfAnEfiSystemPartitionAreSeen(string loader, string? finding)
    {
        Programs.Require("mkfs.vfat", "mcopy");
        var image = FileSystemImages.Empty(_folder, "esp.raw", 34 << 20);
        Programs.Run("mkfs.vfat", "-F", "32", "-s", "1", image);
        var tree = Directory.CreateDirectory(_folder["esp"]).FullName;
        Directory.CreateDirectory(Path.GetDirectoryName(tree + loader)!);
        File.WriteAllText(tree + loader, "MZ");
        Programs.Run("mcopy", "-s", "-i", image, tree + "/EFI", "::/");
        var guest = Inspect([image]);
        Assert.Equal([loader], guest.EfiLoaders);
        guest.Name = "Linux";
        Assert.Equal(finding is null ? [] : [finding], Judge(guest, Firmware.Uefi).Findings.Select(f => f.Rule));
    }

    [SkippableFact]
    public void OlderDistributionsAreKnownByTheirRelease()
    {
        LinuxDisk.Require();
        var tree = Directory.CreateDirectory(_folder["old/etc"]).Parent!.FullName;
        File.WriteAllText(Path.Combine(tree, "etc/redhat-release"), "CentOS release 6.10 (Final)\n");
        foreach (var release in new[] { "2.6.32-9.el6", "2.6.32-754.el6" })
        {
            Directory.CreateDirectory(Path.Combine(tree, "lib/modules", release));
            File.WriteAllText(Path.Combine(tree, "lib/modules", release, "modules.dep"), "kernel/drivers/hv/hv_vmbus.ko:\n");
        }

        var guest = Inspect([LinuxDisk.Ext(_folder, tree, "ext3", "8M")]);
        Assert.Equal(("CentOS release 6.10 (Final)", "rhel", "6.10"), (guest.Name, guest.Distribution, guest.Version));
        Assert.Equal(["2.6.32-9.el6", "2.6.32-754.el6"], guest.Kernels.Select(k => k.Release));
    }

    [SkippableTheory]
    [InlineData("UUID=11111111-2222-3333-4444-555555555555 /data ext4 defaults 0 2", "FstabUnresolved")]
    [InlineData("LABEL=data /data ext4 defaults,nofail 0 2", null)]
    [InlineData("LABEL=data /data ext4 noauto 0 0", null)]
    [InlineData("UUID=11111111-2222-3333-4444-555555555555 none swap sw 0 0", null)]
    [InlineData("server:/share /data nfs defaults 0 0", null)]
    [InlineData("LABEL=itself /again ext4 defaults 0 2", null)]
    [InlineData("/dev/nvme0n1p2 /data ext4 defaults 0 2", "FstabDeviceNames")]
    [InlineData("/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0-part1 /data ext4 defaults 0 2", "FstabDeviceNames")]
    [InlineData("/dev/disk/by-id/scsi-36000c29a0-part2 swap swap defaults 0 0", "FstabDeviceNames")]
    [InlineData("/dev/disk/by-id/dm-uuid-LVM-abc /data ext4 nofail 0 0", null)]
    public void LinesOfFstabAreJudged(string line, string? finding)
    {
        LinuxDisk.Require();
        var root = LinuxDisk.Debian(_folder, $"LABEL=itself / ext4 defaults 0 1\n{line}\n", hasHyperV: true);
        var guest = Inspect([LinuxDisk.Ext(_folder, root, "ext4", "8M", "-L", "itself")]);
        Assert.Equal(finding is null ? [] : [finding], Judge(guest).Findings.Select(f => f.Rule).Where(r => r.StartsWith("Fstab", StringComparison.Ordinal)));
    }

    [SkippableFact]
    public void ADeviceNameOnTheKernelsCommandLineIsSaid()
    {
        LinuxDisk.Require();
        var root = LinuxDisk.Debian(_folder, "", hasHyperV: true);
        File.WriteAllText(Path.Combine(root, "boot/grub/grub.cfg"), "set root='hd0,msdos1'\nlinux /vmlinuz root=/dev/sda2 ro resume=/dev/disk/by-path/pci-0-part3\nlinux /vmlinuz root=/dev/sda2 ro single\nlinux /vmlinuz root=/dev/mapper/vg-root\n");
        var guest = Inspect([LinuxDisk.Ext(_folder, root, "ext4", "8M")]);
        Assert.Equal(["root=/dev/sda2", "resume=/dev/disk/by-path/pci-0-part3"], guest.DeviceNamesOnCommandLine);
        Assert.Equal(2, Judge(guest).Findings.Count(f => f.Rule == "KernelDeviceNames"));
    }

    [Theory]
    [InlineData(LogState.Replayed, null, "LogReplayed", ReadinessVerdict.Ready)]
    [InlineData(LogState.NotReplayed, "its log is not replayed", "LogNotReplayed", ReadinessVerdict.ReadyWithConditions)]
    public void AFileSystemThatWasNotClosedIsSaid(LogState log, string? stale, string finding, ReadinessVerdict verdict)
    {
        var guest = new GuestInfo { Name = "Linux", Volumes = { new GuestVolume { Partition = 2, Content = "XFS", Log = log, Stale = stale } } };
        var report = Judge(guest);
        Assert.Equal(finding, Assert.Single(report.Findings).Rule);
        Assert.Contains("partition 2 of disk 0", report.Findings[0].Message, StringComparison.Ordinal);
        Assert.Equal(verdict, report.Verdict);
    }

    private GuestInfo Inspect(string fstab, bool hasStorvsc)
    {
        var root = LinuxDisk.Debian(_folder, fstab, hasHyperV: true);
        File.WriteAllText(Path.Combine(root, "etc/hostname"), "debian-web\n");
        File.CreateSymbolicLink(Path.Combine(root, "etc/localtime"), "/usr/share/zoneinfo/Europe/Berlin");
        var boot = _folder["boot"];
        Directory.Move(Path.Combine(root, "boot"), boot);
        var modules = Directory.CreateDirectory(_folder["modules"]).FullName;
        string[] names = hasStorvsc ? ["hv_vmbus.ko", "hv_storvsc.ko"] : ["hv_vmbus.ko"];
        foreach (var name in names)
            File.WriteAllText(Path.Combine(modules, name), name);
        Programs.RunWith(string.Join('\n', names), "cpio", "--quiet", "-o", "-H", "newc", "-D", modules, "-F", _folder["initrd"]);
        File.WriteAllBytes(Path.Combine(boot, "initrd.img-6.1.0-18-amd64"), Programs.Bytes("gzip", "-c", _folder["initrd"]));

        // Another one with a kernel in it, which is the first that would be taken if the name did not lead to the right one.
        var other = Directory.CreateDirectory(_folder["other"]).FullName;
        File.WriteAllText(Path.Combine(other, "vmlinuz"), "");
        var (rootDisk, otherDisk, bootDisk) = (LinuxDisk.Ext(_folder, root, "ext4", "8M"), LinuxDisk.Ext(_folder, other, "ext4", "4M"), LinuxDisk.Ext(_folder, boot, "ext4", "8M", "-U", BootId, "-L", "boot"));
        return Inspect([rootDisk, otherDisk, Partitioned(bootDisk, isGpt: fstab.Contains("-4e5f-", StringComparison.OrdinalIgnoreCase) || fstab.Contains("partlabel", StringComparison.Ordinal))]);
    }

    private string Partitioned(string fileSystem, bool isGpt)
    {
        Programs.Require("sfdisk");
        var disk = new byte[10 << 20];
        File.ReadAllBytes(fileSystem).CopyTo(disk, 1 << 20);
        var path = _folder.Write("boot.raw", disk);
        Programs.RunWith(isGpt ? "label: gpt\nstart=2048, size=16384, name=\"the boot\", uuid=0A1B2C3D-4E5F-4071-8293-000000000001\n" : "label: dos\nlabel-id: 0x11111111\nstart=2048, size=16384, type=83\n", "sfdisk", "-q", path);
        return path;
    }

    private static GuestInfo Inspect(string[] disks)
    {
        var images = disks.Select(d => DiskFormat.OpenImage(d, new DiskOpenOptions { Format = "raw" })).ToList();
        try
        {
            return GuestInspector.Inspect(images, default);
        }
        finally
        {
            images.ForEach(i => i.Dispose());
        }
    }

    private static ReadinessReport Judge(GuestInfo guest, Firmware firmware = Firmware.Bios) => ReadinessJudge.Judge(new ImportRequest { Path = "/x/disk.vhdx" },
        new ImportSource { Format = "vhdx", Name = "x", Firmware = firmware, Disks = [new() { Path = "/x/disk.vhdx", Length = 1 << 30, LogicalSectorSize = 512 }] }, guest, ReadinessTarget.Azure);
}
