using System.Buffers.Binary;
using System.Diagnostics;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Imports;

/// <summary>What is wrong with damaged images, beside what qemu-img check says of them.</summary>
public sealed class ImageCheckTests : IDisposable
{
    private const int Cluster = 4096;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("qcow2", "")]
    [InlineData("qcow2", "compat=0.10,cluster_size=512")]
    [InlineData("qcow2", "refcount_bits=1,cluster_size=4096")]
    [InlineData("qcow2", "refcount_bits=2")]
    [InlineData("qcow2", "refcount_bits=8")]
    [InlineData("qcow2", "refcount_bits=64,cluster_size=2M")]
    [InlineData("qcow2", "extended_l2=on")]
    [InlineData("qcow2", "data_file=data.raw")]
    [InlineData("qcow2", "preallocation=metadata")]
    [InlineData("vdi", "")]
    [InlineData("vmdk", "")]
    [InlineData("vmdk", "subformat=streamOptimized")]
    [InlineData("vpc", "")]
    [InlineData("vhdx", "")]
    public void AWholeImageHasNoFaults(string format, string options)
    {
        var path = Make(format, options.Replace("data.raw", _folder["data.raw"], StringComparison.Ordinal));
        if (format == "qcow2" && !options.Contains("refcount_bits=1,", StringComparison.Ordinal) && !options.Contains("data_file", StringComparison.Ordinal))
        {
            QemuTools.Img("snapshot", "-c", "first", path);
            QemuTools.Io(path, "qcow2", "write -P 7 0 1M", "discard 2M 1M");
            QemuTools.Img("snapshot", "-c", "second", path);
            if (!options.Contains("compat", StringComparison.Ordinal))
                QemuTools.Img("bitmap", "--add", "--enable", path, "changed");
            QemuTools.Io(path, "qcow2", "write -P 8 4M 200k");
        }

        Assert.Empty(Check(path));
        Assert.Equal(0, Verdict(format == "vpc" ? "raw" : format, path, "check"));
    }

    [SkippableFact]
    public void QemusVerdictOnDamagedTablesIsOurs()
    {
        var whole = File.ReadAllBytes(Snapshotted());
        var places = Tables(whole);
        var verdicts = new int[4];
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var (bytes, (table, length)) = (whole.ToArray(), places[random.Next(places.Count)]);
            var entries = Enumerable.Range(0, length / 8).Select(i => table + (i * 8)).Where(at => BinaryPrimitives.ReadUInt64BigEndian(whole.AsSpan(at)) != 0).ToList();
            var at = entries[random.Next(entries.Count)];

            // A count, a flag, or a place: of another cluster, or of none.
            var entry = BinaryPrimitives.ReadUInt64BigEndian(whole.AsSpan(at));
            entry = random.Next(4) switch
            {
                0 => entry ^ (1UL << 63),
                1 => entry ^ (1UL << random.Next(12, 20)),
                2 => BinaryPrimitives.ReadUInt64BigEndian(whole.AsSpan(entries[random.Next(entries.Count)])),
                _ => 0,
            };
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(at), entry);
            var path = _folder.Write("damaged.qcow2", bytes);
            var verdict = Verdict("qcow2", path, "check");
            var faults = Check(path);

            // qemu-img says 0 of a whole image, 3 where room is lost alone, 2 where more is wrong, and 1 where it gives up.
            var ours = faults.Count == 0 ? 0 : faults.All(f => f.Contains("room that is lost", StringComparison.Ordinal)) ? 3 : 2;
            Assert.True(ours == verdict || (verdict == 1 && ours == 2), $"seed {seed}, byte {at}: qemu-img says {verdict}: {string.Join(" / ", faults)}");
            verdicts[ours]++;
        }

        Assert.True(verdicts[2] > 5 && verdicts[3] > 5, string.Join(' ', verdicts));
    }

    [SkippableFact]
    public void CountsAndFlagsAreSaidOneByOne()
    {
        var path = Snapshotted();
        var bytes = File.ReadAllBytes(path);
        var counts = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(48))));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(counts), 2);   // the header's cluster
        var last = bytes.Length / Cluster;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(counts + (last * 2)), 0);   // beyond the file's end: nobody minds
        var l1 = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(40));
        bytes[l1] ^= 0x80;
        _folder.Write("disk.qcow2", bytes);
        var faults = Check(path);
        Assert.Equal(2, faults.Count);
        Assert.Contains($"{path}, at byte 0: a cluster has the reference count 2 and 1 references: room that is lost, and no more than that.", faults);
        Assert.Contains(faults, f => f.StartsWith($"{path}, at byte {l1:N0}: the L2 table at byte", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void AnImageInDoubtIsCheckedAndNotRefused()
    {
        var path = Make("qcow2", "");
        var bytes = File.ReadAllBytes(path);
        bytes[79] |= 1;   // incompatible feature: dirty
        _folder.Write("disk.qcow2", bytes);
        Assert.Contains("marked dirty", Assert.Single(Check(path)), StringComparison.Ordinal);
        Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path));
    }

    [SkippableFact]
    public void BlocksOfAVdiThatLieInOnePlaceAreFound()
    {
        var path = Make("vdi", "");
        var bytes = File.ReadAllBytes(path);
        var map = (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(340));
        bytes.AsSpan(map, 4).CopyTo(bytes.AsSpan(map + 4));
        _folder.Write("disk.vdi", bytes);
        Assert.Contains(Check(path), f => f.Contains("lie in the same place", StringComparison.Ordinal));
        Assert.NotEqual(0, Verdict("vdi", path, "check"));

        // One block less in the map than the header counts.
        bytes.AsSpan(map + 4, 4).Fill(0xFF);
        _folder.Write("disk.vdi", bytes);
        Assert.Contains("its header counts", Assert.Single(Check(path)), StringComparison.Ordinal);
        Assert.NotEqual(0, Verdict("vdi", path, "check"));
    }

    [SkippableFact]
    public void ABlockOverTheBitmapOfAnotherIsFoundInAVhd()
    {
        var path = Make("vpc", "");
        var bytes = File.ReadAllBytes(path);
        var table = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(512 + 16));
        var first = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(table));
        Assert.NotEqual(uint.MaxValue, first);

        // The second block starts with its bitmap one sector before the first one's data ends.
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(table + 4), first + (2 << 20 >> 9));
        _folder.Write("disk.vpc", bytes);
        Assert.Contains(Check(path), f => f.Contains("lie in the same place", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void AGrainOverATableOfGrainsIsFoundInAVmdk()
    {
        var path = Make("vmdk", "");
        var bytes = File.ReadAllBytes(path);
        var directory = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(56)) * 512;
        var table = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(directory));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((int)(table * 512) + 8), table);
        _folder.Write("disk.vmdk", bytes);
        Assert.Contains(Check(path), f => f.Contains("the table of the grains from 0", StringComparison.Ordinal) && f.Contains("lie in the same place", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void ABlockOverABitmapIsFoundInADifferencingVhdx()
    {
        SharedImages.Require();
        var path = SharedImages.Put(_folder, SharedImages.Index.First(i => i is { Format: "vhdx", Kind: "differencing" }));
        Assert.Empty(Check(path));
        var bytes = File.ReadAllBytes(path);

        // The block allocation table's region, by the region table at 192 KiB; its entries: a state in the low bits, and MiB.
        var bat = Enumerable.Range(0, 8).Select(i => (192 << 10) + 16 + (i * 32)).Where(e => new Guid(bytes.AsSpan(e, 16)) == new Guid("2DC27766-F623-4200-9D64-115E9BFD4A08"))
            .Select(e => (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(e + 16))).First();
        var entries = Enumerable.Range(0, 20_000).Select(i => bat + (i * 8)).Where(e => (BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(e)) & 7) is 6 or 7).ToList();
        var blocks = entries.Where(e => (BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(e)) & 7) == 7).ToList();
        var bitmap = entries.Except(blocks).First();
        var mebibytes = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(blocks[0])) & ~7UL;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bitmap), mebibytes | 6);
        File.WriteAllBytes(path, bytes);
        Assert.Contains(Check(path), f => f.Contains("the bitmap of the disk's bytes", StringComparison.Ordinal));
    }

    /// <summary>The ranges of a qcow2's tables: counts, the current L1 and L2 tables, and a snapshot's.</summary>
    private static List<(int Table, int Length)> Tables(byte[] image)
    {
        int U64(int at) => (int)(BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(at)) & 0x00FF_FFFF_FFFF_FE00);
        var (l1, l1Length) = (U64(40), (int)BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(36)) * 8);
        var snapshotL1 = U64((int)BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(64)));
        var l2 = Enumerable.Range(0, l1Length / 8).SelectMany(i => new[] { U64(l1 + (i * 8)), U64(snapshotL1 + (i * 8)) }).Where(t => t != 0).Distinct();
        return [(U64(U64(48)), Cluster), (l1, l1Length), (snapshotL1, l1Length), .. l2.Select(t => (t, Cluster))];
    }

    private string Snapshotted()
    {
        var path = Make("qcow2", $"cluster_size={Cluster}");
        QemuTools.Img("snapshot", "-c", "first", path);
        QemuTools.Io(path, "qcow2", "write -P 7 0 300k", "write -P 9 5M 10k");
        return path;
    }

    private string Make(string format, string options)
    {
        QemuTools.Require();
        var path = _folder["disk." + format];
        string[] how = options.Length == 0 ? [] : ["-o", options];
        if (options.Contains("streamOptimized", StringComparison.Ordinal))
        {
            QemuTools.Img(["convert", "-f", "raw", "-O", format, .. how, _folder.Write("content.raw", TestImages.Pattern(6 << 20)), path]);
            return path;
        }

        QemuTools.Img(["create", "-q", "-f", format, .. how, path, "12M"]);
        QemuTools.Io(path, format, "write -P 1 0 3M", "write -P 2 6M 70k");
        return path;
    }

    private static IReadOnlyList<string> Check(string path) => ImageVerification.Check(path, new DiskOpenOptions(), new Progress<Notice>(), CancellationToken.None);

    private static int Verdict(string format, string path, params string[] more)
    {
        using var process = Process.Start(new ProcessStartInfo("qemu-img", [.. more, "-q", "-f", format, path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return format == "raw" ? 0 : process.ExitCode;
    }
}
