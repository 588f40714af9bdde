using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Tests.Support;

/// <summary>Opens the file systems that tests made, and compares them with folders.</summary>
internal static class FileSystemImages
{
    public static Volume Volume(byte[] bytes) => new(bytes.Length, (offset, buffer) => bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer));

    /// <summary>Opens what a file holds, by its signature.</summary>
    public static GuestFileSystem Open(string path) => Open(new Volume(new FileInfo(path).Length, (offset, buffer) =>
    {
        using var file = File.OpenHandle(path);
        RandomAccess.Read(file, buffer, offset);
    }));

    public static GuestFileSystem Open(byte[] bytes) => Open(Volume(bytes));

    public static GuestFileSystem Open(Volume volume)
    {
        var kind = FileSystemSignature.Recognise(volume.Bytes(0, (int)Math.Min(volume.Length, 68 << 10)));
        return GuestFileSystem.Open(volume, kind) ?? throw new InvalidOperationException($"{kind} is not read");
    }

    /// <summary>Makes an empty file to make a file system in.</summary>
    public static string Empty(TestFolder folder, string name, long length)
    {
        using var file = new FileStream(folder[name], FileMode.Create);
        file.SetLength(length);
        return folder[name];
    }

    /// <summary>Writes files that a reader may stumble over: short, long, with holes, many in a folder; unless the file system has none, links.</summary>
    public static void Populate(string root, bool hasLinks, int many = 1500, int large = (3 << 20) + 777)
    {
        Directory.CreateDirectory(Path.Combine(root, "a/b/c"));
        Directory.CreateDirectory(Path.Combine(root, "many"));
        Directory.CreateDirectory(Path.Combine(root, "some"));
        for (var i = 0; i < 30; i++)
            File.WriteAllText(Path.Combine(root, $"some/{i}"), $"{i}");
        File.WriteAllText(Path.Combine(root, "a/b/c/short"), "short");
        File.WriteAllText(Path.Combine(root, "empty"), "");
        File.WriteAllBytes(Path.Combine(root, "large"), TestImages.Pattern(large));
        for (var i = 0; i < many; i++)
            File.WriteAllText(Path.Combine(root, $"many/file number {i} with a long name"), $"{i}");
        using (var file = new FileStream(Path.Combine(root, "holes"), FileMode.Create))
        {
            file.SetLength(2 << 20);
            file.Seek(1_000_000, SeekOrigin.Begin);
            file.Write("in the middle"u8);
        }

        if (!hasLinks)
            return;
        File.CreateSymbolicLink(Path.Combine(root, "link-to-c"), "a/b/c");
        File.CreateSymbolicLink(Path.Combine(root, "a/absolute"), "/a/b/c/short");
        File.CreateSymbolicLink(Path.Combine(root, "long-link"), string.Concat(Enumerable.Repeat("./", 400)) + "a/b/c/short");
        File.CreateSymbolicLink(Path.Combine(root, "round"), "round");
    }

    /// <summary>What <see cref="Populate"/> wrote is there.</summary>
    public static void AssertPopulated(GuestFileSystem files, bool hasLinks, int many = 1500, int large = (3 << 20) + 777)
    {
        Assert.Equal("short", files.Text("/a/b/c/short"));
        Assert.Equal("", files.Text("/empty"));
        Assert.True(files.Read("/large")!.AsSpan().SequenceEqual(TestImages.Pattern(large)), "large differs");
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}").Order(), files.List("/some").Order());
        Assert.Equal("29", files.Text("/some/29"));
        Assert.Equal(many, files.List("/many").Count);
        Assert.Equal(many, files.List("/many").Distinct().Count());
        for (var i = 0; i < many; i += 1 + (many / 20))
            Assert.Equal($"{i}", files.Text($"/many/file number {i} with a long name"));
        var holes = new byte[2 << 20];
        "in the middle"u8.CopyTo(holes.AsSpan(1_000_000));
        Assert.True(files.Read("/holes")!.AsSpan().SequenceEqual(holes), "holes differs");
        var part = new byte[1000];
        files.Open("/large")!.Read(large - 1500, part);
        Assert.Equal(TestImages.Pattern(large).AsSpan(large - 1500, 1000).ToArray(), part);
        Assert.Null(files.Read("/missing"));
        Assert.Null(files.Read("/a"));
        Assert.Null(files.Read("/a/b/c/short/more"));
        Assert.Empty(files.List("/a/b/c/short"));
        Assert.True(files.Exists("/a/b"));
        Assert.False(files.Exists("/a/b/d"));
        if (!hasLinks)
            return;
        Assert.Equal("short", files.Text("/link-to-c/short"));
        Assert.Equal("short", files.Text("/a/absolute"));
        Assert.Equal("short", files.Text("/long-link"));
        Assert.Equal("short", files.Text("/a/../a/./b//c/short"));
        Assert.Throws<FileSystemException>(() => files.Read("/round"));
    }

    /// <summary>Two file systems have the same folders with the same files in them.</summary>
    public static void AssertSame(GuestFileSystem expected, GuestFileSystem actual, string folder = "")
    {
        Assert.Equal(expected.List(folder + "/").Order(), actual.List(folder + "/").Order());
        foreach (var path in expected.List(folder + "/").Select(n => $"{folder}/{n}"))
        {
            if (expected.Open(path) is null)
                AssertSame(expected, actual, path);
            else
                Assert.True(expected.Read(path)!.AsSpan().SequenceEqual(actual.Read(path)!), path);
        }
    }
}
