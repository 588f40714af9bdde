using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Initramfs images that cpio and the compressors make.</summary>
public sealed class InitramfsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("cat")]
    [InlineData("gzip", "-n")]
    [InlineData("zstd", "-q", "-19")]
    [InlineData("xz", "--check=crc32")]
    [InlineData("xz", "--format=lzma")]
    [InlineData("lz4", "-l", "-q")]
    public void TheModulesAreListed(string program, params string[] options)
    {
        var path = Make(program, options);
        foreach (var bytes in new[] { File.ReadAllBytes(path), [.. Early(), .. File.ReadAllBytes(path), .. new byte[1000]] })
            Assert.Equal(["hv_storsvc_not", "hv_vmbus", "virtio_blk"], Initramfs.Modules(new InlineFile(bytes)).Order());
    }

    [SkippableTheory]
    [InlineData("cat")]
    [InlineData("gzip", "-n")]
    [InlineData("zstd", "-q")]
    [InlineData("xz", "--check=crc32")]
    [InlineData("lz4", "-l", "-q")]
    public void EveryTruncationAndMuchDamageIsRefusedOrRead(string program, params string[] options)
    {
        var whole = File.ReadAllBytes(Make(program, options));
        for (var length = 6; length < whole.Length - 600; length += 1 + (whole.Length / 150))
            Assert.Throws<FileSystemException>(() => Initramfs.Modules(new InlineFile(whole[..length])));
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var bytes = whole.ToArray();
            for (var n = random.Next(1, 8); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Initramfs.Modules(new InlineFile(bytes));
            }
            catch (FileSystemException)
            {
                // What should happen.
            }
        }
    }

    [Theory]
    [InlineData("BZh91AY", "bzip2")]
    [InlineData("nothing", "unknown")]
    public void WhatIsNotReadIsNamed(string start, string name) => Assert.Contains(name,
        Assert.Throws<FileSystemException>(() => Initramfs.Modules(new InlineFile([.. System.Text.Encoding.Latin1.GetBytes(start), .. new byte[100]]))).Message, StringComparison.Ordinal);

    /// <summary>A plain archive such as microcode lies in, before the compressed one.</summary>
    private byte[] Early() => [.. File.ReadAllBytes(Archive("kernel/x86/microcode/GenuineIntel.bin")), .. new byte[512]];

    private string Make(string program, string[] options)
    {
        Programs.Require("cpio", program);
        var archive = Archive("usr/lib/modules/6.1.0/kernel/drivers/hv/hv_vmbus.ko", "usr/lib/modules/6.1.0/kernel/drivers/block/virtio_blk.ko.xz", "lib/hv-storsvc-not.ko.zst", "bin/busybox");
        return _folder.Write("packed", program == "cat" ? File.ReadAllBytes(archive) : Programs.Bytes(program, [.. options, "-c", archive]));
    }

    private string Archive(params string[] names)
    {
        var root = Directory.CreateDirectory(_folder[$"tree-{Guid.NewGuid():N}"]).FullName;
        foreach (var (name, i) in names.Select((n, i) => (n, i)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, name))!);
            File.WriteAllBytes(Path.Combine(root, name), TestImages.Pattern(1001 + (i * 20_000), i));
        }

        var archive = root + ".cpio";
        Programs.RunWith(string.Join('\n', names), "cpio", "--quiet", "-o", "-H", "newc", "-D", root, "-F", archive);
        return archive;
    }
}
