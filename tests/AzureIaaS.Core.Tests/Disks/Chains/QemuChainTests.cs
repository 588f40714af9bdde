using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Chains;

/// <summary>Chains that QEMU's tools make, read as they read them.</summary>
public sealed class QemuChainTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("raw", "")]
    [InlineData("qcow2", "")]
    [InlineData("vmdk", "")]
    [InlineData("vdi", "")]
    [InlineData("vhdx", "")]
    [InlineData("raw", "extended_l2=on")]
    [InlineData("qcow2", "extended_l2=on,cluster_size=128k")]
    [InlineData("qcow2", "cluster_size=512")]
    public void AQcow2OverAnyFormatIsReadAsQemuReadsIt(string format, string options)
    {
        QemuTools.Require();
        var content = TestImages.Pattern(5 << 20);
        var backing = TestImages.Convert(_folder, content, format);
        var path = Over(backing, format, "qcow2", options, 7 << 20);
        QemuTools.Io(path, "qcow2", "write -P 17 64k 3k", "write -P 18 1M 300k", "write -z 2M 512k", "write -P 19 6M 2k", "discard 3M 128k", "write -P 20 4613120 512");
        IsReadAsQemuReadsIt(path, "qcow2", 2);
    }

    [SkippableFact]
    public void AQcowOverAQcowIsReadAsQemuReadsIt()
    {
        QemuTools.Require();
        var backing = TestImages.Convert(_folder, TestImages.Pattern(5 << 20), "qcow");
        QemuTools.Io(backing, "qcow", "write -P 7 1M 16k");
        var packed = _folder["packed.qcow"];
        QemuTools.Img("create", "-f", "qcow", packed, "1M");
        QemuTools.Io(packed, "qcow", "write -c -P 5 0 4096", "write -c -P 6 4096 4096", "write -c -P 7 12288 4096", "write -P 7 16384 4096");
        IsReadAsQemuReadsIt(packed, "qcow", 1);
        using (var image = DiskFormat.OpenImage(packed))
            Assert.True(image.IsCompressed);
        IsReadAsQemuReadsIt(backing, "qcow", 1);
        var path = Over(backing, "qcow", "qcow", "", 5 << 20);
        QemuTools.Io(path, "qcow", "write -P 17 64k 3k", "write -P 18 1M 300k");
        IsReadAsQemuReadsIt(path, "qcow", 2);
    }

    [SkippableTheory]
    [InlineData("monolithicSparse", "monolithicSparse")]
    [InlineData("monolithicFlat", "monolithicSparse")]
    [InlineData("twoGbMaxExtentSparse", "twoGbMaxExtentSparse")]
    [InlineData("streamOptimized", "monolithicSparse")]
    public void AVmdkDeltaIsReadAsQemuReadsIt(string baseFormat, string deltaFormat)
    {
        QemuTools.Require();
        var backing = TestImages.Convert(_folder, TestImages.Pattern(5 << 20), "vmdk", "subformat=" + baseFormat);
        var path = Over(backing, "vmdk", "vmdk", $"subformat={deltaFormat},zeroed_grain=on", 5 << 20);
        QemuTools.Io(path, "vmdk", "write -P 17 64k 64k", "write -P 18 1M 320k", "write -z 2M 512k", "write -P 20 4613120 512");
        var second = _folder["second.vmdk"];
        QemuTools.Img("create", "-f", "vmdk", "-b", path, "-F", "vmdk", second);
        QemuTools.Io(second, "vmdk", "write -P 33 3M 64k");
        IsReadAsQemuReadsIt(second, "vmdk", 3);
    }

    [SkippableTheory]
    [InlineData("twoGbMaxExtentSparse")]
    [InlineData("twoGbMaxExtentFlat")]
    public void AVmdkInPiecesIsReadWhole(string subformat)
    {
        QemuTools.Require();
        var path = _folder["disk.vmdk"];
        QemuTools.Img("create", "-f", "vmdk", "-o", "subformat=" + subformat, path, "5G");
        QemuTools.Io(path, "vmdk", "write -P 17 2146959360 1M", "write -P 18 4G 64k", "write -P 19 5368643584 64k");
        using var image = DiskFormat.OpenImage(path);
        Assert.Equal((subformat, 4), (image.Variant, image.Files.Count));
        IsReadAsQemuReadsIt(path, "vmdk", 1);
        File.Delete(_folder[subformat.EndsWith("Flat", StringComparison.Ordinal) ? "disk-f002.vmdk" : "disk-s002.vmdk"]);
        DiskAssert.Refuses(DiskImageFault.MissingReference, path);
    }

    [SkippableFact]
    public void AnExternalDataFileIsRead()
    {
        QemuTools.Require();
        foreach (var raw in new[] { "on", "off" })
        {
            var path = _folder[$"disk-{raw}.qcow2"];
            QemuTools.Img("create", "-f", "qcow2", "-o", $"data_file={_folder[$"data-{raw}.raw"]},data_file_raw={raw}", path, "8M");
            QemuTools.Io(path, "qcow2", "write -P 17 0 64k", "write -P 18 1M 320k", "write -z 2M 512k", "write -P 19 7M 5k");
            using var image = DiskFormat.OpenImage(path);
            Assert.Equal(2, image.Files.Count);
            IsReadAsQemuReadsIt(path, "qcow2", 1);
            DiskAssert.Refuses(DiskImageFault.ReferenceOutsideRoot, Moved(path));
        }
    }

    [SkippableFact]
    public void AnyInternalSnapshotIsRead()
    {
        QemuTools.Require();
        var first = TestImages.Pattern(4 << 20);
        var path = TestImages.Convert(_folder, first, "qcow2", "compat=1.1");
        QemuTools.Img("snapshot", "-c", "before", path);
        QemuTools.Io(path, "qcow2", "write -P 99 64k 128k");
        var second = first.ToArray();
        second.AsSpan(64 << 10, 128 << 10).Fill(99);
        QemuTools.Img("snapshot", "-c", "between", path);
        QemuTools.Img("resize", "-q", path, "6M");
        QemuTools.Io(path, "qcow2", "write -P 98 5M 128k");
        foreach (var (name, content) in new[] { ("before", first), ("1", first), ("between", second), ("2", second) })
        {
            using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Snapshot = name });
            DiskAssert.Holds(content, image);
        }

        using (var current = DiskFormat.OpenImage(path))
            Assert.Equal((6 << 20, "2"), (current.Length, current.Details["Snapshots"]));
        var refusal = DiskAssert.Refuses(DiskImageFault.MissingReference, path, new DiskOpenOptions { Snapshot = "after" });
        Assert.Contains("1 (before), 2 (between)", refusal.Remedy, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void AVmdkWhoseParentWasWrittenToIsRefused()
    {
        QemuTools.Require();
        var backing = TestImages.Convert(_folder, TestImages.Pattern(1 << 20), "vmdk");
        var path = Over(backing, "vmdk", "vmdk", "", 1 << 20);
        QemuTools.Io(backing, "vmdk", "write -P 99 0 64k");
        Assert.Contains("CID", DiskAssert.Refuses(DiskImageFault.MissingReference, path).Message, StringComparison.Ordinal);
    }

    private string Over(string backing, string backingFormat, string format, string options, long size)
    {
        var path = _folder["over." + format];
        string[] withOptions = options.Length == 0 ? [] : ["-o", options];
        string[] withSize = format == "qcow2" ? [size.ToString(System.Globalization.CultureInfo.InvariantCulture)] : [];
        QemuTools.Img(["create", "-f", format, "-b", backing, "-F", backingFormat, .. withOptions, path, .. withSize]);
        return path;
    }

    private string Moved(string path)
    {
        var folder = Directory.CreateDirectory(_folder["moved"]).FullName;
        var moved = Path.Combine(folder, Path.GetFileName(path));
        File.Copy(path, moved, overwrite: true);
        return moved;
    }

    private void IsReadAsQemuReadsIt(string path, string format, int chain)
    {
        QemuTools.Img("convert", "-f", format, "-O", "raw", path, _folder["oracle.raw"]);
        using var oracle = DiskFormat.OpenImage(_folder["oracle.raw"], new DiskOpenOptions { Format = "raw" });
        using var image = DiskFormat.OpenImage(path);
        var depth = 0;
        for (var i = image; i is not null; i = i.Parent)
            depth++;
        Assert.Equal(chain, depth);
        if (image.Length > 64 << 20)
        {
            DiskAssert.SameData(oracle, image);
            return;
        }

        var content = new byte[oracle.Length];
        oracle.Read(0, content);
        DiskAssert.Holds(content, image);
    }
}
