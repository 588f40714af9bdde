using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vmdk;

public sealed class VmdkFormatTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("monolithicSparse", "")]
    [InlineData("monolithicSparse", ",zeroed_grain=on")]
    [InlineData("monolithicSparse", ",compat6,adapter_type=lsilogic")]
    [InlineData("monolithicFlat", "")]
    [InlineData("streamOptimized", "")]
    [InlineData("streamOptimized", ",zeroed_grain=on")]
    public void ReadsWhatQemuWrites(string subformat, string more)
    {
        QemuTools.Require();
        foreach (var content in new[] { TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096), TestImages.Pattern((40 << 20) + 512) })
        {
            var path = TestImages.Convert(_folder, content, "vmdk", $"subformat={subformat}{more}");
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(("vmdk", subformat), (image.Format.Name, image.Variant));
            Assert.Equal(subformat, image.Details["CreateType"]);
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(content, image);
        }
    }

    [SkippableFact]
    public void ExplicitZerosAreZeros()
    {
        QemuTools.Require();
        var path = TestImages.Convert(_folder, TestImages.Pattern(1 << 20), "vmdk", "subformat=monolithicSparse,zeroed_grain=on", "-S", "0");
        QemuTools.Io(path, "vmdk", "write -z 128k 64k");
        using var image = DiskFormat.OpenImage(path);
        Assert.Equal(new DiskExtent(128 << 10, 64 << 10, DiskExtentKind.Zero), Assert.Single(image.GetExtents(128 << 10, 64 << 10)));
    }

    [Theory]
    [InlineData(16, 512, false)]
    [InlineData(128, 512, true)]
    [InlineData(1, 7, false)]
    [InlineData(2048, 3, true)]
    public void ReadsEveryGrainAndTableSize(int grain, int entries, bool zeroed)
    {
        var content = TestImages.Pattern((3 << 20) + 512);
        var builder = new VmdkBuilder { Content = content, GrainSectors = grain, TableEntries = entries, ZeroedGrains = zeroed };
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", builder.Build()));
        Assert.Equal("lsilogic", image.Details["AdapterType"]);
        DiskAssert.Holds(content, image);
    }

    [Theory]
    [InlineData(16, false)]
    [InlineData(128, false)]
    [InlineData(128, true)]
    [InlineData(4096, false)]
    public void ReadsStreamsWithAndWithoutAFooter(int grain, bool withoutFooter)
    {
        var content = TestImages.Pattern((13 << 20) + 512);
        var builder = new VmdkBuilder
        {
            Content = content, GrainSectors = grain, IsStream = true, Version = 3, WithoutFooter = withoutFooter, CreateType = "streamOptimized",
        };
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", builder.Build()));
        Assert.Equal("streamOptimized", image.Variant);
        Assert.Equal(2 << 20, image.PreferredRead);
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void AGrainMayTakeMoreRoomPackedThanPlain()
    {
        // Each random byte of 512 costs more when it is stored with a header, a marker and the sector's padding.
        var content = new byte[64 << 10];
        new Random(5).NextBytes(content);
        var builder = new VmdkBuilder { Content = content, GrainSectors = 1, IsStream = true, CreateType = "streamOptimized" };
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", builder.Build()));
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void TheDescriptorsVariationsAreUnderstood()
    {
        var text = VmdkBuilder.DescriptorText("MonolithicFlat", "RW\t16   FLAT \"a b.bin\"  2", "FFFFFFFF").Replace("\n", "\r\n", StringComparison.Ordinal);
        var content = TestImages.Pattern(10240);
        _folder.Write("a b.bin", content);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", "\uFEFF\r\n  " + text.Replace("createType=", "createtype = ", StringComparison.Ordinal)));
        Assert.Equal("monolithicFlat", image.Variant);
        Assert.Equal([_folder["disk.vmdk"], _folder["a b.bin"]], image.Files);
        DiskAssert.Holds(content[1024..(1024 + 8192)], image);
    }

    [Fact]
    public void AMissingCidIsWarnedOfAndAWrongOneRefused()
    {
        _folder.Write("flat.bin", new byte[8192]);
        var text = VmdkBuilder.DescriptorText("monolithicFlat", "RW 16 FLAT \"flat.bin\" 0");
        using (var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", text.Replace("CID=fffffffe\n", "", StringComparison.Ordinal))))
            Assert.Contains("CID", Assert.Single(image.Warnings), StringComparison.Ordinal);
        DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vmdk", text.Replace("fffffffe", "nonsense", StringComparison.Ordinal)));
        DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vmdk", text.Replace("createType", "kind", StringComparison.Ordinal)));
    }

    [Fact]
    public void AnUncleanShutdownAndADifferentSizeAreWarnedOf()
    {
        var text = VmdkBuilder.DescriptorText("monolithicSparse", "RW 17 SPARSE \"x\"");
        var file = new VmdkBuilder { Content = TestImages.Pattern(1 << 20), Descriptor = text }.Build();
        file[72] = 1;
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vmdk", file));
        Assert.Equal(2, image.Warnings.Count);
        Assert.Equal(1 << 20, image.Length);
    }
}
