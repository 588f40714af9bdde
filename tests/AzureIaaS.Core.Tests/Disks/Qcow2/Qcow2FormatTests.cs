using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Qcow2;

public sealed class Qcow2FormatTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("compat=0.10", false)]
    [InlineData("compat=0.10", true)]
    [InlineData("compat=1.1", false)]
    [InlineData("compat=1.1", true)]
    [InlineData("cluster_size=512", false)]
    [InlineData("cluster_size=512", true)]
    [InlineData("cluster_size=4k", true)]
    [InlineData("cluster_size=2M", false)]
    [InlineData("cluster_size=2M", true)]
    [InlineData("preallocation=metadata", false)]
    [InlineData("preallocation=falloc", false)]
    [InlineData("preallocation=full", false)]
    [InlineData("lazy_refcounts=on,refcount_bits=1", false)]
    [InlineData("refcount_bits=64", true)]
    [InlineData("compression_type=zstd", true)]
    [InlineData("compression_type=zstd,cluster_size=2M", true)]
    [InlineData("compression_type=zstd,cluster_size=4k", true)]
    [InlineData("extended_l2=on", false)]
    [InlineData("extended_l2=on,compression_type=zstd", true)]
    [InlineData("extended_l2=on,cluster_size=16k", false)]
    public void ReadsWhatQemuWrites(string options, bool isCompressed)
    {
        QemuTools.Require();
        foreach (var content in new[] { TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096) })
        {
            var path = TestImages.Convert(_folder, content, "qcow2", options, isCompressed ? ["-c"] : []);
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(("qcow2", options == "compat=0.10" ? "v2" : "v3"), (image.Format.Name, image.Variant));
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(content, image);
            if (content.Length > 4 << 20)
                Assert.Equal(isCompressed ? 2 << 20 : 512 << 10, image.PreferredRead);
        }
    }

    [SkippableFact]
    public void WhatTheFileSystemHasNotAllocatedIsAHole()
    {
        QemuTools.Require();
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux tells the holes of a file");
        var path = TestImages.Convert(_folder, new byte[8 << 20], "qcow2", "preallocation=metadata");
        using var image = DiskFormat.OpenImage(path);
        Assert.Contains(image.GetExtents(), e => e.Kind == DiskExtentKind.Hole);
    }

    [SkippableFact]
    public void SnapshotsArePresentAndTheActiveStateIsRead()
    {
        QemuTools.Require();
        var content = TestImages.Pattern(1 << 20);
        var path = TestImages.Convert(_folder, content, "qcow2");
        QemuTools.Img("snapshot", "-c", "before", path);
        QemuTools.Io(path, "qcow2", "write -P 99 64k 128k");
        content.AsSpan(64 << 10, 128 << 10).Fill(99);
        using var image = DiskFormat.OpenImage(path);
        Assert.Contains("1 internal snapshots", Assert.Single(image.Warnings), StringComparison.Ordinal);
        DiskAssert.Holds(content, image);
    }

    [SkippableFact]
    public void DiscardedAndZeroedClustersReadAsZeros()
    {
        QemuTools.Require();
        var content = TestImages.Pattern(4 << 20, seed: 2);
        var path = TestImages.Convert(_folder, content, "qcow2", "", "-S", "0");
        QemuTools.Io(path, "qcow2", "write -z 1M 256k", "write -z -u 2M 128k", "discard 3M 192k");
        content.AsSpan(1 << 20, 256 << 10).Clear();
        content.AsSpan(2 << 20, 128 << 10).Clear();
        content.AsSpan(3 << 20, 192 << 10).Clear();
        using var image = DiskFormat.OpenImage(path);
        DiskAssert.Holds(content, image);
        Assert.Equal(DiskExtentKind.Zero, Assert.Single(image.GetExtents(1 << 20, 256 << 10)).Kind);
    }

    [Theory]
    [InlineData(9, 3u)]
    [InlineData(12, 2u)]
    [InlineData(16, 3u)]
    [InlineData(21, 3u)]
    public void ReadsClustersOfEveryKindSideBySide(int clusterBits, uint version)
    {
        var content = TestImages.Pattern((clusterBits == 21 ? 20 << 20 : 1 << 20) + 777);
        var kinds = version == 2
            ? [ClusterKind.Compressed, ClusterKind.Compressed, ClusterKind.Data, ClusterKind.Hole, ClusterKind.Compressed]
            : new[]
            {
                ClusterKind.Compressed, ClusterKind.Data, ClusterKind.Compressed, ClusterKind.Zero, ClusterKind.Hole, ClusterKind.ZeroAllocated,
                ClusterKind.Compressed, ClusterKind.Compressed,
            };
        var path = _folder.Write("disk.qcow2", Qcow2Builder.Build(content, clusterBits, version, c => kinds[c % kinds.Length]));
        for (var c = 0; c << clusterBits < content.Length; c++)
        {
            if (kinds[c % kinds.Length] is ClusterKind.Hole or ClusterKind.Zero or ClusterKind.ZeroAllocated)
                content.AsSpan(c << clusterBits, Math.Min(1 << clusterBits, content.Length - (c << clusterBits))).Clear();
        }

        using var image = DiskFormat.OpenImage(path);
        DiskAssert.Holds(content, image);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public void AnEncryptedImageIsRefusedByName(byte cryptMethod)
    {
        QemuTools.Require();
        var path = _folder["disk.qcow2"];

        // LUKS' key derivation takes its time, and fails on a busy computer; the header is the same but for its method.
        QemuTools.Img("create", "-f", "qcow2", "--object", "secret,id=s,data=abc123", "-o", "encrypt.format=aes,encrypt.key-secret=s", path, "1M");
        var file = File.ReadAllBytes(path);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(32)));
        file[35] = cryptMethod;
        Assert.Contains("encrypted", DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.qcow2", file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "dirty", "qemu-img check -r all")]
    [InlineData(1, "corrupt", "qemu-img check -r all")]
    [InlineData(17, "bit 17", "qemu-img convert")]
    [InlineData(63, "bit 63", "qemu-img convert")]
    public void AnIncompatibleFeatureIsRefusedByName(int bit, string name, string remedy)
    {
        var file = Specimen();
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(72), 1UL << bit);
        var refusal = DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.qcow2", file));
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownFeatureIsCalledWhatTheImageCallsIt()
    {
        var file = Specimen();
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(72), 1UL << 40);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(112), 0x6803F857);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(116), 48);
        file[121] = 40;
        "time travel"u8.CopyTo(file.AsSpan(122));
        Assert.Contains("'time travel'", DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.qcow2", file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}")]
    [InlineData("nbd://192.0.2.1/disk")]
    public void ABackingFileIsRefusedByNameAndNeverOpened(string backing)
    {
        var file = Specimen();
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(8), 0x400);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), backing.Length);
        Encoding.ASCII.GetBytes(backing).CopyTo(file, 0x400);
        var refusal = DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.qcow2", file));
        Assert.Contains($"backing file '{backing}'", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/etc/passwd", DiskImageFault.ReferenceOutsideRoot)]
    [InlineData("../../etc/passwd", DiskImageFault.ReferenceOutsideRoot)]
    [InlineData("file:/etc/passwd", DiskImageFault.ReferenceOutsideRoot)]
    [InlineData("missing.raw", DiskImageFault.MissingReference)]
    [InlineData("disk.qcow2", DiskImageFault.Corrupt)]
    public void ABackingFileElsewhereOrNowhereIsRefused(string backing, DiskImageFault fault)
    {
        var file = Specimen();
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(8), 0x400);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), backing.Length);
        Encoding.ASCII.GetBytes(backing).CopyTo(file, 0x400);
        DiskAssert.Refuses(fault, _folder.Write("disk.qcow2", file));
    }

    [Fact]
    public void EncryptionIsRefusedByName()
    {
        foreach (byte method in new byte[] { 1, 2, 9 })
        {
            var file = Specimen();
            file[35] = method;
            Assert.Contains("encrypted", DiskAssert.Refuses(DiskImageFault.UnsupportedFeature, _folder.Write("disk.qcow2", file)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("version", 4, 4u, 4)]
    [InlineData("clusters too small", 20, 8ul, 4)]
    [InlineData("clusters too large", 20, 22ul, 4)]
    [InlineData("clusters of absurd size", 20, 0xFFFFFFFFul, 4)]
    [InlineData("no size", 24, 0ul, 8)]
    [InlineData("size beyond the L1 table", 24, 1ul << 40, 8)]
    [InlineData("size beyond all numbers", 24, ulong.MaxValue, 8)]
    [InlineData("largest size", 24, (ulong)long.MaxValue, 8)]
    [InlineData("no L1 entries", 36, 0ul, 4)]
    [InlineData("L1 table nowhere", 40, 0ul, 8)]
    [InlineData("L1 table between clusters", 40, 0x10001ul, 8)]
    [InlineData("L1 table beyond the file", 40, 1ul << 40, 8)]
    [InlineData("L1 table beyond all files", 40, ulong.MaxValue << 16, 8)]
    [InlineData("header too short", 100, 96ul, 4)]
    [InlineData("header too long", 100, 0xFFFFFFF8ul, 4)]
    [InlineData("header that does not end at eight bytes", 100, 107ul, 4)]
    [InlineData("L1 entry with reserved bits", 0x10000, 0x8000000000020001ul, 8)]
    [InlineData("L1 entry between clusters", 0x10000, 0x8000000000020200ul, 8)]
    [InlineData("L2 table beyond the file", 0x10000, 0x80000FFFFFFF0000ul, 8)]
    [InlineData("L2 entry with reserved bits", 0x20000, 0x8000000000030002ul, 8)]
    [InlineData("L2 entry between clusters", 0x20000, 0x8000000000030200ul, 8)]
    [InlineData("cluster beyond the file", 0x20000, 0x80000FFFFFFF0000ul, 8)]
    [InlineData("cluster in the L1 table", 0x20000, 0x8000000000010000ul, 8)]
    [InlineData("compressed cluster beyond the file", 0x20000, 0x4000000FFFFFFFFFul, 8)]
    [InlineData("compressed cluster in the header", 0x20000, 0x4000000000000000ul, 8)]
    public void ANumberThatCannotBeIsRefusedWhenItIsOpened(string what, int at, ulong value, int size)
    {
        var file = Specimen();
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        bytes[^size..].CopyTo(file.AsSpan(at));
        var path = _folder.Write("disk.qcow2", file);
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
        Assert.True(refusal.Fault is DiskImageFault.Corrupt or DiskImageFault.Truncated or DiskImageFault.UnsupportedFeature, $"{what}: {refusal.Fault}");
    }

    [Fact]
    public void AZeroFlagInVersion2IsRefused()
    {
        var file = Qcow2Builder.Build(TestImages.Pattern(1 << 20), 16, 2, c => c == 5 ? ClusterKind.Zero : ClusterKind.Data);
        Assert.Equal(0x20000 + (5 * 8), DiskAssert.Refuses(DiskImageFault.Corrupt, _folder.Write("disk.qcow2", file)).Offset);
    }

    [Fact]
    public void ACompressedClusterThatIsDamagedOrCutIsRefusedWhenItIsRead()
    {
        var content = new byte[1 << 20];
        for (var i = 0; i < content.Length; i++)
            content[i] = (byte)(i * 7 / 5 % 251);
        var file = Qcow2Builder.Build(content, 16, 3, _ => ClusterKind.Compressed);
        var broken = file.ToArray();
        broken.AsSpan(0x30000 + 2, 4).Fill(0xFF);
        Assert.Equal(0x30000, DiskAssert.Refuses(_folder.Write("disk.qcow2", broken)).Offset);
        DiskAssert.Refuses(_folder.Write("disk.qcow2", file.AsSpan()[..^2]));
    }

    private static byte[] Specimen() => Qcow2Builder.Build(TestImages.Pattern(1 << 20), 16, 3, _ => ClusterKind.Data);
}
