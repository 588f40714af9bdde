using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Btrfs volumes that mkfs.btrfs makes and the kernel writes, read file by file.</summary>
public sealed class BtrfsFileSystemTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("-m", "single")]
    [InlineData("-m", "dup", "-n", "4096")]
    [InlineData("-m", "single", "-O", "^no-holes,mixed-bg", "-n", "4096")]
    public void EveryFileOfAFolderIsFound(params string[] options)
    {
        Programs.Require("mkfs.btrfs");
        var tree = Directory.CreateDirectory(_folder["tree"]).FullName;
        FileSystemImages.Populate(tree, hasLinks: true);
        var image = FileSystemImages.Empty(_folder, "btrfs.img", 200 << 20);
        Programs.Run("mkfs.btrfs", ["-q", "-f", "-L", "system", "-U", "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9", .. options, "--rootdir", tree, image]);
        var files = FileSystemImages.Open(image);
        FileSystemImages.AssertPopulated(files, hasLinks: true);
        Assert.Equal(("system", "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"), (files.Label, files.Id));
    }

    [SkippableTheory]
    [InlineData("zlib")]
    [InlineData("zstd")]
    [InlineData("none")]
    public void WhatTheKernelCompressedIsInflated(string compression)
    {
        var text = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 60_000).Select(i => $"line {i % 977} of the log\n")));
        var image = Written($"compress-force={compression}", place =>
        {
            FileSystemImages.Populate(place, hasLinks: true);
            File.WriteAllBytes(Path.Combine(place, "text"), text);
            File.WriteAllBytes(Path.Combine(place, "few"), text[..900]);
        });
        Assert.Contains($"({compression})", Programs.Run("btrfs", "inspect-internal", "dump-tree", "-t", "5", image), StringComparison.Ordinal);
        var files = FileSystemImages.Open(image);
        FileSystemImages.AssertPopulated(files, hasLinks: true);
        Assert.True(files.Read("/text")!.AsSpan().SequenceEqual(text), "text differs");
        Assert.Equal(text[..900], files.Read("/few"));
        var part = new byte[10];
        files.Open("/text")!.Read(777_777, part);
        Assert.Equal(text.AsSpan(777_777, 10).ToArray(), part);
    }

    [SkippableFact]
    public void LzoIsNamed()
    {
        var image = Written("compress-force=lzo", place => File.WriteAllBytes(Path.Combine(place, "text"), new byte[100_000]));
        Assert.Contains("LZO", Assert.Throws<FileSystemException>(() => FileSystemImages.Open(image).Read("/text")).Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheSystemsSubvolumeIsTheRoot(bool isDefault)
    {
        var image = Written("noatime", place =>
        {
            Programs.Run("btrfs", "subvolume", "create", Path.Combine(place, "@"));
            Programs.Run("btrfs", "subvolume", "create", Path.Combine(place, "@/var"));
            Directory.CreateDirectory(Path.Combine(place, "@/etc"));
            File.WriteAllText(Path.Combine(place, "@/etc/os-release"), "ID=test\n");
            File.WriteAllText(Path.Combine(place, "@/var/inner"), "in a subvolume of its own");
            if (isDefault)
                Programs.Run("btrfs", "subvolume", "set-default", Path.Combine(place, "@"));
        });
        var files = FileSystemImages.Open(image);
        Assert.Equal("ID=test\n", files.Text("/etc/os-release"));
        Assert.Equal("in a subvolume of its own", files.Text("/var/inner"));
    }

    [SkippableFact]
    public void AVolumeOfAnotherToolIsRead()
    {
        SharedImages.Require();
        using var image = AzureIaaS.Disks.DiskFormat.OpenImage(SharedImages.Put(_folder, SharedImages.Index.Single(i => i.Path.EndsWith("/btrfs.vhdx", StringComparison.Ordinal))));
        var table = AzureIaaS.Guests.PartitionTable.Read(image.Length, [image.LogicalSectorSize], image.Read);
        var (start, length) = table.Partitions.Count > 0 ? (table.Partitions[0].Start, table.Partitions[0].Length) : (0, image.Length);
        var files = FileSystemImages.Open(new Volume(length, (at, buffer) => image.Read(start + at, buffer)));
        Assert.NotEmpty(files.List("/"));
        foreach (var name in files.List("/"))
            Assert.True(files.Exists("/" + name), name);
    }

    private string Written(string options, Action<string> write)
    {
        Programs.Require("mkfs.btrfs", "btrfs");
        Programs.RequireMount("btrfs");
        var image = FileSystemImages.Empty(_folder, "btrfs.img", 200 << 20);
        Programs.Run("mkfs.btrfs", "-q", "-f", image);
        Programs.Mounted(_folder, image, "btrfs", options, write);
        return image;
    }
}
