using AzureIaaS.Disks;
using AzureIaaS.Tests.Disks.Vhdx;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Writing;

/// <summary>What is made of an image: QEMU's tools find nothing wrong with it, and our own readers read it back.</summary>
public sealed class ConversionTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Formats() => [.. WriteFormat.Known.Select(f => f.Name)];

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public async Task QemuFindsNothingWrong(string name)
    {
        QemuTools.Require();
        var format = WriteFormat.Named(name);
        foreach (var (content, i) in Contents().Select((c, i) => (c, i)))
        {
            var source = _folder.Write($"{i}.raw", content);
            var path = await ConvertAsync(source, format, i);
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(0, image.Length % format.Alignment);
            Assert.True(image.Length - content.Length < Math.Max(format.Alignment, 512));
            Assert.Empty(image.Warnings);
            DiskAssert.Holds(TestImages.Padded(content, image.Length), image);

            var driver = image.Format.Name == "vhd" ? "vpc" : image.Format.Name;
            Assert.Equal(image.Length, QemuTools.VirtualSize(path, driver));
            QemuTools.Img("compare", "-f", "raw", "-F", driver, source, path);
            if (driver is not ("raw" or "vpc"))
                QemuTools.Img("check", "-f", driver, path);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task AHugeDiskWithALittleDataIsConvertedQuicklyAndComesOutTheSame(string name)
    {
        // Data at both ends and around every 300 GiB, which crosses tables of every kind.
        const long length = 1200L << 30;
        var source = _folder["huge.raw"];
        using (var file = File.OpenHandle(source, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, length);
            for (var at = 0L; at < length; at += 300L << 30)
                RandomAccess.Write(file, TestImages.Pattern(3 << 20, (int)(at >> 30)), Math.Max(0, at - (1 << 20)));
            RandomAccess.Write(file, TestImages.Pattern(1 << 20, 9), length - (1 << 20));
        }

        var path = await ConvertAsync(source, WriteFormat.Named(name), 0);
        using var original = DiskFormat.OpenImage(source, new DiskOpenOptions { Format = "raw" });
        using var image = DiskFormat.OpenImage(path);
        DiskAssert.SameData(original, image);
    }

    [Theory]
    [InlineData("VhdxDynamic", 4096)]
    [InlineData("VhdxFixed", 4096)]
    [InlineData("Raw", 512)]
    public async Task LargeSectorsTravelWhereTheyCan(string name, int read)
    {
        var content = TestImages.Pattern(3 << 20);
        var source = _folder.Write("disk.vhdx", VhdxBuilder.Build(content, 1 << 20, 4096, _ => AzureIaaS.Disks.Vhdx.PayloadBlockState.FullyPresent));
        using var image = DiskFormat.OpenImage(await ConvertAsync(source, WriteFormat.Named(name), 0), new DiskOpenOptions { Format = name == "Raw" ? "raw" : null });
        Assert.Equal(read, image.LogicalSectorSize);
        DiskAssert.Holds(content, image);
        foreach (var other in new[] { "VhdFixed", "VmdkSparse", "Vdi" })
        {
            var refusal = await Assert.ThrowsAsync<IaaSException>(() => ConvertAsync(source, WriteFormat.Named(other), 9));
            Assert.Contains("4096", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WhatIsThereIsNotReplacedUnlessForced()
    {
        var source = _folder.Write("disk.raw", TestImages.Pattern(1 << 20));
        var there = _folder.Write("there.vhd", "precious");
        using var image = DiskFormat.OpenImage(source, new DiskOpenOptions { Format = "raw" });
        var request = new DiskConversionRequest { Path = there, Format = WriteFormat.Named("VhdFixed") };
        Assert.Equal(ErrorKind.AlreadyExists, (await Assert.ThrowsAsync<IaaSException>(() => DiskConversion.RunAsync(image, request, null, default))).Kind);
        Assert.Equal("precious", File.ReadAllText(there));
        await DiskConversion.RunAsync(image, request with { Force = true }, null, default);
        using (var made = DiskFormat.OpenImage(there))
            Assert.Equal("fixed", made.Variant);
        await Assert.ThrowsAsync<IaaSException>(() => DiskConversion.RunAsync(image, request with { Path = source, Force = true }, null, default));
        Assert.Equal(["disk.raw", "there.vhd"], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("VhdDynamic")]
    [InlineData("Qcow2Zlib")]
    [InlineData("Raw")]
    public async Task WhatBreaksOffLeavesNothing(string name)
    {
        var content = TestImages.Pattern(24 << 20);
        var file = new Vmdk.VmdkBuilder { Content = content, GrainSectors = 128, IsStream = true, CreateType = "streamOptimized" };
        var bytes = file.Build();
        bytes.AsSpan(bytes.Length / 2, 200_000).Fill(0x77);
        var source = _folder.Write("disk.vmdk", bytes);
        await Assert.ThrowsAsync<DiskImageException>(() => ConvertAsync(source, WriteFormat.Named(name), 0));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        _folder.Write("whole.vmdk", file.Build());
        using var image = DiskFormat.OpenImage(_folder["whole.vmdk"]);
        var request = new DiskConversionRequest { Path = _folder["out"], Format = WriteFormat.Named(name), Threads = 3 };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DiskConversion.RunAsync(image, request, null, stopped.Token));
        Assert.Equal(["disk.vmdk", "whole.vmdk"], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    [SkippableTheory]
    [InlineData("Raw", 0)]
    [InlineData("VhdFixed", 0)]
    [InlineData("VhdFixed", 512)]
    public void WhereTheFileSystemSharesBlocksARawImageIsNotCopied(string name, int more)
    {
        Programs.Require("mkfs.xfs");
        Programs.RequireMount("xfs");
        var image = FileSystemImages.Empty(_folder, "xfs.img", 320 << 20);
        Programs.Run("mkfs.xfs", "-q", "-f", "-m", "reflink=1", image);
        Programs.Mounted(_folder, image, "xfs", "noatime", place =>
        {
            var content = TestImages.Pattern((40 << 20) + more);
            var (source, target) = (Path.Combine(place, "disk.raw"), Path.Combine(place, "new"));
            File.WriteAllBytes(source, content);
            Programs.Run("sync", "-f", place);
            var before = new DriveInfo(place).AvailableFreeSpace;
            using (var opened = DiskFormat.OpenImage(source, new DiskOpenOptions { Format = "raw" }))
                DiskConversion.RunAsync(opened, new DiskConversionRequest { Path = target, Format = WriteFormat.Named(name) }, null, default).GetAwaiter().GetResult();
            Programs.Run("sync", "-f", place);
            var used = before - new DriveInfo(place).AvailableFreeSpace;
            Assert.True(more > 0 || used < 4 << 20, $"{used:N0} bytes were taken");   // a part of a block cannot be shared: then all is copied
            using var made = DiskFormat.OpenImage(target, new DiskOpenOptions { Format = name == "Raw" ? "raw" : "vhd" });
            DiskAssert.Holds(TestImages.Padded(content, made.Length), made);
        });
    }

    [SkippableFact]
    public async Task ManyThreadsKeepTheOrder()
    {
        var content = TestImages.Pattern(64 << 20);
        var source = _folder.Write("disk.raw", content);
        using var image = DiskFormat.OpenImage(source, new DiskOpenOptions { Format = "raw" });
        foreach (var name in new[] { "VmdkStreamOptimized", "Qcow2Zlib", "VhdxDynamic" })
        {
            var format = WriteFormat.Named(name);
            var sizes = new List<long>();
            foreach (var threads in new[] { 1, 2, 7 })
            {
                var path = _folder[$"{name}{threads}{format.Extension}"];
                await DiskConversion.RunAsync(image, new DiskConversionRequest { Path = path, Format = format, Threads = threads }, null, default);
                sizes.Add(new FileInfo(path).Length);
                using var made = DiskFormat.OpenImage(path);
                DiskAssert.Holds(content, made);
            }

            Assert.Single(sizes.Distinct());
        }
    }

    private static IEnumerable<byte[]> Contents() =>
        [TestImages.Pattern((9 << 20) + 1536), new byte[3 << 20], TestImages.Pattern(4096), TestImages.Pattern((40 << 20) + 512, 5), Noise(5 << 20)];

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(3).NextBytes(bytes);
        return bytes;
    }

    private async Task<string> ConvertAsync(string source, WriteFormat format, int number)
    {
        var path = _folder[$"made-{format.Name}-{number}{format.Extension}"];
        using var image = DiskFormat.OpenImage(source, new DiskOpenOptions { Format = source.EndsWith(".raw", StringComparison.Ordinal) ? "raw" : null });
        await DiskConversion.RunAsync(image, new DiskConversionRequest { Path = path, Format = format }, null, default);
        return path;
    }
}
