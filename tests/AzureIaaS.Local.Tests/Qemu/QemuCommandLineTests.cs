using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Hypervisors.Qemu;
using AzureIaaS.Local.Machines;

namespace AzureIaaS.Local.Tests.Qemu;

public class QemuCommandLineTests
{
    private static readonly MachineFiles Files = new("/f/machines/a", "/f/run/a");

    [Fact]
    public void NothingComesByDefaultAndNothingListensOnANetwork()
    {
        var line = Build();
        Assert.Contains("-nodefaults", line);
        Assert.Contains("-no-user-config", line);
        Assert.Contains("-S", line);
        Assert.DoesNotContain(line, a => a.StartsWith("tcp", StringComparison.Ordinal) || a.Contains("type=inet", StringComparison.Ordinal) || a.Contains("hostfwd", StringComparison.Ordinal)
            || a is "-vnc" or "-spice" or "-daemonize" or "-net" or "-nic" or "-drive" or "-hda");
        Assert.Equal("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", After(line, "-sandbox"));
    }

    [Fact]
    public void EveryFormatIsSaidAndNoneProbed()
    {
        foreach (var blockdev in AllAfter(Build(), "-blockdev"))
            Assert.Matches("^driver=(file|raw|qcow2),", blockdev);
    }

    [Fact]
    public void ANameCannotAddAnOption()
    {
        var machine = Machine();
        machine.Name = "web,process=evil";
        Assert.Equal("guest=web,,process=evil", After(Build(machine), "-name"));
    }

    [Fact]
    public void AFolderWithACommaStaysOneFolder()
    {
        var machine = Machine();
        machine.Disks[0].Path = "/a,b/disk0.raw";
        var line = Build(machine, new MachineFiles("/a,b", "/c,d"));
        Assert.Contains(line, a => a.Contains("filename=/a,,b/disk0.raw", StringComparison.Ordinal));
        Assert.Contains(line, a => a.Contains("path=/c,,d/commands.qmp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(DiskController.Ide, "ide-hd,bus=ide.0,unit=0,")]
    [InlineData(DiskController.Sata, "ide-hd,bus=sata0.0,")]
    [InlineData(DiskController.LsiSas, "scsi-hd,bus=scsi0.0,scsi-id=0,")]
    [InlineData(DiskController.Pvscsi, "scsi-hd,bus=scsi0.0,scsi-id=0,")]
    [InlineData(DiskController.VirtioScsi, "scsi-hd,bus=scsi0.0,scsi-id=0,")]
    [InlineData(DiskController.VirtioBlk, "virtio-blk-pci,")]
    [InlineData(DiskController.Nvme, "nvme,serial=disk0,")]
    public void EachControllerHasItsDevice(DiskController controller, string device)
    {
        var machine = Machine();
        machine.Disks[0].Controller = controller;
        Assert.Contains(AllAfter(Build(machine), "-device"), d => d.StartsWith(device, StringComparison.Ordinal));
    }

    [Fact]
    public void AFullDiskPausesTheGuest() =>
        Assert.Contains(AllAfter(Build(), "-device"), d => d.StartsWith("ide-hd", StringComparison.Ordinal) && d.Contains("werror=enospc", StringComparison.Ordinal));

    [Fact]
    public void TheFifthIdeDiskGoesToASataController()
    {
        var machine = Machine();
        for (var i = 1; i < 6; i++)
            machine.Disks.Add(new VirtualDisk { Name = $"disk{i}", Path = $"/d{i}", Controller = DiskController.Ide });
        var devices = AllAfter(Build(machine), "-device");
        Assert.Equal(4, devices.Count(d => d.Contains("bus=ide.", StringComparison.Ordinal)));
        Assert.Equal(2, devices.Count(d => d.Contains("bus=sata0.", StringComparison.Ordinal)));
        Assert.Single(devices, d => d.StartsWith("ahci", StringComparison.Ordinal));
    }

    [Fact]
    public void SectorsOf4096BytesReachTheGuest()
    {
        var machine = Machine();
        (machine.Disks[0].LogicalSectorSize, machine.Disks[0].Controller) = (4096, DiskController.VirtioScsi);
        Assert.Contains(AllAfter(Build(machine), "-device"), d => d.Contains("logical_block_size=4096", StringComparison.Ordinal));
    }

    [Fact]
    public void UefiHasSharedCodeAndItsOwnVariables()
    {
        var line = QemuCommandLine.Build(LaunchRequest.Of(Machine(), Files, new MachineNotes()), Settings() with { UefiCode = "/usr/share/OVMF/OVMF_CODE_4M.fd" });
        Assert.Contains(line, a => a.Contains("read-only=on,filename=/usr/share/OVMF/OVMF_CODE_4M.fd", StringComparison.Ordinal));
        Assert.Contains(line, a => a.Contains("filename=/f/machines/a/uefi-vars.fd", StringComparison.Ordinal) && !a.Contains("read-only", StringComparison.Ordinal));
        Assert.Contains("pflash0=uefi-code,pflash1=uefi-vars", After(line, "-machine"), StringComparison.Ordinal);
    }

    [Fact]
    public void LayersAreSaidToLieOnOneAnotherAndOnlyTheLastIsWrittenTo()
    {
        var machine = Machine();
        var tree = DiskTree.Of(machine.Disks[0]);
        tree = tree.WithActive(tree.Next("disk0", "/f/machines/a"));
        tree = tree.WithActive(tree.Next("disk0-1", "/f/machines/a"));
        var line = QemuCommandLine.Build(LaunchRequest.Of(machine, Files, new MachineNotes().WithTrees([tree])), Settings());
        var nodes = AllAfter(line, "-blockdev");
        Assert.Contains(nodes, n => n.StartsWith("driver=raw,node-name=disk0,", StringComparison.Ordinal) && n.EndsWith("read-only=on", StringComparison.Ordinal));
        Assert.Contains(nodes, n => n.StartsWith("driver=qcow2,node-name=disk0-1,", StringComparison.Ordinal) && n.Contains("read-only=on,backing=disk0", StringComparison.Ordinal));
        Assert.Contains(nodes, n => n.StartsWith("driver=qcow2,node-name=disk0-2,", StringComparison.Ordinal) && !n.Contains("read-only=on", StringComparison.Ordinal));
        Assert.Contains(AllAfter(line, "-device"), d => d.Contains("drive=disk0-2,id=disk0-device", StringComparison.Ordinal));
    }

    [Fact]
    public void AProcessThatWaitsForMemoryDoesNotBoot()
    {
        var line = QemuCommandLine.Build(LaunchRequest.Of(Machine(), Files, new MachineNotes(), incoming: true), Settings());
        Assert.Equal("defer", After(line, "-incoming"));
        Assert.DoesNotContain("-S", line);
    }

    private static IReadOnlyList<string> Build(VirtualMachine? machine = null, MachineFiles? files = null) =>
        QemuCommandLine.Build(LaunchRequest.Of(machine ?? Machine(), files ?? Files, new MachineNotes()), Settings());

    private static QemuSettings Settings() => new("pc-i440fx-7.2", Accelerator.Tcg, null);

    private static VirtualMachine Machine() => new()
    {
        Id = Guid.Parse("11111111-2222-3333-4444-555555555555"),
        Name = "web01",
        Cpu = 2,
        Memory = 512 << 20,
        Disks = [new VirtualDisk { Name = "disk0", Path = "/f/machines/a/disk0.raw", Controller = DiskController.Ide }],
        NetworkAdapters = [new NetworkAdapter { Name = "nic0", Model = "e1000", MacAddress = "52:54:00:00:00:01" }],
    };

    private static string After(IReadOnlyList<string> line, string option) => AllAfter(line, option).Single();

    private static List<string> AllAfter(IReadOnlyList<string> line, string option) => [.. line.Select((a, i) => (a, i)).Where(x => x.a == option).Select(x => line[x.i + 1])];
}
