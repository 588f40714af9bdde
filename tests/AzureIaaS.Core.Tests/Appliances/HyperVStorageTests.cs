using System.Buffers.Binary;
using AzureIaaS.Appliances;
using AzureIaaS.Imports;
using AzureIaaS.Readiness;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Appliances;

/// <summary>Hyper-V's binary configurations, by one that Hyper-V wrote; and folders that are named instead of the files in them.</summary>
public class HyperVStorageTests
{
    private const string Specimen = "dissect.hypervisor/descriptor/hyperv/test.vmcx";

    [SkippableFact]
    public void AConfigurationIsUnderstood()
    {
        using var folder = new TestFolder();
        var machine = SharedDescriptionsTests.Parse(Put(folder));
        Assert.Equal(("hyperv", "Other Location", 1, 1L << 30, Firmware.Bios), (machine.Format, machine.Name, machine.Cpu, machine.Memory, machine.Firmware));
        var disk = Assert.Single(machine.Disks);
        Assert.Equal((@"C:\Users\Public\Documents\Hyper-V\Virtual Hard Disks\Other Location.vhdx", DiskController.Ide), (disk.Reference, disk.Controller));
        Assert.Equal([null], machine.MediaDrives);
        Assert.Equal(new DescribedAdapter(null, null, null), Assert.Single(machine.Adapters) with { Network = null });
        Assert.False(machine.SecureBoot);
    }

    [SkippableFact]
    public void AnExportIsImportedByItsFolder()
    {
        QemuTools.Require();
        using var folder = new TestFolder();
        var export = Export(folder);
        var request = new ImportRequest { Path = export };
        var report = ReadinessJudge.Judge(request, ReadinessTarget.Local, CancellationToken.None);
        Assert.Equal(("Other Location", Firmware.Bios), (report.Name, report.Firmware));
        Assert.EndsWith("Other Location.vhdx", Assert.Single(report.Files).Path, StringComparison.Ordinal);

        // A second machine in the same folder: the name decides.
        File.Copy(report.Path, Path.Combine(Path.GetDirectoryName(report.Path)!, "second.vmcx"));
        Assert.Equal("SeveralDescriptions", Assert.Throws<IaaSException>(() => ReadinessJudge.Judge(request, ReadinessTarget.Local, CancellationToken.None)).ErrorId);
        Assert.Equal("NoDescription", Assert.Throws<IaaSException>(() => ReadinessJudge.Judge(request with { Name = "another" }, ReadinessTarget.Local, CancellationToken.None)).ErrorId);
        File.WriteAllText(Path.Combine(export, "Virtual Machines", "second.vmcx"), "damaged");
        Assert.Equal("Other Location", ReadinessJudge.Judge(request with { Name = "Other Location" }, ReadinessTarget.Local, CancellationToken.None).Name);
    }

    [SkippableFact]
    public void WhatIsDamagedOrBeingWrittenIsRefused()
    {
        using var folder = new TestFolder();
        var path = Put(folder);
        var whole = File.ReadAllBytes(path);
        Assert.Contains("neither of its headers", Refusal(path, whole, b => b[0x10] ^= b[0x1010] ^= 1), StringComparison.Ordinal);
        Assert.Equal("Other Location", Parse(path, whole, b => b[0x10] ^= 1).Name);   // the other header is whole
        Assert.Contains("while Hyper-V was writing", Refusal(path, whole, b => b[0xA008] = 3), StringComparison.Ordinal);
        Assert.Contains("table of objects", Refusal(path, whole, b => b[0x2000] = 0), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal(path, whole, b => b[0x3002] = 77), StringComparison.Ordinal);
        Refusal(path, whole, b => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(0x300C), uint.MaxValue));
    }

    [SkippableFact]
    public void EveryTruncationIsRefused()
    {
        using var folder = new TestFolder();
        var path = Put(folder);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < 0x9000; length += 97)
            Assert.Throws<IaaSException>(() => new VmcxFormat().Parse(path, whole[..length]));
    }

    [Fact]
    public void OneMachineOfSeveralIsChosen()
    {
        using var folder = new TestFolder();
        const string system = """<VirtualSystem ovf:id="{0}"><Name>{1}</Name><VirtualHardwareSection><Item><ResourceType>3</ResourceType><VirtualQuantity>{2}</VirtualQuantity></Item></VirtualHardwareSection></VirtualSystem>""";
        var both = string.Format(System.Globalization.CultureInfo.InvariantCulture, system, "vm1", "web", 2) + string.Format(System.Globalization.CultureInfo.InvariantCulture, system, "vm2", "db", 4);
        var path = folder.Write("farm.ovf", System.Text.Encoding.UTF8.GetBytes($"""<Envelope xmlns:ovf="o"><VirtualSystemCollection ovf:id="farm">{both}</VirtualSystemCollection></Envelope>"""));
        var refusal = Assert.Throws<IaaSException>(() => Appliance.Open(path));
        Assert.Equal("SeveralSystems", refusal.ErrorId);
        Assert.Contains("web (vm1), db (vm2)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(("db", 4), (Appliance.Open(path, "DB").Description.Name, Appliance.Open(path, "vm2").Description.Cpu));
        Assert.Equal("SystemNotFound", Assert.Throws<IaaSException>(() => Appliance.Open(path, "mail")).ErrorId);
    }

    private static string Refusal(string path, byte[] whole, Action<byte[]> change)
    {
        var refusal = Assert.Throws<IaaSException>(() => Parse(path, whole, change));
        Assert.False(string.IsNullOrWhiteSpace(refusal.Remedy));
        return refusal.Message;
    }

    private static MachineDescription Parse(string path, byte[] whole, Action<byte[]> change)
    {
        var bytes = whole.ToArray();
        change(bytes);
        return new VmcxFormat().Parse(path, bytes);
    }

    private static string Put(TestFolder folder)
    {
        SharedImages.Require();
        return SharedImages.Put(folder, SharedImages.Index.Single(i => i.Path == Specimen));
    }

    private static string Export(TestFolder folder)
    {
        var specimen = Put(folder);
        var export = folder["Other Location"];
        foreach (var name in new[] { "Virtual Machines", "Virtual Hard Disks" })
            Directory.CreateDirectory(Path.Combine(export, name));
        File.Move(specimen, Path.Combine(export, "Virtual Machines", "282874FC-59D6-4F30-BC04-5FDD909C82E0.vmcx"));
        QemuTools.Img("create", "-f", "vhdx", Path.Combine(export, "Virtual Hard Disks", "Other Location.vhdx"), "64M");
        return export;
    }
}
