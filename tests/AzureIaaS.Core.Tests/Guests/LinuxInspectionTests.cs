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
        return Inspect([LinuxDisk.Ext(_folder, root, "ext4", "8M"), LinuxDisk.Ext(_folder, boot, "ext4", "8M", "-U", BootId, "-L", "boot")]);
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
