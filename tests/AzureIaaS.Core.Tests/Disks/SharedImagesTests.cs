using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Images of other people's tools: each gives the content that other readers agree on, or the refusal listed here.</summary>
public sealed class SharedImagesTests
{
    /// <summary>Larger disks are hashed whole only when there is time; otherwise they are compared where they have data.</summary>
    private const long MaxHashed = 2L << 30;

    private static readonly string[] DiskFormats = ["vhdx", "vpc", "vmdk", "qcow2", "raw", "vdi", "parallels", "ova", "tar", "vmcx", "vmrs"];

    private static readonly Dictionary<string, (DiskImageFault Fault, string Says)> Refused = new()
    {
        ["dfvfs/tar/absolute_paths.tar"] = (DiskImageFault.UnsupportedFormat, "a tar archive"),
        ["dissect.hypervisor/descriptor/hyperv/test.VMRS"] = (DiskImageFault.UnsupportedFormat, "Hyper-V"),
        ["dissect.hypervisor/descriptor/hyperv/test.vmcx"] = (DiskImageFault.UnsupportedFormat, "Hyper-V"),
        ["dissect.hypervisor/disk/vmdk/sesparse.vmdk"] = (DiskImageFault.UnsupportedFormat, "seSparse"),
        ["govmomi/vapi/library/testdata/ttylinux-pc_i486-16.1-disk1.vmdk"] = (DiskImageFault.Truncated, "footer"),
        ["govmomi/vapi/library/testdata/ttylinux-pc_i486-16.1.ova"] = (DiskImageFault.UnsupportedFormat, "OVA"),
        ["libvirt/storage-images/datafile.qcow2"] = (DiskImageFault.MissingReference, "external data file"),
        ["libvirt/storage-images/loop-self.qcow2"] = (DiskImageFault.Corrupt, "chain of parents"),
        ["qemu/afl9.vmdk"] = (DiskImageFault.Corrupt, "descriptor"),
        ["qemu/grub_mbr.raw"] = (DiskImageFault.Truncated, "partition table"),
        ["qemu/parallels-v1"] = (DiskImageFault.UnsupportedFormat, "Parallels"),
        ["vmdk-forensic/tw_sparse-s001.vmdk"] = (DiskImageFault.UnsupportedFormat, "extent"),
        ["vmdk-rs/monolithicFlat-flat.vmdk"] = (DiskImageFault.UnsupportedFormat, "without its descriptor"),
        ["vmdk-rs/twoGbMaxExtentSparse-s001.vmdk"] = (DiskImageFault.UnsupportedFormat, "extent"),
    };

    /// <summary>Where the index's hash is of the size that the geometry gives: the hash of the current size, from its notes.</summary>
    private static readonly Dictionary<string, string> ByCurrentSize = new()
    {
        ["qemu/virtualpc-dynamic.vhd"] = "dcb4f171cbcedb416d5da34e48d5a17ecc2828a0f14c416de3669b8463cb1d8e",
    };

    public static TheoryData<string> Images()
    {
        var rows = new TheoryData<string>();
        foreach (var image in SharedImages.Index.Where(i => DiskFormats.Contains(i.Format)))
            rows.Add(image.Path);
        if (rows.Count == 0)
            rows.Add("none");
        return rows;
    }

    [SkippableTheory]
    [MemberData(nameof(Images))]
    public void GivesTheContentThatOthersRead(string name)
    {
        SharedImages.Require();
        using var folder = new TestFolder();
        var row = SharedImages.Index.Single(i => i.Path == name);
        var path = SharedImages.Put(folder, row);
        if (Refused.TryGetValue(name, out var refusal))
        {
            Assert.Contains(refusal.Says, DiskAssert.Refuses(refusal.Fault, path).Message, StringComparison.OrdinalIgnoreCase);
            return;
        }

        using var image = DiskFormat.OpenImage(path);
        if (image.Length > MaxHashed && Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is null)
        {
            QemuTools.Require();
            var format = row.Format == "vpc" ? "driver=vpc,force_size_calc=current_size" : "driver=" + row.Format;
            if (image.Warnings.Any(w => w.Contains("log was replayed", StringComparison.Ordinal)))
                QemuTools.Img("check", "-q", "-r", "all", path);
            QemuTools.Img("convert", "--image-opts", "-O", "raw", $"{format},file.filename={path}", folder["oracle.raw"]);
            using var oracle = DiskFormat.OpenImage(folder["oracle.raw"], new DiskOpenOptions { Format = "raw" });
            DiskAssert.SameData(oracle, image);
            return;
        }

        Assert.Equal(ByCurrentSize.GetValueOrDefault(name, row.RawSha256), DiskAssert.Sha256Of(image));
    }

    /// <summary>What comes of each is checked by the test above; this keeps the page that says so.</summary>
    [SkippableFact]
    public void TheDocumentSaysWhatComesOfEach()
    {
        SharedImages.Require();
        var rows = new List<string>();
        foreach (var row in SharedImages.Index.Where(i => DiskFormats.Contains(i.Format)))
        {
            using var folder = new TestFolder();
            var path = SharedImages.Put(folder, row);
            if (Refused.ContainsKey(row.Path))
            {
                var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path).Dispose());
                rows.Add($"| {row.Path} | {row.Format} | refused: {refusal.Message.Replace(path + ": ", "", StringComparison.Ordinal).Replace(folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal)} |");
                continue;
            }

            using var image = DiskFormat.OpenImage(path);
            var how = image.Warnings.Count == 0 ? "" : $"; {string.Join(' ', image.Warnings.Select(w => w.Replace(folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)))}";
            rows.Add($"| {row.Path} | {row.Format} | {image.Variant}, {ByteSize.Format(image.Length)}, its content{how} |");
        }

        var document = Path.Combine(SharedImages.Project, "docs", "specimens.md");
        var text = File.ReadAllText(document);
        var table = text.IndexOf("|---|---|---|\n", StringComparison.Ordinal) + "|---|---|---|\n".Length;
        var now = text[..table] + string.Join('\n', rows) + "\n";
        if (Environment.GetEnvironmentVariable("AZUREIAAS_WRITE_DOCS") is not null)
            File.WriteAllText(document, now);
        else
            Assert.True(now == text, "docs/specimens.md is not what comes of the images; set AZUREIAAS_WRITE_DOCS=1, run this test, and look at what changed.");
    }

    [SkippableFact]
    public void ASpaceEfficientSparseExtentIsReadByADescriptor()
    {
        SharedImages.Require();
        QemuTools.Require();
        using var folder = new TestFolder();
        var extent = SharedImages.Put(folder, SharedImages.Index.Single(i => i.Path == "dissect.hypervisor/disk/vmdk/sesparse.vmdk"));
        var sectors = BitConverter.ToInt64(File.ReadAllBytes(extent).AsSpan(16, 8));
        var path = folder.Write("disk.vmdk", Vmdk.VmdkBuilder.DescriptorText("seSparse", $"RW {sectors} SESPARSE \"{Path.GetFileName(extent)}\""));
        QemuTools.Img("convert", "-f", "vmdk", "-O", "raw", path, folder["oracle.raw"]);
        using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Root = folder.Path });
        Assert.Equal("seSparse", image.Variant);
        Assert.Contains(image.GetExtents(), e => e.Kind == DiskExtentKind.Data);
        using var oracle = DiskFormat.OpenImage(folder["oracle.raw"], new DiskOpenOptions { Format = "raw" });
        DiskAssert.SameData(oracle, image);
    }

    [SkippableFact]
    public void WhatIsNoDiskIsNeverTakenForOne()
    {
        SharedImages.Require();
        using var folder = new TestFolder();
        foreach (var row in SharedImages.Index.Where(i => !DiskFormats.Contains(i.Format) && i.Size > 0))
        {
            var fault = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(SharedImages.Put(folder, row)).Dispose()).Fault;
            Assert.True(fault is DiskImageFault.UnsupportedFormat or DiskImageFault.Unrecognised, $"{row.Path}: {fault}");
        }
    }
}
