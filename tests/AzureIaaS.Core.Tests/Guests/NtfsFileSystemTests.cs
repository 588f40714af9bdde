using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.FileSystems.Ntfs;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>NTFS volumes that ntfs-3g makes and writes, read file by file.</summary>
public sealed class NtfsFileSystemTests : IDisposable
{
    private const int LogSize = 2 << 20;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void EveryFileIsFound(int clusterSize)
    {
        var image = Make(clusterSize, place => FileSystemImages.Populate(place, hasLinks: false));
        var files = FileSystemImages.Open(image);
        FileSystemImages.AssertPopulated(files, hasLinks: false);
        Assert.Equal("system", files.Label);
        Assert.False(files.IsDirty);
        Assert.Equal("short", files.Text("/A/B/C/SHORT"));
        Assert.Equal(Programs.Bytes("ntfscat", "-f", image, "/large"), files.Read("/Large"));
        Assert.Contains("$MFT", files.List("/"));
    }

    [SkippableFact]
    public void FilesInPiecesAreWhole()
    {
        // Every other small file goes, so that what is written next lies in the gaps: more runs than one record describes.
        var content = TestImages.Pattern(3 << 20, 7);
        var image = Make(512, place =>
        {
            for (var i = 0; i < 6000; i++)
                File.WriteAllBytes(Path.Combine(place, $"filler{i}"), new byte[1500]);
            Filler(place);
            for (var i = 0; i < 6000; i += 2)
                File.Delete(Path.Combine(place, $"filler{i}"));
            File.WriteAllBytes(Path.Combine(place, "pieces"), content);
        }, 24 << 20);
        var files = FileSystemImages.Open(image);
        Assert.True(Programs.Run("ntfsinfo", "-f", "-F", "/pieces", image).Contains("ATTRIBUTE_LIST", StringComparison.Ordinal), "the file has no attribute list");
        Assert.True(files.Read("/pieces")!.AsSpan().SequenceEqual(content), "pieces differs");
    }

    [SkippableFact]
    public void CompressedFilesAreInflated()
    {
        Programs.Require("setfattr");
        var text = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 60_000).Select(i => $"line {i % 977} of the log\n")));
        var mixed = TestImages.Pattern(700_001, 5);
        var image = Make(4096, place =>
        {
            var packed = Directory.CreateDirectory(Path.Combine(place, "packed")).FullName;
            Programs.Run("setfattr", "-h", "-n", "system.ntfs_attrib_be", "-v", "0x00000810", packed);
            File.WriteAllBytes(Path.Combine(packed, "text"), text);
            File.WriteAllBytes(Path.Combine(packed, "mixed"), mixed);
            File.WriteAllBytes(Path.Combine(packed, "zeros"), new byte[300_000]);
        });
        Assert.Contains("COMPRESSED", Programs.Run("ntfsinfo", "-f", "-F", "/packed/text", image), StringComparison.OrdinalIgnoreCase);
        var files = FileSystemImages.Open(image);
        Assert.True(files.Read("/packed/text")!.AsSpan().SequenceEqual(text), "text differs");
        Assert.True(files.Read("/packed/mixed")!.AsSpan().SequenceEqual(mixed), "mixed differs");
        Assert.True(files.Read("/packed/zeros")!.AsSpan().SequenceEqual(new byte[300_000]), "zeros differs");
        var part = new byte[10];
        files.Open("/packed/text")!.Read(777_777, part);
        Assert.Equal(text.AsSpan(777_777, 10).ToArray(), part);
    }

    [SkippableFact]
    public void HardLinksAreOneFile()
    {
        var image = Make(4096, place =>
        {
            File.WriteAllText(Path.Combine(place, "one"), "the same");
            Programs.Run("ln", Path.Combine(place, "one"), Path.Combine(place, "two"));
        });
        var files = FileSystemImages.Open(image);
        Assert.Equal(("the same", "the same"), (files.Text("/one"), files.Text("/two")));
    }

    [SkippableFact]
    public void ARecordThatWasWrittenInPartIsRefused()
    {
        var bytes = File.ReadAllBytes(Make(4096, place => File.WriteAllText(Path.Combine(place, "one"), "1")));
        var mft = BitConverter.ToInt64(bytes, 48) * 4096;
        bytes[mft + (5 * 1024) + 510] ^= 0xFF;
        var files = FileSystemImages.Open(bytes);
        Assert.Contains("in part", Assert.Throws<FileSystemException>(() => files.List("/")).Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("ntfs-dynamic.vhd")]
    [InlineData("ntfs-dynamic.vhdx")]
    public void AVolumeThatWindowsMadeIsRead(string name)
    {
        SharedImages.Require();
        using var image = DiskFormat.OpenImage(SharedImages.Put(_folder, SharedImages.Index.Single(i => i.Path.EndsWith("/" + name, StringComparison.Ordinal))));
        var table = AzureIaaS.Guests.PartitionTable.Read(image.Length, [image.LogicalSectorSize], image.Read);
        var (start, length) = table.Partitions.Count > 0 ? (table.Partitions[^1].Start, table.Partitions[^1].Length) : (0, image.Length);
        var files = new NtfsFileSystem(new Volume(length, (at, buffer) => image.Read(start + at, buffer)));
        Assert.Superset(new HashSet<string>(["$MFT", "a_directory", "passwords.txt"]), files.List("/").ToHashSet());
        Assert.Equal(["a_file", "another_file"], files.List("/a_directory").Order());
        Assert.StartsWith("place,user,password", files.Text("/PASSWORDS.TXT"), StringComparison.Ordinal);
    }

    [Fact]
    public void AChunkOfLznt1OfTheSpecificationIsInflated()
    {
        // [MS-XCA], section 3.3.
        byte[] packed =
        [
            0x38, 0xB0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xA2, 0x47, 0x01, 0xA0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xC0, 0x45, 0x20, 0x05,
            0x24, 0x13, 0x88, 0x05, 0xB4, 0x02, 0x4A, 0x44, 0xEF, 0x03, 0x58, 0x02, 0x8C, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xBE, 0x00, 0x9E, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        var text = new byte[142];
        Lznt1.Inflate(packed, text);
        Assert.Equal("F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0", System.Text.Encoding.ASCII.GetString(text));
    }

    /// <summary>Takes what room is left between the files that stay.</summary>
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void ALogThatWasNotClosedIsSaid(bool isClean)
    {
        var image = Make(4096, place => File.WriteAllText(Path.Combine(place, "note"), "there"));
        Assert.Equal(LogState.Clean, FileSystemImages.Open(image).Log);

        // ntfs-3g empties the log: it is all ones. Windows begins it with two restart pages.
        var bytes = File.ReadAllBytes(image);
        var at = Enumerable.Range(0, bytes.Length / 4096).First(p => !bytes.AsSpan(p * 4096, 64 << 10).ContainsAnyExcept((byte)0xFF)) * 4096;
        Assert.Equal(LogSize, bytes.AsSpan(at).IndexOfAnyExcept((byte)0xFF) / 4096 * 4096);
        for (var page = 0; page < 2; page++)
            RestartPage(lsn: 100 + page, isClean || page == 0).CopyTo(bytes, at + (page * 4096));
        File.WriteAllBytes(image, bytes);
        var files = FileSystemImages.Open(image);
        Assert.Equal((isClean ? LogState.Clean : LogState.NotReplayed, isClean ? null : "its log ($LogFile) is not replayed"), (files.Log, files.Stale));
        Assert.Equal("there", files.Text("/note"));

        // Others think the same of it.
        var place = Directory.CreateDirectory(_folder["place"]).FullName;
        var said = Programs.Run("sh", "-c", $"ntfs-3g {image} {place} 2>&1 && umount {place}");
        Assert.Equal(!isClean, said.Contains("unclean file system", StringComparison.Ordinal));
    }

    /// <summary>A page that says how far the log has come: its client is there until the volume is closed.</summary>
    private static byte[] RestartPage(int lsn, bool isClean)
    {
        const int fixups = 0x1E, area = 0x30, clients = 0x30;
        var page = new byte[4096];
        "RSTR"u8.CopyTo(page);
        foreach (var (at, value) in new[] { (4, fixups), (6, 9), (24, area), (26, 1), (28, 1), (area + 8, 1), (area + 10, isClean ? 0 : 0xFFFF), (area + 12, isClean ? 0xFFFF : 0), (area + 14, isClean ? 2 : 0),
            (area + 20, clients + 160), (area + 22, clients), (area + 36, 0x30), (area + 38, 0x40), (area + clients + 16, 0xFFFF), (area + clients + 18, 0xFFFF) })
            BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(at), (ushort)value);
        foreach (var (at, value) in new[] { (16, 4096), (20, 4096), (area, lsn), (area + 16, 67 - 22), (area + 24, LogSize), (area + clients + 28, 8) })
            BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(at), value);
        System.Text.Encoding.Unicode.GetBytes("NTFS").CopyTo(page, area + clients + 32);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(fixups), 1);
        for (var end = 510; end < page.Length; end += 512)
            page[end] = 1;
        return page;
    }

    private static void Filler(string place)
    {
        using var file = new FileStream(Path.Combine(place, "rest"), new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0 });
        var piece = new byte[512];
        try
        {
            while (true)
            {
                file.Write(piece);
            }
        }
        catch (IOException)
        {
            // The volume is full: as it should be.
        }
    }

    private string Make(int clusterSize, Action<string> write, int length = 48 << 20)
    {
        Programs.Require("mkntfs", "ntfs-3g", "ntfscat", "ntfsinfo");
        Programs.RequireMount("fuse");
        var image = FileSystemImages.Empty(_folder, $"ntfs-{clusterSize}.img", length);
        Programs.Run("mkntfs", "-Q", "-q", "-F", "-c", $"{clusterSize}", "-L", "system", image);
        Programs.Mounted(_folder, image, "ntfs-3g", "compression", write);
        return image;
    }
}
