using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Readiness;

public sealed class ReadinessTests : IDisposable
{
    private const string ByUuid = "UUID=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 / ext4 defaults 0 1\n";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void ALinuxIsKnownByItsFiles()
    {
        LinuxDisk.Require();
        var report = Judge(ByUuid + "/dev/sdb1 /data ext4 defaults 0 2\n/swapfile none swap sw 0 0\n", hasHyperV: true, ReadinessTarget.Local);
        var guest = report.Guest;
        Assert.Equal((GuestFamily.Linux, "Debian GNU/Linux 12 (bookworm)", "debian", "12", "x86_64"),
            (guest.Family, guest.Name, guest.Distribution, guest.Version, guest.Architecture));
        var kernel = Assert.Single(guest.Kernels);
        Assert.Equal("6.1.0-18-amd64", kernel.Release);
        Assert.Equal(["hv_netvsc", "hv_storvsc", "hv_vmbus", "nvme", "virtio_blk", "virtio_net"], kernel.Drivers.Order());
        Assert.Equal(["cloud-init"], guest.Agents);
        Assert.Equal(["/dev/sdb1 /data ext4 defaults 0 2"], guest.DeviceNamesInFstab);
        Assert.Equal(["192.0.2.10 (/etc/network/interfaces)"], guest.StaticAddresses.Select(a => a.ToString()));
        Assert.True(guest.HasSerialConsole);
        Assert.True(guest.HasSwapOnOsDisk);
        Assert.Equal("ext", Assert.Single(guest.Volumes).Content);
        Assert.Equal(["FstabDeviceNames", "StaticAddresses"], report.Findings.Select(f => f.Rule));
        Assert.Equal(ReadinessVerdict.ReadyWithConditions, report.Verdict);
    }

    [SkippableFact]
    public void WhatAzureAsksIsAsked()
    {
        LinuxDisk.Require();
        var with = Judge(ByUuid, hasHyperV: true, ReadinessTarget.Azure);
        Assert.Equal((ReadinessTarget.AzureGen1, ReadinessVerdict.ReadyWithConditions), (with.Target, with.Verdict));
        Assert.Equal(["Agent", "Initramfs", "StaticAddresses"], with.Findings.Select(f => f.Rule).Order());

        var without = Judge(ByUuid, hasHyperV: false, ReadinessTarget.AzureGen2);
        Assert.Equal(ReadinessVerdict.NotReady, without.Verdict);
        Assert.Equal(["Generation", "HyperVDrivers", "HyperVDrivers", "HyperVDrivers"], without.Findings.Where(f => f.Severity == ReadinessSeverity.Blocker).Select(f => f.Rule).Order());
        Assert.All(without.Findings, f => Assert.False(string.IsNullOrWhiteSpace(f.Remedy) || string.IsNullOrWhiteSpace(f.Source)));
    }

    [SkippableFact]
    public void WhatWasJudgedIsImportedAsItWasJudged()
    {
        LinuxDisk.Require();
        var report = Judge(ByUuid, hasHyperV: false, ReadinessTarget.Local);
        var request = report.ToImport(new ImportRequest { Path = "", Cpu = 3 }, "Local");
        Assert.Equal((report.Path, report.Name, 3, report.Firmware), (request.Path, request.Name, request.Cpu, request.Firmware));
        Assert.Equal("named", report.ToImport(new ImportRequest { Path = "", Name = "named" }, "Local").Name);
        Assert.Equal("JudgedForAnotherTarget", Assert.Throws<IaaSException>(() => report.ToImport(request, "Azure")).ErrorId);
        var azure = Judge(ByUuid, hasHyperV: false, ReadinessTarget.Azure);
        var refusal = Assert.Throws<IaaSException>(() => azure.ToImport(request, "Azure"));
        Assert.Equal("NotReady", refusal.ErrorId);
        Assert.Contains("hv_storvsc", refusal.Message, StringComparison.Ordinal);
        File.SetLastWriteTimeUtc(report.Path, DateTimeOffset.UnixEpoch.UtcDateTime);
        Assert.Equal("SourceChanged", Assert.Throws<IaaSException>(() => report.ToImport(request, "Local")).ErrorId);
    }

    [SkippableFact]
    public void APlanWarnsOfWhatAReportFinds()
    {
        LinuxDisk.Require();
        var report = Judge(ByUuid, hasHyperV: false, ReadinessTarget.Azure);
        var request = new ImportRequest { Path = report.Path, Name = "web01" };
        var plan = ImportPlan.Make(request, ImportInput.Open(request, default), new ImportPlace("/x", 1L << 40, 0), Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        PlannedGuest.Review(plan, ReadinessTarget.Azure, default);
        Assert.Equal(GuestOSType.Linux, plan.Machine.OSType);
        Assert.All(report.Findings.Where(f => f.Severity is ReadinessSeverity.Blocker or ReadinessSeverity.Condition), f => Assert.Contains(plan.Warnings, w => w.EndsWith($"{f.Message} {f.Remedy}", StringComparison.Ordinal)));
        Assert.Contains(plan.Warnings, w => w.Contains("hv_storvsc", StringComparison.Ordinal));
        Assert.Equal(plan.Warnings.Count, plan.Warnings.Distinct().Count());
    }

    [Fact]
    public void WhatIsNotReadIsUnknownAndNeverReady()
    {
        var disk = new byte[4 << 20];
        disk[0] = 0xEB;
        disk[446 + 4] = 7;
        BitConverter.TryWriteBytes(disk.AsSpan(454), 2048);
        BitConverter.TryWriteBytes(disk.AsSpan(458), 4096);
        (disk[510], disk[511]) = (0x55, 0xAA);
        foreach (var (magic, family) in new[] { ("NTFS    ", GuestFamily.Windows), ("nothing ", GuestFamily.Unknown) })
        {
            System.Text.Encoding.ASCII.GetBytes(magic).CopyTo(disk, (1 << 20) + 3);
            var report = ReadinessJudge.Judge(new ImportRequest { Path = _folder.Write("disk.raw", disk) }, ReadinessTarget.Local, default);
            Assert.Equal((ReadinessVerdict.Unknown, family), (report.Verdict, report.Guest.Family));
        }
    }

    [Fact]
    public void LimitsAreLimits()
    {
        ImageInfo Disk(long length, int sector = 512) => new() { Path = "/x/disk.vhdx", Length = length, LogicalSectorSize = sector };
        ReadinessReport Of(ReadinessTarget target, Firmware firmware, params ImageInfo[] disks) => ReadinessJudge.Judge(new ImportRequest { Path = "/x/disk.vhdx" },
            new ImportSource { Format = "vhdx", Name = "x", Firmware = firmware, Disks = disks }, new GuestInfo { Name = "Linux", Architecture = "x86_64" }, target);
        Assert.Equal(ReadinessVerdict.Ready, Of(ReadinessTarget.AzureGen1, Firmware.Bios, Disk(2L << 40)).Verdict);
        Assert.Equal("OsDiskTooLarge", Of(ReadinessTarget.AzureGen1, Firmware.Bios, Disk((2L << 40) + 1)).Findings[0].Rule);
        Assert.Equal(ReadinessVerdict.Ready, Of(ReadinessTarget.AzureGen2, Firmware.Uefi, Disk(4L << 40)).Verdict);
        Assert.Equal("DataDiskTooLarge", Of(ReadinessTarget.AzureGen2, Firmware.Uefi, Disk(1 << 30), Disk(32768L << 30)).Findings[0].Rule);
        Assert.Equal("SectorSize", Of(ReadinessTarget.AzureGen2, Firmware.Uefi, Disk(1 << 30, 4096)).Findings[0].Rule);
        Assert.Equal(ReadinessVerdict.Ready, Of(ReadinessTarget.Local, Firmware.Uefi, Disk(9L << 40, 4096)).Verdict);
        Assert.Equal(ReadinessRule.Known.Count, ReadinessRule.Known.Select(r => r.Id).Distinct().Count());
    }

    private ReadinessReport Judge(string fstab, bool hasHyperV, ReadinessTarget target)
    {
        using var work = new TestFolder();
        var disk = LinuxDisk.Partitioned(work, LinuxDisk.Ext(work, LinuxDisk.Debian(work, fstab, hasHyperV), "ext4", "8M"));
        using var image = DiskFormat.OpenImage(disk);
        var vhd = _folder[$"{Guid.NewGuid():N}.vhd"];
        DiskConversion.RunAsync(image, new DiskConversionRequest { Path = vhd, Format = WriteFormat.Named("VhdDynamic") }, null, default).GetAwaiter().GetResult();
        return ReadinessJudge.Judge(new ImportRequest { Path = vhd }, target, default);
    }
}
