using AzureIaaS.Guests;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>XFS volumes that mkfs.xfs makes and the kernel writes, read file by file.</summary>
public sealed class XfsFileSystemTests : IDisposable
{
    private const int Pieces = 3000;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("-b", "size=4096")]
    [InlineData("-b", "size=1024", "-n", "size=8192")]
    [InlineData("-i", "size=1024,nrext64=1")]
    public void EveryFileIsFound(params string[] options)
    {
        Programs.Require("mkfs.xfs", "xfs_db");
        Programs.RequireMount("xfs");
        var image = FileSystemImages.Empty(_folder, "xfs.img", 320 << 20);
        Programs.Run("mkfs.xfs", ["-q", "-f", "-L", "system", "-m", "uuid=0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9", .. options, image]);
        Programs.Mounted(_folder, image, "xfs", "noatime", place =>
        {
            FileSystemImages.Populate(place, hasLinks: true);
            WritePieces(Path.Combine(place, "pieces"));
        });
        var files = FileSystemImages.Open(image);
        FileSystemImages.AssertPopulated(files, hasLinks: true);
        var pieces = files.Read("/pieces")!;
        Assert.Equal((Pieces * 8192) - 4096, pieces.Length);
        for (var i = 0; i < Pieces; i++)
            Assert.True(pieces[i * 8192] == (byte)(i | 1) && (i == Pieces - 1 || pieces[(i * 8192) + 4096] == 0), $"piece {i} differs");
        Assert.Equal(("system", "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"), (files.Label, files.Id));

        // All the forms were there: what xfs_db calls the formats of these inodes says so.
        Assert.Equal("btree", FormatOf(image, "/pieces"));
        Assert.Equal("local", FormatOf(image, "/a"));
        Assert.Equal("extents", FormatOf(image, "/some"));
    }

    [SkippableTheory]
    [InlineData("-m", "crc=0", "-n", "ftype=1")]
    [InlineData("-m", "crc=0", "-n", "ftype=0", "-i", "size=256")]
    [InlineData("-m", "crc=1", "-n", "size=16384")]
    public void WhatMkfsWritesByAPrototypeIsRead(params string[] options)
    {
        // Kernels no longer write version 4; mkfs.xfs does.
        Programs.Require("mkfs.xfs");
        var content = TestImages.Pattern((1 << 20) + 777);
        var (large, one) = (_folder.Write("large-content", content), _folder.Write("one-content", "1"));
        var names = Enumerable.Range(0, 900).Select(i => $"a-file-of-number-{i}").ToList();

        // Long links in version 5 are what the kernel's volumes are for: mkfs.xfs forgot their headers for long.
        var target = string.Concat(Enumerable.Repeat("./", options.Contains("crc=1") ? 10 : 300)) + "large";
        var prototype = $"""
            dummy
            0 0
            d--755 0 0
            large ---644 0 0 {large}
            link l--777 0 0 few/two
            long l--777 0 0 {target}
            few d--755 0 0
              one ---644 0 0 {one}
              two ---644 0 0 {one}
            $
            many d--755 0 0
            {string.Join('\n', names.Select(n => $"{n} ---644 0 0 {one}"))}
            $
            $

            """;
        var image = FileSystemImages.Empty(_folder, "xfs.img", 320 << 20);
        Programs.Run("mkfs.xfs", ["-q", "-f", "-p", _folder.Write("prototype", prototype), .. options, image]);
        var files = FileSystemImages.Open(image);
        Assert.True(files.Read("/large")!.AsSpan().SequenceEqual(content), "large differs");
        Assert.Equal(content.Length, files.Open("/long")!.Length);
        Assert.Equal(("1", "1"), (files.Text("/link"), files.Text("/few/one")));
        Assert.Equal(names.Order(), files.List("/many").Order());
        Assert.Equal("1", files.Text("/many/" + names[^1]));
        Assert.Null(files.Read("/few/three"));
    }

    [SkippableTheory]
    [InlineData("-l", "size=64m")]
    [InlineData("-l", "size=64m,su=256k", "-b", "size=1024")]
    public void ALogThatWasNotClosedIsReplayed(params string[] options)
    {
        Programs.Require("mkfs.xfs", "cp");
        Programs.RequireMount("xfs");
        var (image, copy) = (FileSystemImages.Empty(_folder, "xfs.img", 320 << 20), _folder["copy.img"]);
        Programs.Run("mkfs.xfs", ["-q", "-f", .. options, image]);
        Assert.Equal(LogState.Clean, FileSystemImages.Open(image).Log);

        // Where every write fills a stripe of the log, it goes round: its end then lies before what is older.
        Programs.Mounted(_folder, image, "xfs", "noatime", place =>
        {
            for (var i = 0; i < 300; i++)
            {
                using var file = new FileStream(Path.Combine(place, i == 299 ? "last" : $"{i}"), FileMode.Create);
                file.Write("last"u8);
                file.Flush(flushToDisk: true);
            }

            Programs.Run("cp", "--sparse=always", image, copy);
        });
        Assert.Equal((LogState.Clean, null, false), (FileSystemImages.Open(image).Log, FileSystemImages.Open(image).Stale, FileSystemImages.Open(image).IsDirty));
        var dirty = FileSystemImages.Open(copy);
        Assert.Equal((LogState.Replayed, null, true), (dirty.Log, dirty.Stale, dirty.IsDirty));
        Assert.Equal("last", dirty.Text("/last"));

        // Mounted and closed once more, the copy is as it should be.
        Programs.Mounted(_folder, copy, "xfs", "nouuid", _ => { });
        Assert.Equal(LogState.Clean, FileSystemImages.Open(copy).Log);
        Assert.Equal("last", FileSystemImages.Open(copy).Text("/last"));
    }

    private static string FormatOf(string image, string path)
    {
        var inode = 0UL;
        using (var mounted = new TestFolder())
            Programs.Mounted(mounted, image, "xfs", "ro", place => inode = ulong.Parse(Programs.Run("stat", "-c", "%i", place + path), System.Globalization.CultureInfo.InvariantCulture));
        var output = Programs.Run("xfs_db", "-r", "-c", $"inode {inode}", "-c", "print core.format", image);
        return output.Split('(', ')')[1];
    }

    /// <summary>Every other block of a file, so that it has more extents than an inode holds.</summary>
    private static void WritePieces(string path)
    {
        using var file = new FileStream(path, FileMode.Create);
        var block = new byte[4096];
        for (var i = 0; i < Pieces; i++)
        {
            block[0] = (byte)(i | 1);
            file.Seek(i * 8192L, SeekOrigin.Begin);
            file.Write(block);
        }
    }
}
