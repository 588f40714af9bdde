using AzureIaaS.Disks;
using AzureIaaS.Disks.Raw;
using AzureIaaS.Disks.Recognised;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Recognised;

public sealed class RecognisedFormatTests : IDisposable
{
    private const int Length = 80 << 10;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Names() => [.. RecognisedFormat.All.Select(f => f.Name)];

    [Fact]
    public void TheOrderIsFixed()
    {
        Assert.Equal(["vhd", "vhdx", "vmdk", "qcow2", "qcow", "vdi"], DiskFormat.Known.Take(6).Select(f => f.Name));
        Assert.Equal(RecognisedFormat.All, DiskFormat.Known.Skip(6).SkipLast(1));
        Assert.IsType<RawFormat>(DiskFormat.Known[^1]);
        Assert.Equal(DiskFormat.Known.Count, DiskFormat.Known.Select(f => f.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(["vhd", "vhdx", "vmdk", "qcow2", "qcow", "vdi", "raw"], DiskFormat.Known.Where(f => f.CanRead).Select(f => f.Name));
        var extensions = DiskFormat.Known.SelectMany(f => f.Extensions).ToList();
        Assert.Equal(extensions.Count, extensions.Distinct().Count());
        Assert.All(extensions, e => Assert.Equal(e.ToLowerInvariant(), e));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EverySignatureIsRefusedByNameUnderARawDisksName(string name)
    {
        var format = RecognisedFormat.All.Single(f => f.Name == name);
        var file = format.ByNameToo ? "disk" + format.Extensions[0] : "disk.img";
        foreach (var signature in format.Signatures.DefaultIfEmpty(new Signature(0, [])))
        {
            var path = _folder.Write(file, BytesWith(signature));
            var refusal = DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, path);
            Assert.Contains(format.DisplayName, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("{", refusal.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RawIsReadWhereTheUserInsists()
    {
        var content = BytesWith(RecognisedFormat.All.Single(f => f.Name == "iso").Signatures[0]);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.iso", content), new DiskOpenOptions { Format = "Raw" });
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void AnIsoHybridIsAnIsoAndNotADisk()
    {
        var file = BytesWith(RecognisedFormat.All.Single(f => f.Name == "iso").Signatures[0]);
        Partition(file);
        Assert.Contains("ISO 9660", DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, _folder.Write("disk.img", file)).Message, StringComparison.Ordinal);
        file.AsSpan(0x8001, 5).Clear();
        DiskAssert.Refuses(DiskImageFault.Unrecognised, _folder.Write("disk.iso", file));
    }

    [Fact]
    public void ADiskWithPartitionsIsRawUnderAnyNameOfNoFormat()
    {
        var file = new byte[Length];
        Partition(file);
        foreach (var name in new[] { "disk", "disk.img", "disk.raw", "disk.dd", "disk.bin", "web01.2024" })
        {
            using var image = DiskFormat.OpenImage(_folder.Write(name, file));
            Assert.Equal("raw", image.Format.Name);
        }
    }

    [Theory]
    [InlineData(".vhd")]
    [InlineData(".vhdx")]
    [InlineData(".vmdk")]
    [InlineData(".qcow2")]
    [InlineData(".vdi")]
    [InlineData(".zip")]
    public void ADiskWithPartitionsUnderAFormatsNameIsNotTakenForRaw(string extension)
    {
        var file = new byte[Length];
        Partition(file);
        Assert.Contains(extension, DiskAssert.Refuses(DiskImageFault.Unrecognised, _folder.Write("disk" + extension, file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFormatThatIsOnlyRecognisedCanBeNamedAndIsRefused() =>
        DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, _folder.Write("disk", new byte[Length]), new DiskOpenOptions { Format = "qed" });

    [SkippableTheory]
    [InlineData("qed", "qed")]
    [InlineData("parallels", "parallels")]
    public void WhatQemuWritesIsRefusedWithACommandThatWorks(string format, string name)
    {
        QemuTools.Require();
        var content = TestImages.Pattern(1 << 20);
        var path = TestImages.Convert(_folder, content, format);
        var refusal = DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, path);
        Assert.Same(DiskFormat.Named(name), RecognisedFormat.All.Single(f => refusal.Message.Contains(f.DisplayName, StringComparison.Ordinal)));
        var command = refusal.Remedy[refusal.Remedy.IndexOf("convert -f", StringComparison.Ordinal)..].Split(' ').Select(w => w.Trim('\'')).ToArray();
        QemuTools.Img(command);
        using var image = DiskFormat.OpenImage(command[^1]);
        DiskAssert.Holds(content, image);
    }

    private static byte[] BytesWith(Signature signature)
    {
        var bytes = new byte[Length];
        for (var s = signature; s is not null; s = s.And)
            s.Bytes.CopyTo(bytes, s.Offset < 0 ? bytes.Length + s.Offset : s.Offset);
        return bytes;
    }

    private static void Partition(byte[] file)
    {
        new byte[] { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 16 }.CopyTo(file, 446);
        file[510] = 0x55;
        file[511] = 0xAA;
    }
}
