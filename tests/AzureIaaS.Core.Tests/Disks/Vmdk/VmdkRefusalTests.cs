using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Vmdk;

public sealed class VmdkRefusalTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vmfsRaw", "RW 16 VMFSRDM \"flat.bin\"")]
    [InlineData("fullDevice", "RW 16 FLAT \"/dev/sda\" 0")]
    [InlineData("partitionedDevice", "RW 16 FLAT \"/dev/sda\" 0")]
    [InlineData("something", "RW 16 FLAT \"flat.bin\" 0")]
    public void OtherKindsAreRefusedByName(string createType, string extents)
    {
        _folder.Write("flat.bin", new byte[8192]);
        var refusal = DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.vmdk", VmdkBuilder.DescriptorText(createType, extents)));
        Assert.Contains(createType, refusal.Message, StringComparison.Ordinal);
        var isDevice = createType.Contains("evice", StringComparison.Ordinal) || createType == "vmfsRaw";
        Assert.Contains(isDevice ? "vmkfstools" : "qemu-img convert -f vmdk", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEncryptedDiskIsRefusedByName()
    {
        var text = VmdkBuilder.DescriptorText("monolithicFlat", "RW 16 FLAT \"flat.bin\" 0") + "encryption.keySafe = \"vmware:key/list/(pair/(null/...\"\n";
        Assert.Contains("encrypted", DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.vmdk", text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret.bin")]
    [InlineData("../../../../../../../../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\secret.bin")]
    [InlineData("C:\\Windows\\System32\\config\\SAM")]
    [InlineData("\\\\server\\share\\disk.bin")]
    [InlineData("link.bin")]
    [InlineData("linked/secret.bin")]
    [InlineData("inside/../../secret.bin")]
    public void AnExtentOutsideTheRootIsRefusedAndNeverOpened(string reference)
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        var secret = _folder.Write("secret.bin", new byte[1 << 20]);
        var root = Directory.CreateDirectory(_folder["root"]).FullName;
        Directory.CreateDirectory(Path.Combine(root, "inside"));
        File.CreateSymbolicLink(Path.Combine(root, "link.bin"), secret);
        File.CreateSymbolicLink(Path.Combine(root, "linked"), _folder.Path);
        var opened = File.GetLastAccessTimeUtc(secret);
        var path = _folder.Write("root/disk.vmdk", VmdkBuilder.DescriptorText("monolithicFlat", $"RW 16 FLAT \"{reference}\" 0"));
        var refusal = DiskAssert.Refuses(DiskImageFault.ReferenceOutsideRoot, path);
        Assert.Contains(reference, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(opened, File.GetLastAccessTimeUtc(secret));
    }

    [Fact]
    public void AnExtentWithinANamedRootIsReadThroughLinks()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        var content = TestImages.Pattern(8192);
        Directory.CreateDirectory(_folder["a"]);
        Directory.CreateDirectory(_folder["b"]);
        _folder.Write("b/flat.bin", content);
        File.CreateSymbolicLink(_folder["a/link"], "../b");
        var path = _folder.Write("a/disk.vmdk", VmdkBuilder.DescriptorText("monolithicFlat", "RW 16 FLAT \"link/flat.bin\" 0"));
        DiskAssert.Refuses(DiskImageFault.ReferenceOutsideRoot, path);
        using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Root = _folder.Path });
        Assert.Equal(_folder["b/flat.bin"], image.Files[1]);
        DiskAssert.Holds(content, image);
    }

    [Theory]
    [InlineData("missing.bin", DiskImageFault.MissingReference)]
    [InlineData("round.bin", DiskImageFault.MissingReference)]
    [InlineData("folder", DiskImageFault.MissingReference)]
    [InlineData("", DiskImageFault.MissingReference)]
    [InlineData("short.bin", DiskImageFault.Truncated)]
    [InlineData("empty.bin", DiskImageFault.Unreadable)]
    public void AnExtentThatIsNotThereOrTooShortIsRefused(string name, DiskImageFault fault)
    {
        _folder.Write("short.bin", new byte[8191]);
        _folder.Write("empty.bin", "");
        Directory.CreateDirectory(_folder["folder"]);
        if (!OperatingSystem.IsWindows())
            File.CreateSymbolicLink(_folder["round.bin"], _folder["round.bin"]);
        DiskAssert.Refuses(fault, _folder.Write("disk.vmdk", VmdkBuilder.DescriptorText("monolithicFlat", $"RW 16 FLAT \"{name}\" 0")));
    }

    [Theory]
    [InlineData("RW 0 FLAT \"flat.bin\" 0")]
    [InlineData("RW 99999999999999999 FLAT \"flat.bin\" 0")]
    [InlineData("RW 16 FLAT \"flat.bin\" 99999999999999999")]
    [InlineData("RW 16 FLAT flat.bin 0")]
    [InlineData("NOACCESS 16 FLAT \"flat.bin\" 0")]
    [InlineData("RW 9007199254740992 ZERO\nRW 9007199254740992 ZERO")]
    [InlineData("RW 16 SPARSE \"flat.bin\"")]
    [InlineData("RW 16 VMFSSPARSE \"flat.bin\"")]
    [InlineData("RW 16 SESPARSE \"flat.bin\"")]
    [InlineData("")]
    public void AnExtentLineThatCannotBeIsRefused(string extents)
    {
        _folder.Write("flat.bin", new byte[8192]);
        DiskAssert.Refuses(_folder.Write("disk.vmdk", VmdkBuilder.DescriptorText("monolithicFlat", extents)));
    }

    [Theory]
    [InlineData("version", 4, 4u, 4)]
    [InlineData("capacity of nothing", 12, 0ul, 8)]
    [InlineData("capacity beyond the directory", 12, 1ul << 40, 8)]
    [InlineData("capacity beyond all numbers", 12, ulong.MaxValue / 512, 8)]
    [InlineData("grain of nothing", 20, 0ul, 8)]
    [InlineData("grain that is no power of two", 20, 12ul, 8)]
    [InlineData("grain that is too large", 20, 1ul << 22, 8)]
    [InlineData("descriptor beyond the file", 28, 1ul << 40, 8)]
    [InlineData("descriptor beyond all files", 28, ulong.MaxValue - 1, 8)]
    [InlineData("descriptor longer than the file", 36, ulong.MaxValue, 8)]
    [InlineData("tables of nothing", 44, 0ul, 4)]
    [InlineData("tables that are too large", 44, 513ul, 4)]
    [InlineData("no directory", 56, 0ul, 8)]
    [InlineData("directory beyond the file", 56, 1ul << 30, 8)]
    [InlineData("directory beyond all files", 56, ulong.MaxValue - 1, 8)]
    [InlineData("directory only in a footer that is missing", 56, ulong.MaxValue, 8)]
    [InlineData("changed line ends", 73, 0x0A0A200Aul, 4)]
    [InlineData("compression unlike the flags", 77, 1ul, 2)]
    [InlineData("unknown compression", 77, 2ul, 2)]
    public void ANumberThatCannotBeIsRefusedWhenItIsOpened(string what, int at, ulong value, int size)
    {
        var file = new VmdkBuilder { Content = TestImages.Pattern(1 << 20) }.Build();
        Put(file, at, value, size);
        AssertRefusedAtOpen(what, file);
    }

    [Fact]
    public void AnEntryThatPointsNowhereIsRefusedWhenItIsOpened()
    {
        var builder = new VmdkBuilder { Content = TestImages.Pattern(1 << 20) };
        var file = builder.Build();
        var table = (int)BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(builder.DirectoryAt)) * 512;

        // The last is the entry that means zeros, in a disk whose header does not say so: there is the descriptor.
        foreach (var (at, value) in new[]
        {
            (builder.DirectoryAt, 0x7FFFFFFFul), (table, 0xFFFFFFFFul), (table, (ulong)file.Length / 512), (table, (ulong)builder.DirectoryAt / 512),
            (table, 1ul),
        })
        {
            var broken = file.ToArray();
            Put(broken, at, value, 4);
            AssertRefusedAtOpen($"{value} at {at}", broken);
        }
    }

    [Fact]
    public void AStreamsGrainThatIsNotWhatTheTableSaysIsRefused()
    {
        var builder = new VmdkBuilder { Content = TestImages.Pattern(1 << 20, seed: 4), GrainSectors = 128, IsStream = true, CreateType = "streamOptimized" };
        var file = builder.Build();
        foreach (var (what, at, value, size) in new[]
        {
            ("another grain's number", builder.FirstGrainAt, 128ul, 8), ("no data", builder.FirstGrainAt + 8, 0ul, 4), ("less data", builder.FirstGrainAt + 8, 40ul, 4),
            ("too much data", builder.FirstGrainAt + 8, 1ul << 20, 4), ("more than all data", builder.FirstGrainAt + 8, 0xFFFFFFFFul, 4),
            ("no zlib header", builder.FirstGrainAt + 12, 0xFFul, 1),
            ("other data", builder.FirstGrainAt + 300, ~BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(builder.FirstGrainAt + 300)), 8),
        })
        {
            var broken = file.ToArray();
            Put(broken, at, value, size);
            var refusal = DiskAssert.Refuses(_folder.Write("disk.vmdk", broken));
            Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated && refusal.Offset == builder.FirstGrainAt, $"{what}: {refusal.Message}");
        }
    }

    [Fact]
    public void AStreamWithoutItsEndIsTruncated()
    {
        var file = new VmdkBuilder { Content = TestImages.Pattern(1 << 20), IsStream = true, CreateType = "streamOptimized" }.Build();
        foreach (var cut in new[] { 1, 512, 1024, 1536, 4096, file.Length / 2 })
            DiskAssert.Refuses(DiskImageFault.Truncated, _folder.Write("disk.vmdk", file.AsSpan()[..^cut]));
        file.AsSpan(file.Length / 2).Clear();
        DiskAssert.Refuses(DiskImageFault.Truncated, _folder.Write("disk.vmdk", file));
    }

    [Fact]
    public void ABareExtentIsRefusedUnderEveryName()
    {
        var file = new VmdkBuilder { Content = TestImages.Pattern(1 << 20) }.Build();
        Put(file, 28, 0, 8);
        var path = _folder.Write("disk-s001.vmdk", file);
        Assert.Contains("without the descriptor", DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, path).Message, StringComparison.Ordinal);
        DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, path, new DiskOpenOptions { Format = "vmdk" });
    }

    private void AssertRefusedAtOpen(string what, byte[] file)
    {
        var path = _folder.Write("disk.vmdk", file);
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
        Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated or DiskImageFault.UnsupportedFeature, $"{what}: {refusal.Fault}");
    }

    private static void Put(byte[] file, int at, ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(file.AsSpan(at));
    }
}
