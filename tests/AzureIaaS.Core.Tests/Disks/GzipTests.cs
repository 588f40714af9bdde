using System.Diagnostics;
using System.IO.Compression;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Files compressed as a whole by gzip, read at any place. The other side is the runtime's compressor and gzip itself.</summary>
public sealed class GzipTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.Optimal)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void AnyPlaceReadsRight(CompressionLevel level)
    {
        var content = Content(9 << 20);
        using var file = DiskFile.OpenUnpacked(_folder.Write("disk.bin.gz", Pack(content, level)));
        Assert.Equal(content.Length, file.Length);
        var random = new Random(4);
        for (var i = 0; i < 300; i++)
        {
            var offset = random.Next(content.Length);
            var length = random.Next(1, Math.Min(content.Length - offset, i % 50 == 0 ? 3 << 20 : 5000) + 1);
            Assert.True(content.AsSpan(offset, length).SequenceEqual(file.Read(offset, length)), $"{length} bytes at {offset}");
        }

        Parallel.For(0, 40, i => Assert.True(content.AsSpan(i * 200_000, 100_000).SequenceEqual(file.Read(i * 200_000L, 100_000))));
    }

    [SkippableTheory]
    [InlineData("-1")]
    [InlineData("-9")]
    public void WhatGzipMakesIsRead(string level)
    {
        var content = Content(3 << 20);
        var path = _folder.Write("disk.bin", content);
        using (var gzip = Process.Start("gzip", [level, path]))
            gzip.WaitForExit();
        using var file = DiskFile.OpenUnpacked(path + ".gz");
        Assert.True(content.AsSpan().SequenceEqual(file.Read(0, content.Length)));
    }

    [Fact]
    public void SeveralMembersAndZerosBehindThemAreOneFile()
    {
        var (a, b) = (Content(2 << 20), Content(100));
        byte[] named = [0x1F, 0x8B, 8, 0x1C, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, (byte)'n', 0, (byte)'c', 0];
        using var file = DiskFile.OpenUnpacked(_folder.Write("x.bin.gz", [.. Pack(a), .. Pack([]), .. named, .. Pack(b)[10..], .. new byte[1000]]));
        Assert.Equal(a.Length + b.Length, file.Length);
        Assert.Equal(b, file.Read(a.Length, b.Length));
        Assert.True(a.AsSpan().SequenceEqual(file.Read(0, a.Length)));
    }

    [Fact]
    public void ALongFileKeepsFewPlaces()
    {
        // More places than are kept: they are thinned out, and every one that is left is right.
        var part = Content(8 << 20);
        var path = _folder["long.bin.gz"];
        using (var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            for (var i = 0; i < 12; i++)
                zip.Write(part);
            zip.Write("the end"u8);
        }

        using var file = DiskFile.OpenUnpacked(path);
        Assert.Equal((12L * part.Length) + 7, file.Length);
        Assert.Equal("the end"u8.ToArray(), file.Read(12L * part.Length, 7));
        for (var i = 11; i >= 0; i--)
            Assert.True(part.AsSpan(i << 19, 1000).SequenceEqual(file.Read((i * (long)part.Length) + (i << 19), 1000)));
    }

    [Fact]
    public void ACompressedImageIsWhatItHolds()
    {
        var content = TestImages.Pattern(4 << 20);
        content[510] = 0x55;
        content[511] = 0xAA;
        content.AsSpan(446, 64).Clear();
        var path = _folder.Write("cloud.raw.gz", Pack(content));
        var source = ImportInput.Open(new ImportRequest { Path = path }, default);
        Assert.Equal(("raw", "cloud", path), (source.Format, source.Name, Assert.Single(source.Disks[0].Files).Path));
        using var image = DiskFormat.OpenImage(path);
        DiskAssert.Holds(content, image);

        // A raw disk by its name is the guest's own, whatever it begins with.
        using var raw = DiskFormat.OpenImage(_folder.Write("tape.raw", Pack(content)), new DiskOpenOptions { Format = "raw" });
        Assert.Equal(new FileInfo(_folder["tape.raw"]).Length, raw.Length);
    }

    [Fact]
    public void EveryPrefixIsRefusedAndDamageIsNoticed()
    {
        var packed = Pack(Content(20_000));
        for (var length = 18; length < packed.Length; length++)
            Assert.Throws<DiskImageException>(() => DiskFile.OpenUnpacked(_folder.Write("x.bin.gz", packed.AsSpan(0, length))));
        var random = new Random(7);
        for (var i = 0; i < 3000; i++)
        {
            var damaged = packed.ToArray();
            damaged[random.Next(10, damaged.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<DiskImageException>(() => DiskFile.OpenUnpacked(_folder.Write("x.bin.gz", damaged)));
        }

        Assert.Throws<DiskImageException>(() => DiskFile.OpenUnpacked(_folder.Write("x.bin.gz", [.. packed, 1, .. new byte[20]])));
    }

    /// <summary>Text, noise, zeros and long repetitions: matches near and far, stored blocks, blocks with their own codes.</summary>
    private static byte[] Content(int length)
    {
        var random = new Random(length);
        var content = new byte[length];
        for (var at = 0; at < length;)
        {
            var part = content.AsSpan(at, Math.Min(random.Next(1, 200_000), length - at));
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(part);
                    break;
                case 1:
                    for (var i = 0; i < part.Length; i++)
                        part[i] = (byte)"the quick brown fox jumps over the lazy dog "[random.Next(8) == 0 ? random.Next(44) : i % 44];
                    break;
                case 2 when at > 0:
                    for (var i = 0; i < part.Length; i++)
                        part[i] = content[Math.Max(0, at - 30_000) + (i % Math.Min(at, 30_000))];
                    break;
                default:
                    break;
            }

            at += part.Length;
        }

        return content;
    }

    private static byte[] Pack(ReadOnlySpan<byte> content, CompressionLevel level = CompressionLevel.Optimal)
    {
        var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, level, leaveOpen: true))
            zip.Write(content);
        if (packed.Length == 0)
            packed.Write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        return packed.ToArray();
    }
}
