using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Vdi;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vdi;

public sealed class VdiFormatTests : IDisposable
{
    private static readonly Guid Id = new("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("static=off", "dynamic")]
    [InlineData("static=on", "fixed")]
    public void ReadsWhatQemuWrites(string options, string variant)
    {
        QemuTools.Require();
        foreach (var content in new[] { TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096) })
        {
            using var image = DiskFormat.OpenImage(TestImages.Convert(_folder, content, "vdi", options));
            Assert.Equal(("vdi", variant), (image.Format.Name, image.Variant));
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(content, image);
        }
    }

    [Fact]
    public void ADifferencingDiskFindsItsParentByItsUuid()
    {
        var parent = TestImages.Pattern(96 << 10);
        var expected = TestImages.Pattern(96 << 10, 2);
        expected.AsSpan(16 << 10, 16 << 10).Clear();
        parent.AsSpan(32 << 10, 16 << 10).CopyTo(expected.AsSpan(32 << 10));
        _folder.Write("another.vdi", VdiBuilder.Build(new byte[4096], 4096, VdiImageType.Normal, _ => null, Guid.NewGuid()));
        var below = _folder.Write("base.vdi", VdiBuilder.Build(parent, 16 << 10, VdiImageType.Normal, _ => null, Id));
        var child = VdiBuilder.Build(expected, 16 << 10, VdiImageType.Diff, b => b switch { 1 => VdiBuilder.Zero, 2 => VdiBuilder.Free, _ => null }, Guid.NewGuid(), Id);
        using (var image = DiskFormat.OpenImage(_folder.Write("child.vdi", child)))
        {
            Assert.Equal(("differencing", below), (image.Variant, image.Parent!.Path));
            DiskAssert.Holds(expected, image);
        }

        // VirtualBox keeps snapshots in a folder below the machine's.
        Directory.CreateDirectory(_folder["Snapshots"]);
        var path = _folder.Write("Snapshots/child.vdi", child);
        DiskAssert.Refuses(DiskImageFault.ReferenceOutsideRoot, path);
        using (var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Root = _folder.Path }))
            DiskAssert.Holds(expected, image);

        var written = File.ReadAllBytes(below);
        Guid.NewGuid().TryWriteBytes(written.AsSpan(408));
        _folder.Write("base.vdi", written);
        Assert.Contains("changed since", DiskAssert.Refuses(DiskImageFault.MissingReference, _folder["child.vdi"]).Message, StringComparison.Ordinal);
        File.Delete(below);
        Assert.Contains(Id.ToString("D"), DiskAssert.Refuses(DiskImageFault.MissingReference, _folder["child.vdi"]).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version", 68, 0x20000u)]
    [InlineData("type", 76, 7u)]
    [InlineData("undo", 76, 3u)]
    [InlineData("no type", 76, 0u)]
    [InlineData("map in the header", 340, 0u)]
    [InlineData("map beyond the file", 340, 0xFFFFFFF0u)]
    [InlineData("data beyond the file", 344, 0xFFFFFFF0u)]
    [InlineData("data in the map", 344, 512u)]
    [InlineData("sector size", 360, 4096u)]
    [InlineData("no size", 368, 0u)]
    [InlineData("size beyond the map", 368, 0xFFFFFFFFu)]
    [InlineData("block of nothing", 376, 0u)]
    [InlineData("block that is no power of two", 376, 20000u)]
    [InlineData("block that is too large", 376, 0x80000000u)]
    [InlineData("extra that is too large", 380, 0x80000000u)]
    [InlineData("too few blocks", 384, 5u)]
    [InlineData("more blocks than the file has room for", 384, 0xFFFFFFFFu)]
    [InlineData("block beyond the file", 512, 0xFFFFFFFDu)]
    [InlineData("block right behind the file", 512, 6u)]
    public void ANumberThatCannotBeIsRefusedWhenItIsOpened(string what, int at, uint value)
    {
        var file = VdiBuilder.Build(TestImages.Pattern(96 << 10), 16 << 10, VdiImageType.Normal, _ => null);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
        var path = _folder.Write("disk.vdi", file);
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
        Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated or DiskImageFault.UnsupportedFeature, $"{what}: {refusal.Fault}");
    }
}
