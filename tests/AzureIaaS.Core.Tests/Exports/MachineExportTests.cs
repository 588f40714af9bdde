using System.Formats.Tar;
using AzureIaaS.Appliances;
using AzureIaaS.Disks;
using AzureIaaS.Exports;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Exports;

public sealed class MachineExportTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly byte[][] _contents = [TestImages.Pattern((9 << 20) + 512), new byte[2 << 20], TestImages.Pattern(1 << 20, 8)];

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData(DiskController.Ide, Firmware.Bios)]
    [InlineData(DiskController.Sata, Firmware.Uefi)]
    [InlineData(DiskController.LsiSas, Firmware.Bios)]
    [InlineData(DiskController.Pvscsi, Firmware.Uefi)]
    [InlineData(DiskController.VirtioScsi, Firmware.Bios)]
    [InlineData(DiskController.Nvme, Firmware.Uefi)]
    public async Task AnOvaImportsAgainAsTheSameMachine(DiskController controller, Firmware firmware)
    {
        var machine = Machine(controller, firmware);
        var path = Assert.Single(await ExportAsync(machine, ExportRequest.Ova, _folder["out.ova"]));
        var source = ImportInput.Open(new ImportRequest { Path = path }, default);
        Assert.Equal((machine.Name, machine.Cpu, machine.Memory, firmware), (source.Name, source.Cpu, source.Memory, source.Firmware));
        Assert.Equal(new DescribedAdapter("52:54:00:01:02:03", "VM Network", "e1000"), Assert.Single(source.Adapters));
        Assert.Empty(source.Warnings);
        Assert.All(source.Disks, d => Assert.Equal(controller, d.Controller));
        foreach (var (disk, content) in source.Disks.Zip(_contents))
        {
            OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default);
            using var image = DiskFormat.OpenImage(disk.Path);
            DiskAssert.Holds(content, image);
        }
    }

    [SkippableFact]
    public async Task OtherReadersReadTheArchiveToo()
    {
        QemuTools.Require();
        var path = Assert.Single(await ExportAsync(Machine(DiskController.Ide, Firmware.Bios), ExportRequest.Ova, _folder.Path));
        Assert.Equal(_folder["ärger & <co>.ova"], path);
        await TarFile.ExtractToDirectoryAsync(path, Directory.CreateDirectory(_folder["x"]).FullName, overwriteFiles: false);
        Assert.Equal(["_rger____co_-disk1.vmdk", "_rger____co_-disk2.vmdk", "_rger____co_-disk3.vmdk", "_rger____co_.mf", "_rger____co_.ovf"],
            Directory.EnumerateFiles(_folder["x"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var (content, i) in _contents.Select((c, i) => (c, i)))
        {
            QemuTools.Img("check", "-f", "vmdk", _folder[$"x/_rger____co_-disk{i + 1}.vmdk"]);
            QemuTools.Img("compare", "-f", "raw", "-F", "vmdk", _folder.Write("content.raw", content), _folder[$"x/_rger____co_-disk{i + 1}.vmdk"]);
        }
    }

    [Fact]
    public async Task DisksAloneAreNamedAfterMachineAndDisk()
    {
        var made = await ExportAsync(Machine(DiskController.Ide, Firmware.Bios), "Vdi", Directory.CreateDirectory(_folder["out"]).FullName);
        Assert.Equal(["ärger & <co>-disk0.vdi", "ärger & <co>-disk1.vdi", "ärger & <co>-disk2.vdi"], made.Select(Path.GetFileName));
        using (var image = DiskFormat.OpenImage(made[2]))
            DiskAssert.Holds(_contents[2], image);
        Assert.Equal("OneFileForMany", (await Assert.ThrowsAsync<IaaSException>(() => ExportAsync(Machine(DiskController.Ide, Firmware.Bios), "Vdi", _folder["one.vdi"]))).ErrorId);
    }

    [Fact]
    public async Task AnExportThatBreaksOffLeavesNothing()
    {
        var machine = Machine(DiskController.Ide, Firmware.Bios);
        machine.Disks[2].Path = _folder["missing.raw"];
        await Assert.ThrowsAsync<DiskImageException>(() => ExportAsync(machine, ExportRequest.Ova, _folder["out.ova"]));
        Assert.Equal(["0.raw", "1.raw", "2.raw"], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    private VirtualMachine Machine(DiskController controller, Firmware firmware) => new()
    {
        Name = "ärger & <co>",
        Cpu = 3,
        Memory = 1536L << 20,
        Firmware = firmware,
        Disks = [.. _contents.Select((c, i) => new VirtualDisk { Name = $"disk{i}", Path = _folder.Write($"{i}.raw", c), Length = c.Length, Controller = controller })],
        NetworkAdapters = [new NetworkAdapter { Name = "nic0", MacAddress = "52:54:00:01:02:03", Model = "e1000" }],
    };

    private static Task<IReadOnlyList<string>> ExportAsync(VirtualMachine machine, string format, string path) =>
        MachineExport.RunAsync(machine, new ExportRequest { Format = format, Path = path }, TimeProvider.System, new Progress<Notice>(), default);
}
