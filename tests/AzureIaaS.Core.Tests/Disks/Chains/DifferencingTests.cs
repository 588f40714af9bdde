using AzureIaaS.Disks;
using AzureIaaS.Disks.Vhdx;
using AzureIaaS.Tests.Disks.Vhd;
using AzureIaaS.Tests.Disks.Vhdx;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Chains;

/// <summary>Differencing VHD and VHDX: what the child has not is the parent's, and the parent is the one that was meant.</summary>
public sealed class DifferencingTests : IDisposable
{
    private static readonly Guid Id = new("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(@".\parent.vhd")]
    [InlineData(@"C:\Machines\web01\parent.vhd")]
    [InlineData(@"..\elsewhere\PARENT.VHD")]
    public void AVhdShowsItsParentSectorBySector(string recorded)
    {
        Skip.If(OperatingSystem.IsWindows(), "an absolute path of Windows is one there");
        var (parent, changes, expected) = Contents(3 << 20, s => s % 7 is 2 or 3);
        _folder.Write("parent.vhd", VhdBuilder.WithId(VhdBuilder.Dynamic(parent, 512 << 10, _ => true), Id));
        var child = VhdBuilder.Child(VhdBuilder.Dynamic(changes, 512 << 10, s => s % 7 is 2 or 3 && s < 3000), Id, recorded, "parent.vhd");
        for (var s = 3000; s < parent.Length / 512; s++)
            parent.AsSpan(s * 512, 512).CopyTo(expected.AsSpan(s * 512));
        using var image = DiskFormat.OpenImage(_folder.Write("child.avhd", child));
        Assert.Equal(("differencing", "dynamic"), (image.Variant, image.Parent!.Variant));
        Assert.Equal([_folder["child.avhd"], _folder["parent.vhd"]], image.Files);
        DiskAssert.Holds(expected, image);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void AVhdxShowsItsParentSectorBySector(int sector)
    {
        bool IsChanged(long s) => s % 5 == 1 || s is > 300 and < 400;
        var length = 4 << 20;
        var parent = TestImages.Pattern(length, 1);
        var changes = TestImages.Pattern(length, 2);
        var states = new[] { PayloadBlockState.FullyPresent, PayloadBlockState.NotPresent, PayloadBlockState.Unmapped, PayloadBlockState.FullyPresent };
        _folder.Write("parent.vhdx", VhdxBuilder.WithDataWriteGuid(VhdxBuilder.Build(parent, 1 << 20, sector, _ => PayloadBlockState.FullyPresent), Id));
        var child = VhdxBuilder.Child(VhdxBuilder.Build(changes, 1 << 20, sector, b => states[b]), 4, 8 * sector, Id, @".\parent.vhdx", IsChanged);
        var expected = parent.ToArray();
        for (var s = 0; s < length / sector; s++)
        {
            if (IsChanged(s) && states[(int)((long)s * sector >> 20)] == PayloadBlockState.FullyPresent)
                changes.AsSpan(s * sector, sector).CopyTo(expected.AsSpan(s * sector));
        }

        expected.AsSpan(2 << 20, 1 << 20).Clear();
        using var image = DiskFormat.OpenImage(_folder.Write("child.avhdx", child));
        Assert.Equal((sector, "differencing"), (image.LogicalSectorSize, image.Variant));
        DiskAssert.Holds(expected, image);
    }

    [Fact]
    public void AnotherDiskUnderTheParentsNameIsRefused()
    {
        var content = TestImages.Pattern(1 << 20);
        _folder.Write("parent.vhd", VhdBuilder.WithId(VhdBuilder.Fixed(content), Guid.NewGuid()));
        var vhd = VhdBuilder.Child(VhdBuilder.Dynamic(content, 512 << 10, _ => true), Id, "parent.vhd", "parent.vhd");
        Assert.Contains("another disk", DiskAssert.Refuses(DiskImageFault.MissingReference, _folder.Write("child.vhd", vhd)).Message, StringComparison.Ordinal);

        var block = VhdxBuilder.Build(content, 1 << 20, 512, _ => PayloadBlockState.FullyPresent);
        _folder.Write("parent.vhdx", VhdxBuilder.WithDataWriteGuid(block.ToArray(), Guid.NewGuid()));
        var vhdx = VhdxBuilder.Child(block, 1, 4096, Id, "parent.vhdx", _ => true);
        Assert.Contains("another disk", DiskAssert.Refuses(DiskImageFault.MissingReference, _folder.Write("child.vhdx", vhdx)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AParentThatIsMissingElsewhereOrTheChildItselfIsRefused()
    {
        var content = TestImages.Pattern(1 << 20);
        var dynamic = VhdBuilder.WithId(VhdBuilder.Dynamic(content, 512 << 10, _ => true), Id);
        DiskAssert.Refuses(DiskImageFault.MissingReference, _folder.Write("a.vhd", VhdBuilder.Child(dynamic, Id, "missing.vhd", "missing.vhd")));
        Assert.Contains("chain of parents", DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("b.vhd", VhdBuilder.Child(dynamic, Id, "b.vhd", "b.vhd"))).Message,
            StringComparison.Ordinal);

        Directory.CreateDirectory(_folder["up"]);
        var outside = _folder.Write("parent.vhd", dynamic);
        var path = _folder.Write("up/child.vhd", VhdBuilder.Child(dynamic, Id, @"..\parent.vhd", "parent.vhd"));
        DiskAssert.Refuses(DiskImageFault.ReferenceOutsideRoot, path);
        using var named = DiskFormat.OpenImage(path, new DiskOpenOptions { ExternalReferences = [outside] });
        DiskAssert.Holds(content, named);
        using var inRoot = DiskFormat.OpenImage(path, new DiskOpenOptions { Root = _folder.Path });
        Assert.Equal(outside, inRoot.Parent!.Path);
    }

    [Fact]
    public void AChainThatIsTooLongIsRefused()
    {
        var content = TestImages.Pattern(64 << 10);
        var dynamic = VhdBuilder.WithId(VhdBuilder.Dynamic(content, 16 << 10, _ => true), Id);
        _folder.Write("0.vhd", dynamic);
        for (var i = 1; i < 300; i++)
            _folder.Write($"{i}.vhd", VhdBuilder.Child(dynamic, Id, $"{i - 1}.vhd", $"{i - 1}.vhd"));
        using (var image = DiskFormat.OpenImage(_folder["60.vhd"]))
            DiskAssert.Holds(content, image);
        Assert.Contains("100 images", DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder["299.vhd"]).Message, StringComparison.Ordinal);
    }

    private static (byte[] Parent, byte[] Changes, byte[] Expected) Contents(int length, Func<int, bool> isChanged)
    {
        var parent = TestImages.Pattern(length, 1);
        var changes = TestImages.Pattern(length, 2);
        var expected = parent.ToArray();
        for (var s = 0; s < length / 512; s++)
        {
            if (isChanged(s))
                changes.AsSpan(s * 512, 512).CopyTo(expected.AsSpan(s * 512));
        }

        return (parent, changes, expected);
    }
}
