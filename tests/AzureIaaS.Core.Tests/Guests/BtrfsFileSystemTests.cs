using AzureIaaS.Disks;
using AzureIaaS.Guests;
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
    [InlineData("lzo")]
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

    [SkippableTheory]
    [InlineData("single", "raid1")]
    [InlineData("raid1", "raid1")]
    [InlineData("raid0", "raid0")]
    [InlineData("raid10", "raid1c3")]
    public void SeveralDevicesAreOneFileSystem(string data, string metadata)
    {
        Programs.Require("mkfs.btrfs", "losetup");
        Programs.RequireMount("btrfs");
        var images = Enumerable.Range(0, 4).Select(i => FileSystemImages.Empty(_folder, $"device{i}.img", 128 << 20)).ToArray();
        Programs.Run("mkfs.btrfs", ["-q", "-f", "-d", data, "-m", metadata, .. images]);
        var loops = images[1..].Select(i => Programs.Run("losetup", "-f", "--show", i).Trim()).ToList();
        try
        {
            Programs.Mounted(_folder, images[0], "btrfs", string.Join(',', loops.Select(l => "device=" + l)), place => FileSystemImages.Populate(place, hasLinks: true));
        }
        finally
        {
            loops.ForEach(l => Programs.Run("losetup", "-d", l));
        }

        using var disks = new OpenedDisks([images[2], images[0], images[3], images[1]]);
        var guest = GuestInspector.Inspect(disks.Images, default);
        Assert.Empty(guest.Unread);
        Assert.Equal([0, 0, 0, 0], guest.Volumes.Select(v => v.MissingDevices));
        var volumes = disks.Images.Select(i => new Volume(i.Length, i.Read)).ToList();
        FileSystemImages.AssertPopulated(GuestFileSystem.Open(volumes[0], "Btrfs", volumes)!, hasLinks: true);

        // Without one of them, only what has a copy elsewhere can be read; that one is missing is said in any case.
        GuestFileSystem Partly() => GuestFileSystem.Open(volumes[1], "Btrfs", volumes[1..])!;
        if (metadata == "raid0")
        {
            Assert.Contains("not among the machine's disks", Assert.Throws<FileSystemException>(() => Partly().Read("/large")).Message, StringComparison.Ordinal);
            return;
        }

        Assert.Equal(1, Partly().MissingDevices);
        if (data == "raid1")
            FileSystemImages.AssertPopulated(Partly(), hasLinks: true);
    }

    [SkippableFact]
    public void ASubvolumeOfItsOwnIsMountedWhereFstabSaysSo()
    {
        var image = Written("noatime", place =>
        {
            foreach (var name in new[] { "@", "boot", "logs" })
                Programs.Run("btrfs", "subvolume", "create", Path.Combine(place, name));
            LinuxDisk.Debian(_folder, "UUID=0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9 /boot btrfs defaults,subvol=boot 0 0\n", hasHyperV: true);
            Programs.Run("cp", "-a", _folder["tree"] + "/.", Path.Combine(place, "@"));
            File.WriteAllText(Path.Combine(place, "boot/initrd.img-6.1.0-18-amd64"), "");
        }, "-U", "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9");
        using var disks = new OpenedDisks([image]);
        var guest = GuestInspector.Inspect(disks.Images, default);
        Assert.Equal("Debian GNU/Linux 12 (bookworm)", guest.Name);
        Assert.Equal("/boot/initrd.img-6.1.0-18-amd64", Assert.Single(guest.Kernels).Initramfs);
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

    [SkippableFact]
    public void ALogTreeThatWasNotReplayedIsSaid()
    {
        var copy = _folder["copy.img"];
        var image = Written("noatime", place =>
        {
            Programs.Require("sync", "cp");
            File.WriteAllText(Path.Combine(place, "file"), "before");
            Programs.Run("sync", "-f", place);
            using (var file = new FileStream(Path.Combine(place, "file"), FileMode.Append))
            {
                file.Write(" and after"u8);
                file.Flush(flushToDisk: true);
            }

            Programs.Run("cp", "--sparse=always", _folder["btrfs.img"], copy);
        });
        Assert.Equal((LogState.Clean, null), (FileSystemImages.Open(image).Log, FileSystemImages.Open(image).Stale));
        var files = FileSystemImages.Open(copy);
        Assert.Equal((LogState.NotReplayed, "its log tree is not replayed"), (files.Log, files.Stale));
        Assert.Equal("before", files.Text("/file"));
    }

    private string Written(string options, Action<string> write, params string[] more)
    {
        Programs.Require("mkfs.btrfs", "btrfs");
        Programs.RequireMount("btrfs");
        var image = FileSystemImages.Empty(_folder, "btrfs.img", 200 << 20);
        Programs.Run("mkfs.btrfs", ["-q", "-f", .. more, image]);
        Programs.Mounted(_folder, image, "btrfs", options, write);
        return image;
    }

    /// <summary>Raw disks, opened.</summary>
    private sealed class OpenedDisks(string[] paths) : IDisposable
    {
        public List<DiskImage> Images { get; } = [.. paths.Select(p => DiskFormat.OpenImage(p, new DiskOpenOptions { Format = "raw" }))];

        public void Dispose() => Images.ForEach(i => i.Dispose());
    }
}
