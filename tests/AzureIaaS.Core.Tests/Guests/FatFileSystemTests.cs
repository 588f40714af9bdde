using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>FAT volumes that mkfs.vfat makes and mtools write, read file by file.</summary>
public sealed class FatFileSystemTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData(12, 8 << 20, 4096)]
    [InlineData(16, 32 << 20, 2048)]
    [InlineData(32, 64 << 20, 512)]
    public void EveryFileIsFound(int bits, int length, int clusterSize)
    {
        Programs.Require("mkfs.vfat", "mcopy");
        var image = FileSystemImages.Empty(_folder, $"fat{bits}.img", length);
        Programs.Run("mkfs.vfat", "-F", $"{bits}", "-s", $"{clusterSize / 512}", "-n", "ESP", "-i", "12345678", image);
        var root = Directory.CreateDirectory(_folder["tree"]).FullName;
        FileSystemImages.Populate(root, hasLinks: false, many: 300);
        File.WriteAllText(Path.Combine(root, "UPPER.TXT"), "short name");
        Programs.Run("mcopy", ["-s", "-Q", "-i", image, .. Directory.GetFileSystemEntries(root), "::/"]);
        var files = FileSystemImages.Open(image);
        FileSystemImages.AssertPopulated(files, hasLinks: false, many: 300);
        Assert.Equal("short name", files.Text("/upper.txt"));
        Assert.Equal("short", files.Text("/A/B/C/Short"));
        Assert.Equal(("ESP", "1234-5678"), (files.Label, files.Id));
    }

    [SkippableFact]
    public void AChainThatLeadsRoundIsRefused()
    {
        Programs.Require("mkfs.vfat", "mcopy");
        var image = FileSystemImages.Empty(_folder, "fat16.img", 32 << 20);
        Programs.Run("mkfs.vfat", "-F", "16", "-s", "4", image);
        Programs.Run("mcopy", "-i", image, _folder.Write("file", new byte[9000]), "::/file");
        var bytes = File.ReadAllBytes(image);
        var fat = BitConverter.ToUInt16(bytes, 14) * 512;
        BitConverter.TryWriteBytes(bytes.AsSpan(fat + (2 * 6)), (ushort)2);   // the last cluster's successor is the first
        Assert.Equal(9000, FileSystemImages.Open(bytes).Read("/file")!.Length);
        BitConverter.TryWriteBytes(bytes.AsSpan(fat + (2 * 3)), ushort.MaxValue);   // it ends after two
        Assert.Throws<AzureIaaS.Guests.FileSystems.FileSystemException>(() => FileSystemImages.Open(bytes).Read("/file"));
    }
}
