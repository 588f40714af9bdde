using System.Globalization;
using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Lvm;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Volume groups that LVM's own tools make; what is in their logical volumes is put where these tools say that it lies.</summary>
public sealed class LogicalVolumeTests : IDisposable
{
    private const int ExtentSize = 4 << 20;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void ALinuxOnALogicalVolumeOverTwoDisksIsRead()
    {
        LinuxDisk.Require();
        var disks = Group("lvcreate -q -an -Zn -Wn -L 80M -n root vg0", "lvcreate -q -an -Zn -Wn -L 8M -n swap vg0");
        var tree = LinuxDisk.Debian(_folder, "/dev/mapper/vg0-root / ext4 defaults 0 1\n/dev/vg0/swap none swap sw 0 0\n", hasHyperV: true);
        Fill(disks, "root", File.ReadAllBytes(LinuxDisk.Ext(_folder, tree, "ext4", "80M")));
        var guest = Inspect(disks);
        Assert.Equal("Debian GNU/Linux 12 (bookworm)", guest.Name);
        Assert.Empty(guest.Unread);
        Assert.Equal(["vg0/root", "vg0/swap"], guest.Volumes.Where(v => v.LogicalVolume is not null).Select(v => v.LogicalVolume!).Order());
        Assert.Equal(["LVM", "LVM", "ext"], guest.Volumes.Where(v => v.Content is not null).Select(v => v.Content!).OrderDescending().Order(StringComparer.Ordinal));

        // One of the disks alone is not enough, and says so.
        var half = Inspect([disks[0]]);
        Assert.Null(half.Name);
        Assert.Contains(half.Unread, u => u.Contains("vg0/root", StringComparison.Ordinal) && u.Contains("not there", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void WhatIsNotLinearIsNamed()
    {
        var guest = Inspect(Group("lvcreate -q -an -Zn -Wn -i 2 -L 16M -n striped vg0"));
        Assert.Contains(guest.Unread, u => u.Contains("vg0/striped is not linear (striped)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a { b = 1 c = \"x \\\" y\" d = [1, \"two\"] } # comment\ne = -5\n")]
    public void TheTextFormat(string text)
    {
        var section = LvmText.Parse(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal((1L, "x \" y", -5L), (section.Section("a")!.Number("b"), section.Section("a")!.Text("c"), section.Number("e")));
        Assert.Equal([1L, "two"], section.Section("a")!.List("d"));
    }

    [Theory]
    [InlineData("a {")]
    [InlineData("a = ")]
    [InlineData("a = \"x")]
    [InlineData("a = [1")]
    [InlineData("}")]
    [InlineData("= 1")]
    [InlineData("a = 99999999999999999999")]
    [InlineData("a { a { a { a { a { a { a { a { a { a { } } } } } } } } } }")]
    public void DamagedTextIsRefused(string text) => Assert.Throws<FileSystemException>(() => LvmText.Parse(System.Text.Encoding.UTF8.GetBytes(text)));

    private static GuestInfo Inspect(string[] disks)
    {
        var images = disks.Select(d => DiskFormat.OpenImage(d, new DiskOpenOptions { Format = "raw" })).ToList();
        try
        {
            return GuestInspector.Inspect(images, default);
        }
        finally
        {
            images.ForEach(i => i.Dispose());
        }
    }

    /// <summary>Makes two disks with a volume group, and runs commands on it.</summary>
    private string[] Group(params string[] commands)
    {
        Programs.Require("lvm", "losetup");
        Programs.RequireMount("ext4");
        var disks = new[] { FileSystemImages.Empty(_folder, "one.raw", 64 << 20), FileSystemImages.Empty(_folder, "two.raw", 64 << 20) };
        WithDevices(disks, (devices, lvm) =>
        {
            lvm($"pvcreate -q {devices[0]} {devices[1]}");
            lvm($"vgcreate -q -s {ExtentSize}b vg0 {devices[0]} {devices[1]}");
            foreach (var command in commands)
                lvm(command);
        });
        return disks;
    }

    /// <summary>Writes what a logical volume holds to where LVM's tools say that it lies.</summary>
    private static void Fill(string[] disks, string name, byte[] content) => WithDevices(disks, (devices, lvm) =>
    {
        var at = 0;
        foreach (var range in lvm($"lvs --noheadings -o seg_pe_ranges vg0/{name}").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = range.Split(':', '-');
            var (first, last) = (int.Parse(parts[1], CultureInfo.InvariantCulture), int.Parse(parts[2], CultureInfo.InvariantCulture));
            using var disk = File.OpenHandle(disks[Array.IndexOf(devices, parts[0])], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var length = Math.Min((last - first + 1) * ExtentSize, content.Length - at);
            RandomAccess.Write(disk, content.AsSpan(at, length), (1 << 20) + ((long)first * ExtentSize));
            at += length;
        }

        Assert.Equal(content.Length, at);
    });

    /// <summary>Runs LVM's tools on disks without asking the kernel's device mapper, which need not be there.</summary>
    private static void WithDevices(string[] disks, Action<string[], Func<string, string>> work)
    {
        var devices = disks.Select(d => Programs.Run("losetup", "-f", "--show", d).Trim()).ToArray();
        try
        {
            var filter = string.Join(',', devices.Select(d => $"\"a|^{d}$|\""));
            var settings = "global{activation=0 event_activation=0 use_lvmpolld=0} backup{backup=0 archive=0} activation{udev_sync=0 udev_rules=0 monitoring=0} "
                + $"devices{{use_devicesfile=0 obtain_device_list_from_udev=0 filter=[{filter},\"r|.*|\"]}}";
            work(devices, command => Programs.Run("lvm", [.. command.Split(' '), "--config", settings]));
        }
        finally
        {
            foreach (var device in devices)
                Programs.Run("losetup", "-d", device);
        }
    }
}
