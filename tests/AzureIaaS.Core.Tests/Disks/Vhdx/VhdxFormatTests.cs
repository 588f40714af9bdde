using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Vhdx;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vhdx;

public sealed class VhdxFormatTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("subformat=dynamic", "dynamic")]
    [InlineData("subformat=dynamic,block_size=1M", "dynamic")]
    [InlineData("subformat=dynamic,block_size=2M,block_state_zero=off", "dynamic")]
    [InlineData("subformat=dynamic,block_size=256M", "dynamic")]
    [InlineData("subformat=fixed,block_size=1M", "fixed")]
    [InlineData("subformat=fixed,block_size=32M", "fixed")]
    public void ReadsWhatQemuWrites(string options, string variant)
    {
        QemuTools.Require();
        foreach (var content in new[] { TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096) })
        {
            var path = TestImages.Convert(_folder, content, "vhdx", options);
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(("vhdx", variant, 512), (image.Format.Name, image.Variant, image.LogicalSectorSize));
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(TestImages.Padded(content, image.Length), image);
            Assert.Equal(content.Length, image.Length);
        }
    }

    [SkippableFact]
    public void TheTableHasAnEntryForASectorBitmapBehindEveryChunk()
    {
        QemuTools.Require();
        var path = _folder["disk.vhdx"];
        QemuTools.Img("create", "-f", "vhdx", "-o", "block_size=256M", path, "9G");
        QemuTools.Io(path, "vhdx", "write -P 17 4095M 2M", "write -P 34 8700M 1M");
        using var image = DiskFormat.OpenImage(path);
        var bytes = new byte[2 << 20];
        image.Read(4095L << 20, bytes);
        Assert.False(bytes.AsSpan().ContainsAnyExcept((byte)17));
        image.Read(8700L << 20, bytes.AsSpan(0, 1 << 20));
        Assert.False(bytes.AsSpan(0, 1 << 20).ContainsAnyExcept((byte)34));
        DiskAssert.AssertCovers(image.GetExtents().ToList(), 0, 9L << 30);
    }

    [Theory]
    [InlineData(512, 1 << 20)]
    [InlineData(4096, 1 << 20)]
    [InlineData(4096, 2 << 20)]
    public void ReadsBothSectorSizesAndEveryState(int sectorSize, int blockSize)
    {
        var content = TestImages.Pattern((9 << 20) + 4096);
        PayloadBlockState[] states =
        [
            PayloadBlockState.FullyPresent, PayloadBlockState.Zero, PayloadBlockState.NotPresent, PayloadBlockState.FullyPresent, PayloadBlockState.Undefined,
            PayloadBlockState.Unmapped, PayloadBlockState.Zero, PayloadBlockState.Zero, PayloadBlockState.FullyPresent, PayloadBlockState.FullyPresent,
        ];
        var path = _folder.Write("disk.vhdx", VhdxBuilder.Build(content, (uint)blockSize, sectorSize, b => states[b]));
        for (var block = 0; block * blockSize < content.Length; block++)
        {
            if (states[block] != PayloadBlockState.FullyPresent)
                content.AsSpan(block * blockSize, Math.Min(blockSize, content.Length - (block * blockSize))).Clear();
        }

        using var image = DiskFormat.OpenImage(path);
        Assert.Equal(sectorSize, image.LogicalSectorSize);
        Assert.Equal("a test", image.Details["Creator"]);
        DiskAssert.Holds(content, image);
        Assert.Equal(DiskExtentKind.Zero, Assert.Single(image.GetExtents(blockSize, 512)).Kind);
        Assert.Equal(DiskExtentKind.Hole, Assert.Single(image.GetExtents(2 * blockSize, 512)).Kind);
    }

    [Fact]
    public void ABlockThatIsCutOffIsRefusedWhenItIsOpened()
    {
        var content = TestImages.Pattern((1 << 20) + 512);
        var file = VhdxBuilder.Build(content, 1 << 20, 512, _ => PayloadBlockState.FullyPresent);
        // Blocks are stored in reverse: the file ends with the first one, all of which is needed.
        using (var image = DiskFormat.OpenImage(_folder.Write("disk.vhdx", file)))
            DiskAssert.Holds(content, image);
        DiskAssert.Refuses(DiskImageFault.Truncated, _folder.Write("disk.vhdx", file.AsSpan()[..^1]));
    }

    [Fact]
    public void TheHeaderWithTheHigherSequenceNumberCounts()
    {
        // The older header says that a log must be replayed; the newer one that there is none.
        var file = Specimen();
        file[VhdxHeader.FirstAt + 48] = 1;
        VhdxBuilder.Reseal(file);
        using (var image = DiskFormat.OpenImage(_folder.Write("disk.vhdx", file)))
            Assert.Empty(image.Warnings);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(VhdxHeader.FirstAt + 8), 7);
        VhdxBuilder.Reseal(file);
        Assert.Contains("log", DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vhdx", file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(VhdxHeader.FirstAt, "first copy of the header")]
    [InlineData(VhdxHeader.SecondAt, "second copy of the header")]
    [InlineData(RegionTable.FirstAt, "first copy of the region table")]
    [InlineData(RegionTable.SecondAt, "second copy of the region table")]
    public void OneGoodCopyOfTwoIsEnoughAndSaidSo(int at, string warning)
    {
        var file = Specimen();
        file[at + 1000] ^= 1;
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vhdx", file));
        Assert.Contains(warning, Assert.Single(image.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(VhdxHeader.FirstAt, VhdxHeader.SecondAt)]
    [InlineData(RegionTable.FirstAt, RegionTable.SecondAt)]
    public void TwoBadCopiesAreRefused(int first, int second)
    {
        var file = Specimen();
        file[first + 1000] ^= 1;
        file[second + 1000] ^= 1;
        Assert.Contains("both copies", DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vhdx", file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADifferencingDiskWithoutAParentLocatorIsRefused()
    {
        var file = Specimen();
        file[VhdxBuilder.ItemsAt + 4] = 2;
        Assert.Contains("Parent Locator", DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.avhdx", file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsRequiredAndUnknownIsRefused()
    {
        var file = Specimen();
        file[VhdxBuilder.MetadataAt + 32] ^= 1;
        DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("item.vhdx", file));
        file[VhdxBuilder.MetadataAt + 32 + 24] = 0;
        DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("missing.vhdx", file));

        file = Specimen();
        file[RegionTable.FirstAt + 16] ^= 1;
        VhdxBuilder.Reseal(file);
        DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("region.vhdx", file));
    }

    [Theory]
    [InlineData("version", VhdxHeader.SecondAt + 66, 2u)]
    [InlineData("too many regions", RegionTable.FirstAt + 8, 3000u)]
    [InlineData("no regions", RegionTable.FirstAt + 8, 0u)]
    [InlineData("region beyond the file", RegionTable.FirstAt + 16 + 16, 0x7FF00000u)]
    [InlineData("region beyond all files", RegionTable.FirstAt + 16 + 20, 0xFFF00000u)]
    [InlineData("region in the header section", RegionTable.FirstAt + 16 + 16, 0x80000u)]
    [InlineData("region of no length", RegionTable.FirstAt + 16 + 24, 0u)]
    [InlineData("region longer than the file", RegionTable.FirstAt + 16 + 24, 0xFFFFFFFFu)]
    [InlineData("BAT too short", RegionTable.FirstAt + 16 + 24, 8u)]
    [InlineData("no metadata", VhdxBuilder.MetadataAt, 0u)]
    [InlineData("too many items", VhdxBuilder.MetadataAt + 8, 0xFFFF0000u)]
    [InlineData("item outside its region", VhdxBuilder.MetadataAt + 32 + 16, 0xFFFFFFF0u)]
    [InlineData("item in the table", VhdxBuilder.MetadataAt + 32 + 16, 0u)]
    [InlineData("item too short", VhdxBuilder.MetadataAt + 32 + 20, 4u)]
    [InlineData("block size of nothing", VhdxBuilder.ItemsAt, 0u)]
    [InlineData("block size that is no power of two", VhdxBuilder.ItemsAt, 3u << 20)]
    [InlineData("block size that is too large", VhdxBuilder.ItemsAt, 512u << 20)]
    [InlineData("disk size of nothing", VhdxBuilder.ItemsAt + VhdxBuilder.MetadataItemSize, 0u)]
    [InlineData("disk size that is no whole number of sectors", VhdxBuilder.ItemsAt + VhdxBuilder.MetadataItemSize, 513u)]
    [InlineData("disk size that is too large", VhdxBuilder.ItemsAt + VhdxBuilder.MetadataItemSize + 4, 0x7FFFFFFFu)]
    [InlineData("logical sector size", VhdxBuilder.ItemsAt + (3 * VhdxBuilder.MetadataItemSize), 1024u)]
    [InlineData("physical sector size", VhdxBuilder.ItemsAt + (4 * VhdxBuilder.MetadataItemSize), 1024u)]
    [InlineData("block beyond the file", VhdxBuilder.BatAt, 0x7FF00006u)]
    [InlineData("block beyond all files", VhdxBuilder.BatAt + 4, 0xFFFFFFFFu)]
    [InlineData("block in the header section", VhdxBuilder.BatAt, 6u)]
    [InlineData("block in the log", VhdxBuilder.BatAt, 0x100006u)]
    [InlineData("block in the metadata", VhdxBuilder.BatAt, 0x200006u)]
    [InlineData("block in the BAT", VhdxBuilder.BatAt, 0x300006u)]
    [InlineData("state that does not exist", VhdxBuilder.BatAt, 0x400005u)]
    [InlineData("partially present", VhdxBuilder.BatAt, 0x400007u)]
    public void ANumberThatCannotBeIsRefusedWhenItIsOpened(string what, int at, uint value)
    {
        var file = Specimen();
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
        if (at is >= RegionTable.FirstAt and < RegionTable.SecondAt)
            file.AsSpan(RegionTable.FirstAt, RegionTable.Size).CopyTo(file.AsSpan(RegionTable.SecondAt));
        VhdxBuilder.Reseal(file);
        var path = _folder.Write("disk.vhdx", file);
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
        Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated or DiskImageFault.UnsupportedFeature, $"{what}: {refusal.Fault}");
    }

    private static byte[] Specimen() => VhdxBuilder.Build(TestImages.Pattern(3 << 20), 1 << 20, 512, _ => PayloadBlockState.FullyPresent);
}
