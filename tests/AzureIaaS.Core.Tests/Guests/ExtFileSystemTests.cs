using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.FileSystems.Ext;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>ext file systems that mke2fs makes, read file by file.</summary>
public sealed class ExtFileSystemTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("ext2", "1024")]
    [InlineData("ext2", "4096")]
    [InlineData("ext3", "1024")]
    [InlineData("ext4", "1024")]
    [InlineData("ext4", "4096")]
    [InlineData("ext4", "4096", "-O", "64bit,metadata_csum")]
    [InlineData("ext4", "2048", "-O", "^flex_bg,^64bit", "-I", "128")]
    public void EveryFileIsFound(string type, string blockSize, params string[] more)
    {
        LinuxDisk.Require();
        var tree = Tree();
        var files = Open(LinuxDisk.Ext(_folder, tree, type, "24M", ["-b", blockSize, .. more]));
        Assert.Equal(File.ReadAllBytes(Path.Combine(tree, "large")), files.Read("/large"));
        Assert.Equal("short", files.Text("/a/b/c/short"));
        Assert.Equal("short", files.Text("/link-to-c/short"));
        Assert.Equal("short", files.Text("/a/absolute"));
        Assert.Equal("short", files.Text("/a/../a/./b//c/short"));
        Assert.Equal(1500, files.List("/many").Count);
        Assert.Equal("1499", files.Text("/many/file number 1499 with a long name"));
        Assert.Null(files.Read("/missing"));
        Assert.Null(files.Read("/a"));
        Assert.Null(files.Read("/a/b/c/short/more"));
        Assert.Empty(files.List("/a/b/c/short"));
        Assert.Throws<FileSystemException>(() => files.Read("/round"));
    }

    [SkippableFact]
    public void DamageIsRefusedAndNothingElseHappens()
    {
        LinuxDisk.Require();
        var tree = Tree();
        foreach (var type in new[] { "ext2", "ext4" })
        {
            var whole = File.ReadAllBytes(LinuxDisk.Ext(_folder, tree, type, "12M", "-b", "1024"));
            var bytes = whole.ToArray();
            for (var seed = 0; seed < 300; seed++)
            {
                var random = new Random(seed);
                for (var n = random.Next(1, 20); n > 0; n--)
                {
                    // Mostly where superblock, descriptors, inodes and folders are.
                    var at = random.Next(3) == 0 ? random.Next(bytes.Length) : 1024 + random.Next(400 << 10);
                    bytes[at] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)0xFF;
                }

                try
                {
                    var files = Open(bytes);
                    files.Read("/large");
                    files.Text("/a/b/c/short");
                    files.List("/many");
                    files.Read("/round");
                }
                catch (FileSystemException)
                {
                    // What should happen.
                }

                whole.CopyTo(bytes, 0);
            }
        }
    }

    private string Tree()
    {
        var root = _folder["tree"];
        Directory.CreateDirectory(Path.Combine(root, "a/b/c"));
        Directory.CreateDirectory(Path.Combine(root, "many"));
        File.WriteAllBytes(Path.Combine(root, "large"), TestImages.Pattern((3 << 20) + 777));
        File.WriteAllText(Path.Combine(root, "a/b/c/short"), "short");
        for (var i = 0; i < 1500; i++)
            File.WriteAllText(Path.Combine(root, $"many/file number {i} with a long name"), $"{i}");
        File.CreateSymbolicLink(Path.Combine(root, "link-to-c"), "a/b/c");
        File.CreateSymbolicLink(Path.Combine(root, "a/absolute"), "/a/b/c/short");
        File.CreateSymbolicLink(Path.Combine(root, "round"), "round");
        return root;
    }

    private static GuestFileSystem Open(string path) => Open(File.ReadAllBytes(path));

    private static GuestFileSystem Open(byte[] bytes) =>
        new ExtFileSystem(new Volume(bytes.Length, (offset, buffer) => bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer)));
}
