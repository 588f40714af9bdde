using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>How much of a large disk inspection reads.</summary>
public sealed class InspectionCostTests : IDisposable
{
    private const long Size = 40L << 30;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public void ALinuxOn40GiBCostsLessThanOnePercent(string type)
    {
        LinuxDisk.Require();
        var tree = LinuxDisk.Debian(_folder, "UUID=x / ext4 defaults 0 1\n", hasHyperV: true);
        for (var i = 0; i < 2000; i++)
            File.WriteAllText(Path.Combine(tree, $"usr/bin/program-{i}"), "#!");
        var image = FileSystemImages.Empty(_folder, "disk.raw", Size);
        if (type == "ext4")
        {
            Programs.Run("mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=1,nodiscard", "-J", "size=16", "-d", tree, image);
        }
        else
        {
            Programs.Require("mkfs.xfs", "cp");
            Programs.RequireMount("xfs");
            Programs.Run("mkfs.xfs", "-q", "-f", "-K", "-l", "size=64m", image);
            Programs.Mounted(_folder, image, "xfs", "noatime", place => Programs.Run("cp", "-a", tree + "/.", place));
        }

        using var disk = new CountingImage(DiskFormat.OpenImage(image, new DiskOpenOptions { Format = "raw" }));
        var guest = GuestInspector.Inspect([disk], default);
        Assert.Equal("Debian GNU/Linux 12 (bookworm)", guest.Name);
        Assert.Single(guest.Kernels);
        Assert.InRange(disk.BytesRead, 1, Size / 100);
    }

    [SkippableFact]
    public void AWindowsOn40GiBCostsLessThanOnePercent()
    {
        WindowsDisk.Require();
        var image = FileSystemImages.Empty(_folder, "disk.raw", Size);
        Programs.Run("mkntfs", "-Q", "-q", "-F", image);
        Programs.Mounted(_folder, image, "ntfs-3g", "noatime", place =>
        {
            var config = Directory.CreateDirectory(Path.Combine(place, "Windows/System32/config")).FullName;
            File.WriteAllBytes(Path.Combine(config, "SOFTWARE"), WindowsDisk.Software().Build());
            File.WriteAllBytes(Path.Combine(config, "SYSTEM"), WindowsDisk.System().Build());
            for (var i = 0; i < 2000; i++)
                File.WriteAllText(Path.Combine(place, $"Windows/System32/program-{i}.dll"), "MZ");
        });
        using var disk = new CountingImage(DiskFormat.OpenImage(image, new DiskOpenOptions { Format = "raw" }));
        Assert.Equal("SHAREPOINT", GuestInspector.Inspect([disk], default).ComputerName);
        Assert.InRange(disk.BytesRead, 1, Size / 100);
    }

    /// <summary>Counts the bytes that are read of a disk.</summary>
    private sealed class CountingImage(DiskImage inner) : DiskImage(inner.Format, inner.Path)
    {
        public long BytesRead { get; private set; }

        public override string Variant => inner.Variant;

        public override long Length => inner.Length;

        protected override void ReadCore(long offset, Span<byte> buffer)
        {
            BytesRead += buffer.Length;
            inner.Read(offset, buffer);
        }

        protected override IEnumerable<DiskExtent> ExtentsCore(long offset, long length) => inner.GetExtents(offset, length);

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
