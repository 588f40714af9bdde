using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using AzureIaaS.Appliances;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Tests.Disks.Vmdk;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Appliances;

/// <summary>OVA archives, read in place.</summary>
public sealed class OvaTests : IDisposable
{
    private const string Ovf = """
        <?xml version="1.0" encoding="UTF-8"?>
        <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
          xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf">
          <References><File ovf:href="web01-disk1.vmdk" ovf:id="file1"/></References>
          <DiskSection><Disk ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="disk1" ovf:fileRef="file1"
            ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
          <VirtualSystem ovf:id="x"><Name>web01</Name><VirtualHardwareSection>
            <Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
            <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
            <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
            <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/disk1</rasd:HostResource><rasd:Parent>3</rasd:Parent>
              <rasd:ResourceType>17</rasd:ResourceType></Item>
            <Item><rasd:Address>00:50:56:01:02:03</rasd:Address><rasd:Connection>LAN</rasd:Connection><rasd:ResourceSubType>E1000</rasd:ResourceSubType>
              <rasd:ResourceType>10</rasd:ResourceType></Item>
            <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
          </VirtualHardwareSection></VirtualSystem>
        </Envelope>
        """;

    private readonly TestFolder _folder = new();
    private readonly byte[] _content = TestImages.Pattern(2 << 20);
    private readonly byte[] _disk;

    public OvaTests() => _disk = new VmdkBuilder { Content = _content, GrainSectors = 128, IsStream = true, CreateType = "streamOptimized" }.Build();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ItsDisksAreShownByThemselves()
    {
        var path = Ova(TarEntryFormat.Ustar, ("web01.ovf", Encoding.UTF8.GetBytes(Ovf)), ("web01-disk1.vmdk", _disk));
        var shown = Assert.Single(await ImageInspection.InspectAllAsync(path, new DiskOpenOptions(), ImageFacts.Digest | ImageFacts.Faults, new Progress<Providers.Notice>(), CancellationToken.None));
        Assert.Equal((Path.Combine(path, "web01-disk1.vmdk"), "streamOptimized", DiskController.Pvscsi), (shown.Path, shown.Variant, shown.Controller));
        Assert.Equal(DiskDigest.Describe(SHA256.HashData(_content)), shown.Digest);
        Assert.Empty(shown.Faults!);

        // A format is that of a disk: the archive is then refused by name, as what it is.
        var options = new DiskOpenOptions { Format = "vmdk" };
        await Assert.ThrowsAsync<DiskImageException>(() => ImageInspection.InspectAllAsync(path, options, ImageFacts.None, new Progress<Providers.Notice>(), CancellationToken.None));
    }

    [SkippableFact]
    public async Task TheSystemOnADiskIsShown()
    {
        LinuxDisk.Require();
        var tree = Directory.CreateDirectory(_folder["tree"]).FullName;
        Directory.CreateDirectory(Path.Combine(tree, "etc"));
        File.WriteAllText(Path.Combine(tree, "etc/os-release"), "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
        var disk = LinuxDisk.Ext(_folder, tree, "ext4", "8M");
        var shown = Assert.Single(await ImageInspection.InspectAllAsync(disk, new DiskOpenOptions { Format = "raw" }, ImageFacts.None, new Progress<Providers.Notice>(), CancellationToken.None));
        Assert.Equal("Debian GNU/Linux 12 (bookworm)", shown.OperatingSystem);
    }

    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void ItsMachineAndDisksAreReadInPlace(TarEntryFormat format)
    {
        var path = Ova(format, ("web01.ovf", Encoding.UTF8.GetBytes(Ovf)), ("web01-disk1.vmdk", _disk));
        var source = ImportInput.Open(new ImportRequest { Path = path }, default);
        Assert.Equal(("ovf", "web01", 2, 512L << 20, Firmware.Uefi), (source.Format, source.Name, source.Cpu, source.Memory, source.Firmware));
        var disk = Assert.Single(source.Disks);
        Assert.Equal(("vmdk", "streamOptimized", DiskController.Pvscsi), (disk.Format, disk.Variant, disk.Controller));
        Assert.Equal(path, Assert.Single(disk.Files).Path);
        Assert.Equal(new DescribedAdapter("00:50:56:01:02:03", "LAN", "e1000"), Assert.Single(source.Adapters));
        using var image = DiskFormat.OpenImage(disk.Path);
        DiskAssert.Holds(_content, image);
        Assert.Equal([path], Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void ARawMemberIsReadWithItsHoles()
    {
        var path = Ova(TarEntryFormat.Ustar, ("x.txt", [1, 2, 3]), ("disk.raw", _content));
        using var image = DiskFormat.OpenImage(Path.Combine(path, "disk.raw"));
        DiskAssert.Holds(_content, image);
        Assert.Equal([path], image.Files);
        DiskAssert.Refuses(DiskImageFault.Unreadable, Path.Combine(path, "other.raw"));
    }

    [Fact]
    public void AManifestIsComparedWithTheDisks()
    {
        var right = Convert.ToHexString(SHA256.HashData(_disk));
        foreach (var (digest, isRight) in new[] { (right, true), (right.Replace(right[0], right[0] == 'A' ? 'B' : 'A'), false) })
        {
            File.Delete(_folder["web01.ova"]);
            var path = Ova(TarEntryFormat.Ustar, ("web01.ovf", Encoding.UTF8.GetBytes(Ovf)),
                ("web01.mf", Encoding.UTF8.GetBytes($"SHA256(web01.ovf)= 00\r\nSHA256(web01-disk1.vmdk)= {digest}\r\n")), ("web01-disk1.vmdk", _disk));
            var disk = Assert.Single(ImportInput.Open(new ImportRequest { Path = path }, default).Disks);
            Assert.Equal("SHA256:" + digest, disk.ManifestDigest);
            if (isRight)
                OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default);
            else
                Assert.Equal("ManifestMismatch", Assert.Throws<IaaSException>(() => OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default)).ErrorId);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DisksInChunksAndCompressedAsAWholeAreReadInPlace(bool inArchive)
    {
        var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(_disk);
        var chunks = packed.ToArray().Chunk(1000).ToArray();
        var ovf = Ovf.Replace("<File ovf:href=\"web01-disk1.vmdk\"", $"<File ovf:href=\"web01-disk1.vmdk\" ovf:chunkSize=\"1000\" ovf:compression=\"gzip\" ovf:size=\"{packed.Length}\"", StringComparison.Ordinal);
        var members = chunks.Select((c, i) => (Name: $"web01-disk1.vmdk.{i:D9}", Bytes: c)).ToList();
        members.Insert(0, ("web01.mf", Encoding.UTF8.GetBytes(string.Concat(members.Select(m => $"SHA256({m.Name})= {Convert.ToHexString(SHA256.HashData(m.Bytes))}\n")))));
        members.Insert(0, ("web01.ovf", Encoding.UTF8.GetBytes(ovf)));
        string path;
        if (inArchive)
        {
            path = Ova(TarEntryFormat.Ustar, [.. members]);
        }
        else
        {
            foreach (var (name, bytes) in members)
                _folder.Write(name, bytes);
            path = _folder["web01.ovf"];
        }

        var disk = Assert.Single(ImportInput.Open(new ImportRequest { Path = path }, default).Disks);
        using (var image = DiskFormat.OpenImage(disk.Path))
        {
            DiskAssert.Holds(_content, image);
            Assert.Equal(inArchive ? [path] : [.. chunks.Select((_, i) => _folder[$"web01-disk1.vmdk.{i:D9}"])], image.Files);
        }

        OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default);
        if (inArchive)
            return;
        var last = _folder[$"web01-disk1.vmdk.{chunks.Length - 1:D9}"];
        File.Delete(last);
        Assert.Contains("its chunks have", Assert.Throws<DiskImageException>(() => ImportInput.Open(new ImportRequest { Path = path }, default)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(last, new byte[chunks[^1].Length]);
        Assert.Equal("ManifestMismatch", Assert.Throws<IaaSException>(() => OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default)).ErrorId);
        File.WriteAllBytes(_folder["web01-disk1.vmdk.000000001"], [1]);
        Assert.Contains("part of it is missing", Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(disk.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web01.ova")]
    [InlineData("export/web01.ovf")]
    public void AnAddressIsReadWhereItIs(string name)
    {
        using var server = new RangeServer(_folder["."]);
        var manifest = Encoding.UTF8.GetBytes($"SHA256(web01-disk1.vmdk)= {Convert.ToHexString(SHA256.HashData(_disk))}\n");
        Ova(TarEntryFormat.Ustar, ("web01.ovf", Encoding.UTF8.GetBytes(Ovf)), ("web01.mf", manifest), ("web01-disk1.vmdk", _disk));
        Directory.CreateDirectory(_folder["export"]);
        _folder.Write("export/web01.ovf", Encoding.UTF8.GetBytes(Ovf));
        _folder.Write("export/web01.mf", manifest);
        _folder.Write("export/web01-disk1.vmdk", _disk);
        var address = server[name + "?token=x"];
        var source = ImportInput.Open(new ImportRequest { Path = address }, default);
        Assert.Equal(("web01", 2), (source.Name, source.Cpu));
        var disk = Assert.Single(source.Disks);
        using (var image = DiskFormat.OpenImage(disk.Path))
            DiskAssert.Holds(_content, image);
        OvfManifest.Verify(disk.Path, disk.ManifestDigest!, default);
        ImportSaga.CheckUnchanged(disk.Files);
        foreach (var reference in new[] { "../other.vmdk", "//127.0.0.2/web01-disk1.vmdk", "file:///etc/passwd" })
        {
            _folder.Write("export/evil.ovf", Encoding.UTF8.GetBytes(Ovf.Replace("web01-disk1.vmdk", reference, StringComparison.Ordinal)));
            Assert.Equal(DiskImageFault.ReferenceOutsideRoot, Assert.Throws<DiskImageException>(() => ImportInput.Open(new ImportRequest { Path = server["export/evil.ovf"] }, default)).Fault);
        }
    }

    [Theory]
    [InlineData("../evil.vmdk", TarEntryType.RegularFile)]
    [InlineData("a/../../evil.vmdk", TarEntryType.RegularFile)]
    [InlineData("/etc/evil", TarEntryType.RegularFile)]
    [InlineData("..\\evil.vmdk", TarEntryType.RegularFile)]
    [InlineData("C:\\evil.vmdk", TarEntryType.RegularFile)]
    [InlineData("web01.ovf", TarEntryType.RegularFile)]
    [InlineData("link.vmdk", TarEntryType.SymbolicLink)]
    [InlineData("hard.vmdk", TarEntryType.HardLink)]
    [InlineData("pipe", TarEntryType.Fifo)]
    public void WhatLeadsOutOrComesTwiceIsRefused(string name, TarEntryType type)
    {
        using (var tar = new TarWriter(File.Create(_folder["web01.ova"]), TarEntryFormat.Ustar))
        {
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "web01.ovf") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(Ovf)) });
            var entry = new UstarTarEntry(type, name);
            if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink)
                entry.LinkName = "/etc/passwd";
            tar.WriteEntry(entry);
        }

        Assert.Equal("ArchiveRefused", Assert.Throws<IaaSException>(() => Appliance.Open(_folder["web01.ova"])).ErrorId);
    }

    [Fact]
    public void EveryPrefixAndEveryDamageIsRefusedOrRead()
    {
        var whole = File.ReadAllBytes(Ova(TarEntryFormat.Pax, ("web01.ovf", Encoding.UTF8.GetBytes(Ovf)), ("web01-disk1.vmdk", _disk[..4096])));
        for (var i = 0; i < 1500; i++)
        {
            var random = new Random(i);
            var bytes = i % 3 == 0 ? whole[..random.Next(1, whole.Length)] : whole.ToArray();
            for (var n = random.Next(4); n > 0; n--)
                bytes[random.Next(2) == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(bytes.Length, 2048))] ^= (byte)(1 << random.Next(8));
            var path = _folder.Write("damaged.ova", bytes);
            try
            {
                Appliance.Open(path);
            }
            catch (IaaSException)
            {
                // What should happen.
            }
        }
    }

    [Fact]
    public void ADescriptionNeverReachesOutOfItsFolderOrIntoEntities()
    {
        var folder = Directory.CreateDirectory(_folder["in"]).FullName;
        _folder.Write("web01-disk1.vmdk", _disk);
        var outside = _folder.Write("in/web01.ovf", Ovf.Replace("web01-disk1.vmdk", "../web01-disk1.vmdk", StringComparison.Ordinal));
        var refusal = Assert.Throws<DiskImageException>(() => ImportInput.Open(new ImportRequest { Path = outside }, default));
        Assert.Equal(DiskImageFault.ReferenceOutsideRoot, refusal.Fault);
        Assert.Single(ImportInput.Open(new ImportRequest { Path = outside, ExternalReferences = [_folder["web01-disk1.vmdk"]] }, default).Disks);

        var entity = Ovf.Replace("<Envelope", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Envelope", StringComparison.Ordinal).Replace("web01<", "&e;<", StringComparison.Ordinal);
        Assert.Equal("DescriptionInvalid", Assert.Throws<IaaSException>(() => Appliance.Open(_folder.Write("in/entity.ovf", entity))).ErrorId);
        var deep = string.Concat(Enumerable.Repeat("<a>", 100_000));
        Assert.Equal("DescriptionInvalid", Assert.Throws<IaaSException>(() => Appliance.Open(_folder.Write("in/deep.ovf", deep))).ErrorId);
        Assert.True(Directory.Exists(folder));
    }

    private string Ova(TarEntryFormat format, params (string Name, byte[] Bytes)[] members)
    {
        using var tar = new TarWriter(File.Create(_folder["web01.ova"]), format);
        foreach (var (name, bytes) in members)
        {
            TarEntry entry = format switch
            {
                TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                _ => new UstarTarEntry(TarEntryType.RegularFile, name),
            };
            entry.DataStream = new MemoryStream(bytes);
            tar.WriteEntry(entry);
        }

        return _folder["web01.ova"];
    }
}
