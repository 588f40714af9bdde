using System.Buffers.Binary;
using System.Security.Cryptography;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Imports;

/// <summary>What is said of an image by reading all of it.</summary>
public class ImageVerificationTests
{
    private static readonly Progress<Notice> Silence = new();

    [SkippableTheory]
    [InlineData("qcow2", "")]
    [InlineData("vmdk", "subformat=streamOptimized")]
    [InlineData("vhdx", "")]
    [InlineData("vdi", "")]
    [InlineData("raw", "")]
    public async Task TheDigestsAreThoseOfTheContent(string format, string options)
    {
        using var folder = new TestFolder();
        var (path, content) = Make(folder, format, options);
        var info = await LookAsync(path, ImageFacts.Digest | ImageFacts.Checksum | ImageFacts.Faults);
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(content)), info.Checksum);
        var blocks = content.Chunk(DiskDigest.BlockSize).SelectMany(SHA256.HashData).ToArray();
        Assert.Equal(DiskDigest.Describe(blocks), info.Digest);
        Assert.Empty(info.Faults!);
        Assert.Null((await LookAsync(path, ImageFacts.None)).Faults);
    }

    [SkippableFact]
    public async Task EveryFaultIsSaidAndNotOnlyTheFirst()
    {
        using var folder = new TestFolder();
        var (path, content) = Make(folder, "vdi", "");
        using (var file = File.Open(path, FileMode.Open))
        {
            var header = new byte[512];
            file.ReadExactly(header);
            var map = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(0x154));
            Put(file, map + 4, 100_000);   // block 1: far beyond the file's end
            Put(file, map + 12, 200_000);   // block 3: the same
            file.Position = map + 16;
            var fourth = new byte[4];
            file.ReadExactly(fourth);
            Put(file, map + 20, BinaryPrimitives.ReadInt32LittleEndian(fourth));   // block 5: where block 4 is
        }

        Assert.ThrowsAny<DiskImageException>(() => DiskFormat.OpenImage(path));
        var faults = (await LookAsync(path, ImageFacts.Faults)).Faults!;
        Assert.Equal(3, faults.Count);
        Assert.All(faults, f => Assert.Contains(path, f, StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("lie in the same place", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task DamagedContentIsFoundPieceByPiece()
    {
        using var folder = new TestFolder();
        var (path, _) = Make(folder, "qcow2", "", "-c");
        var length = new FileInfo(path).Length;
        using (var file = File.Open(path, FileMode.Open))
        {
            // Of damage in the middle of a cluster, deflate does not notice all: it has no checksum.
            for (var at = length / 4; at < length * 3 / 4; at += length / 20)
            {
                file.Position = at;
                file.Write(Enumerable.Repeat((byte)0xFF, 3000).ToArray());
            }
        }

        var faults = (await LookAsync(path, ImageFacts.Faults)).Faults!;
        Assert.True(faults.Count >= 2, string.Join(" / ", faults));
    }

    [Fact]
    public async Task WhatIsNoImageIsAFaultToo()
    {
        using var folder = new TestFolder();
        var path = folder.Write("notes.txt", "no disk at all"u8.ToArray());
        Assert.Single((await LookAsync(path, ImageFacts.Faults)).Faults!);
        await Assert.ThrowsAnyAsync<IaaSException>(() => LookAsync(path, ImageFacts.Digest));
    }

    private static Task<ImageInfo> LookAsync(string path, ImageFacts wanted) => ImageInspection.InspectAsync(path, new DiskOpenOptions(), wanted, Silence, CancellationToken.None);

    private static void Put(FileStream file, long at, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        file.Position = at;
        file.Write(bytes);
    }

    private static (string Path, byte[] Content) Make(TestFolder folder, string format, string options, params string[] more)
    {
        QemuTools.Require();
        var content = new byte[9 << 20];
        new Random(9).NextBytes(content.AsSpan(0, 7 << 20));
        for (var i = 0; i < 7 << 20; i++)
            content[i] = (byte)(content[i] % 7);   // compressible
        content.AsSpan(446, 66).Clear();
        content[450] = 0x83;
        (content[454], content[459], content[510], content[511]) = (1, 4, 0x55, 0xAA);
        var raw = folder.Write("disk.raw", content);
        if (format == "raw")
            return (raw, content);
        var path = folder["disk." + format];
        string[] how = options.Length == 0 ? [] : ["-o", options];
        QemuTools.Img(["convert", "-f", "raw", "-O", format, .. how, .. more, raw, path]);
        return (path, content);
    }
}
