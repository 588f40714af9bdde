using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vmdk;

/// <summary>The sparse extents of ESX and ESXi, made by hand, read as QEMU reads them.</summary>
public sealed class EsxExtentTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("vmfsSparse", "VMFSSPARSE")]
    [InlineData("seSparse", "SESPARSE")]
    public void ReadsWhatQemuReads(string createType, string kind)
    {
        QemuTools.Require();
        var content = TestImages.Pattern(5 << 20);
        _folder.Write("disk-delta.vmdk", kind == "SESPARSE" ? EsxExtents.SeSparse(content) : EsxExtents.Cowd(content, 8));
        var path = _folder.Write("disk.vmdk", VmdkBuilder.DescriptorText(createType, $"RW {content.Length / 512} {kind} \"disk-delta.vmdk\""));
        QemuTools.Img("convert", "-f", "vmdk", "-O", "raw", path, _folder["oracle.raw"]);
        Assert.Equal(content, File.ReadAllBytes(_folder["oracle.raw"]));
        using var image = DiskFormat.OpenImage(path);
        Assert.Equal((createType, 2), (image.Variant, image.Files.Count));
        DiskAssert.Holds(content, image);
    }

    [Theory]
    [InlineData("VMFSSPARSE", 4, 2u, "version")]
    [InlineData("VMFSSPARSE", 12, 0u, "0 sectors")]
    [InlineData("VMFSSPARSE", 16, 3u, "grains of 3")]
    [InlineData("VMFSSPARSE", 20, 0xFFFFFFFFu, "places")]
    [InlineData("SESPARSE", 8, 2u, "version")]
    [InlineData("SESPARSE", 20, 0x80000000u, "capacity")]
    [InlineData("SESPARSE", 24, 16u, "grains are of 16")]
    [InlineData("SESPARSE", 128, 0xFFFFFFFFu, "places")]
    [InlineData("SESPARSE", 512, 0u, "volatile header")]
    [InlineData("SESPARSE", 536, 1u, "journal")]
    [InlineData("SESPARSE", 1024, 9u, "directory entry")]
    public void ANumberThatCannotBeIsRefused(string kind, int at, uint value, string says)
    {
        var content = TestImages.Pattern(96 << 10);
        var file = kind == "SESPARSE" ? EsxExtents.SeSparse(content) : EsxExtents.Cowd(content, 8);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
        _folder.Write("delta.bin", file);
        var path = _folder.Write("disk.vmdk", VmdkBuilder.DescriptorText("vmfsSparse", $"RW {content.Length / 512} {kind} \"delta.bin\""));
        Assert.Contains(says, DiskAssert.Refuses(path).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FlatSparseAndZeroExtentsStandInARow()
    {
        var content = TestImages.Pattern(3 << 20);
        content.AsSpan(1 << 20, 1 << 20).Clear();
        _folder.Write("a.bin", [.. new byte[1024], .. content.AsSpan(0, 1 << 20)]);
        _folder.Write("c.vmdk", new VmdkBuilder { Content = content[(2 << 20)..] }.Build());
        var path = _folder.Write("disk.vmdk", VmdkBuilder.DescriptorText("custom", "RW 2048 FLAT \"a.bin\" 2\nRW 2048 ZERO\nRW 2048 SPARSE \"c.vmdk\""));
        using (var image = DiskFormat.OpenImage(path))
            DiskAssert.Holds(content, image);
        var wrong = _folder.Write("wrong.vmdk", VmdkBuilder.DescriptorText("custom", "RW 2048 ZERO\nRW 2049 SPARSE \"c.vmdk\""));
        Assert.Contains("2,048 sectors and its descriptor says 2,049", DiskAssert.Refuses(DiskImageFault.Corrupt, wrong).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEsxiFoldersExtentsKnowTheirDescriptor()
    {
        _folder.Write("web01-flat.vmdk", new byte[8192]);
        _folder.Write("web01-ctk.vmdk", new byte[512]);
        _folder.Write("lonely-flat.vmdk", new byte[512]);
        var descriptor = _folder.Write("web01.vmdk", VmdkBuilder.DescriptorText("vmfs", "RW 16 VMFS \"web01-flat.vmdk\"") + "changeTrackPath=\"web01-ctk.vmdk\"\n");
        var whole = _folder.Write("whole.vmdk", new VmdkBuilder { Content = TestImages.Pattern(64 << 10) }.Build());
        Assert.Equal(descriptor, AzureIaaS.Disks.Vmdk.VmdkSiblings.DescriptorOf(_folder["web01-flat.vmdk"]));
        Assert.Equal(descriptor, AzureIaaS.Disks.Vmdk.VmdkSiblings.DescriptorOf(_folder["web01-ctk.vmdk"]));
        Assert.All(new[] { descriptor, whole, _folder["lonely-flat.vmdk"] }, p => Assert.Null(AzureIaaS.Disks.Vmdk.VmdkSiblings.DescriptorOf(p)));
    }
}
