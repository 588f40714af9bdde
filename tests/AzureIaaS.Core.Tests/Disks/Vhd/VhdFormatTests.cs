using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Vhd;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vhd;

public sealed class VhdFormatTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("subformat=dynamic", "dynamic")]
    [InlineData("subformat=dynamic,force_size=on", "dynamic")]
    [InlineData("subformat=fixed", "fixed")]
    [InlineData("subformat=fixed,force_size=on", "fixed")]
    public void ReadsWhatQemuWrites(string options, string variant)
    {
        QemuTools.Require();
        foreach (var content in new[] { TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096) })
        {
            var path = TestImages.Convert(_folder, content, "vpc", options);
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(("vhd", variant, 512), (image.Format.Name, image.Variant, image.LogicalSectorSize));
            Assert.Equal(QemuTools.VirtualSize(path, "vpc"), image.Length);
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(TestImages.Padded(content, image.Length), image);
        }
    }

    [Theory]
    [InlineData(512u)]
    [InlineData(4096u)]
    [InlineData(512u << 10)]
    [InlineData(2u << 20)]
    [InlineData(32u << 20)]
    public void SectorsThatWereNeverWrittenAreZerosWhateverTheBlockHolds(uint blockSize)
    {
        var content = TestImages.Pattern((1 << 20) + 512);
        static bool IsWritten(long sector) => sector % 7 > 1 && sector / 64 % 3 != 0;
        var path = _folder.Write("disk.vhd", VhdBuilder.Dynamic(content, blockSize, IsWritten));
        for (var sector = 0; sector < content.Length / 512; sector++)
        {
            if (!IsWritten(sector))
                content.AsSpan(sector * 512, 512).Clear();
        }

        using var image = DiskFormat.OpenImage(path);
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void ABitmapIsReadInPiecesWhereTheBlockIsHuge()
    {
        // 64 MiB a block: 16 KiB of bitmap, four pieces of it.
        var content = TestImages.Pattern((40 << 20) + 512, seed: 3);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", VhdBuilder.Dynamic(content, 64 << 20, _ => true)));
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void TheSizeIsTheCurrentSizeAndNotTheGeometrys()
    {
        var file = VhdBuilder.Dynamic(new byte[5 << 20], 2 << 20, _ => false);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(56), 3);
        file[58] = 4;
        file[59] = 17;
        "vpc "u8.CopyTo(file.AsSpan(28));
        file.AsSpan(0, 512).CopyTo(file.AsSpan(file.Length - 512));
        VhdBuilder.Reseal(file);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", file));
        Assert.Equal(5 << 20, image.Length);
        Assert.Equal("vpc", image.Details["Creator"]);
        Assert.Equal("3/4/17", image.Details["DiskGeometry"]);
    }

    [Fact]
    public void OneGoodFooterOfTwoIsEnoughAndSaidSo()
    {
        var content = TestImages.Pattern(1 << 20);
        foreach (var broken in new[] { 0, 1 })
        {
            var file = VhdBuilder.Dynamic(content, 512 << 10, _ => true);
            file[(broken == 0 ? 0 : file.Length - 512) + 200] ^= 1;
            using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", file));
            Assert.Contains(broken == 0 ? "start is damaged" : "end is missing or damaged", Assert.Single(image.Warnings), StringComparison.Ordinal);
            DiskAssert.Holds(content, image);
        }
    }

    [Fact]
    public void TwoBadFootersAreRefused()
    {
        var file = VhdBuilder.Dynamic(new byte[1 << 20], 512 << 10, _ => true);
        file[200] ^= 1;
        file[^300] ^= 1;
        Assert.Contains("checksum is wrong", DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vhd", file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ABadHeaderIsRefused()
    {
        var file = VhdBuilder.Dynamic(new byte[1 << 20], 512 << 10, _ => true);
        file[VhdBuilder.HeaderAt + 900] ^= 1;
        Assert.Equal(VhdBuilder.HeaderAt, DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.vhd", file)).Offset);
    }

    [Fact]
    public void TheFooterOfOldVersionsIsAByteShorter()
    {
        var content = TestImages.Pattern(64 << 10);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", VhdBuilder.Fixed(content).AsSpan()[..^1]));
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void AFixedDiskIsOneWhateverTheGuestWroteToItsStart()
    {
        foreach (var head in new[] { "conectix"u8.ToArray(), "vhdxfile"u8.ToArray(), [.. "QFI"u8, 0xFB, 0, 0, 0, 3], "KDMV"u8.ToArray(), [.. "LUKS"u8, 0xBA, 0xBE] })
        {
            var content = TestImages.Pattern(64 << 10);
            head.CopyTo(content, 0);
            using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", VhdBuilder.Fixed(content)));
            Assert.Equal("fixed", image.Variant);
            DiskAssert.Holds(content, image);
        }
    }

    [Fact]
    public void AFixedDiskUnderAnotherNameIsKnownByItsEnd()
    {
        var content = TestImages.Pattern(64 << 10);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.img", VhdBuilder.Fixed(content)));
        Assert.Equal("vhd", image.Format.Name);
        DiskAssert.Holds(content, image);
    }

    [Fact]
    public void AFixedDiskShorterThanItSaysIsTruncated()
    {
        byte[] file = [.. new byte[4096], .. VhdBuilder.Footer(VhdDiskType.Fixed, 4608)];
        DiskAssert.Refuses(DiskImageFault.Truncated, _folder.Write("disk.vhd", file));
    }

    [Fact]
    public void ADifferencingDiskThatNamesNoParentIsRefused()
    {
        var file = VhdBuilder.Dynamic(new byte[1 << 20], 512 << 10, _ => true);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(60), (uint)VhdDiskType.Differencing);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(file.Length - 512 + 60), (uint)VhdDiskType.Differencing);
        VhdBuilder.Reseal(file);
        DiskAssert.Refuses(DiskImageFault.MissingReference, _folder.Write("disk.avhd", file));
    }

    [Theory]
    [InlineData("disk type", 60, 7u)]
    [InlineData("version", 12, 0x20000u)]
    [InlineData("current size", 48, 0xFFFFFFFFu)]
    [InlineData("data offset", 20, 0xFFFFFFF0u)]
    [InlineData("table offset beyond the file", 512 + 20, 0x7FFFFFF0u)]
    [InlineData("table offset beyond all files", 512 + 16, 0xFFFFFFFFu)]
    [InlineData("header version", 512 + 24, 0x30000u)]
    [InlineData("fewer table entries than blocks", 512 + 28, 1u)]
    [InlineData("block size of no bytes", 512 + 32, 0u)]
    [InlineData("block size that is no power of two", 512 + 32, 3u << 20)]
    [InlineData("block beyond the file", 1536, 0x7FFFFFFFu)]
    [InlineData("block in the footer's copy", 1536, 0u)]
    [InlineData("block in the header", 1536, 2u)]
    [InlineData("block in the table", 1536, 3u)]
    public void ANumberThatCannotBeIsRefusedWhenItIsOpened(string what, int at, uint value)
    {
        var file = VhdBuilder.Dynamic(TestImages.Pattern(1 << 20), 512 << 10, _ => true);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at), value);
        if (at < 512)
            file.AsSpan(0, 512).CopyTo(file.AsSpan(file.Length - 512));
        VhdBuilder.Reseal(file);
        var path = _folder.Write("disk.vhd", file);
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
        Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated or DiskImageFault.UnsupportedFeature, $"{what}: {refusal.Fault}");
    }

    [Fact]
    public void ASavedMachineIsWarnedOf()
    {
        var file = VhdBuilder.Dynamic(new byte[1 << 20], 512 << 10, _ => true);
        file[84] = file[file.Length - 512 + 84] = 1;
        VhdBuilder.Reseal(file);
        using var image = DiskFormat.OpenImage(_folder.Write("disk.vhd", file));
        Assert.Contains("saved", Assert.Single(image.Warnings), StringComparison.Ordinal);
    }
}
