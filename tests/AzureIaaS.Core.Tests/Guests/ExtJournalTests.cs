using AzureIaaS.Guests;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>ext file systems that were copied while they were in use: what only their journals have is read, and what e2fsck makes of a copy is the same.</summary>
public sealed class ExtJournalTests : IDisposable
{
    private const int BlockSize = 1024;
    private const int RecoverAt = 1024 + 96;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("ext4", "noatime")]
    [InlineData("ext4", "data=journal", "-b", "1024")]
    [InlineData("ext4", "noatime", "-O", "^metadata_csum,^64bit")]
    [InlineData("ext3", "journal_checksum", "-b", "1024")]
    [InlineData("ext3", "data=journal")]
    public void WhatTheKernelWroteLastIsReadFromACopyOfADeviceInUse(string type, string mountOptions, params string[] options)
    {
        LinuxDisk.Require();
        Programs.Require("e2fsck", "cp");
        Programs.RequireMount("ext4");
        var (image, copy) = (FileSystemImages.Empty(_folder, "ext.img", 24 << 20), _folder["copy.img"]);
        Programs.Run("mke2fs", ["-q", "-F", "-t", type, .. options, image]);
        Programs.Mounted(_folder, image, "ext4", mountOptions, place =>
        {
            // Folders whose blocks are revoked, and used again for files' contents.
            for (var i = 0; i < 400; i++)
                Directory.CreateDirectory(Path.Combine(place, $"gone/folder with a long name {i:D4}"));
            WriteThrough(Path.Combine(place, "before"), "before");
            Directory.Delete(Path.Combine(place, "gone"), recursive: true);
            WriteThrough(Path.Combine(place, "between"), "between");
            Directory.CreateDirectory(Path.Combine(place, "etc"));
            for (var i = 0; i < 8; i++)
                WriteThrough(Path.Combine(place, $"etc/file {i}"), MagicAndText(i));
            Programs.Run("cp", "--sparse=always", image, copy);
        });
        var replayed = Replayed(copy);
        var files = FileSystemImages.Open(copy);
        Assert.Equal(LogState.Replayed, files.Log);
        Assert.Null(files.Stale);
        Assert.True(files.IsDirty);
        Assert.Equal("before", files.Text("/before"));
        Assert.False(files.Exists("/gone"));
        for (var i = 0; i < 8; i++)
            Assert.Equal(MagicAndText(i), files.Read($"/etc/file {i}"));
        FileSystemImages.AssertSame(FileSystemImages.Open(replayed), files);
    }

    [SkippableTheory]
    [InlineData("jo")]
    [InlineData("jo -c -v 1")]
    [InlineData("jo -c -v 2")]
    [InlineData("jo -c -v 3")]
    [InlineData("jo -c -v 3", "-O", "^64bit")]
    public void WhatIsOnlyInTheJournalIsRead(string open, params string[] options)
    {
        var image = Journaled(options, open, "jw -b {0} {1}", "jc");
        var replayed = Replayed(image);
        var files = FileSystemImages.Open(image);
        Assert.Equal(LogState.Replayed, files.Log);
        Assert.Equal("the new one", files.Text("/etc/release"));
        FileSystemImages.AssertSame(FileSystemImages.Open(replayed), files);

        // Without the journal, it is not there.
        var bytes = File.ReadAllBytes(image);
        bytes[RecoverAt] &= 0xFB;
        Assert.Null(FileSystemImages.Open(bytes).Text("/etc/release"));
        Assert.Equal(LogState.Clean, FileSystemImages.Open(bytes).Log);
    }

    [SkippableTheory]
    [InlineData("jw -r 9", "jw -b {0} -c {1}")]
    [InlineData("jw -b {0} {1}", "jw -r {0}")]
    public void WhatWasNotEndedOrWasRevokedDoesNotCount(params string[] commands)
    {
        var image = Journaled([], ["jo -c -v 3", .. commands, "jc"]);
        var replayed = Replayed(image);
        var files = FileSystemImages.Open(image);
        Assert.Equal(LogState.Replayed, files.Log);
        Assert.False(files.Exists("/etc/release"));
        FileSystemImages.AssertSame(FileSystemImages.Open(replayed), files);
    }

    [SkippableFact]
    public void ADamagedJournalIsSaidAndWhatLiesInPlaceIsRead()
    {
        var image = Journaled([], "jo -c -v 3", "jw -b {0} {1}", "jc");
        var bytes = File.ReadAllBytes(image);

        // The journal's superblock is the block of its magic number and version; the rest of it is the seed of every checksum.
        var at = Enumerable.Range(0, bytes.Length / BlockSize).First(b => bytes.AsSpan(b * BlockSize).StartsWith((ReadOnlySpan<byte>)[0xC0, 0x3B, 0x39, 0x98, 0, 0, 0, 4])) * BlockSize;
        bytes[at + 50] ^= 1;
        var files = FileSystemImages.Open(bytes);
        Assert.Equal(LogState.NotReplayed, files.Log);
        Assert.Contains("wrong checksum", files.Stale, StringComparison.Ordinal);
        Assert.Equal("the old one", files.Text("/old"));
        Assert.False(files.Exists("/etc/release"));
    }

    /// <summary>A file's content that begins as the journal's own blocks do, so that the journal has to escape it.</summary>
    private static byte[] MagicAndText(int number) => [0xC0, 0x3B, 0x39, 0x98, .. Enumerable.Repeat((byte)('a' + number), 5000)];

    private static void WriteThrough(string path, string text) => WriteThrough(path, System.Text.Encoding.UTF8.GetBytes(text));

    private static void WriteThrough(string path, byte[] content)
    {
        using var file = new FileStream(path, FileMode.Create);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private string Journaled(string[] options, params string[] commands)
    {
        Programs.Require("debugfs", "e2fsck");
        var tree = Directory.CreateDirectory(_folder["tree"]).FullName;
        Directory.CreateDirectory(Path.Combine(tree, "etc"));
        File.WriteAllText(Path.Combine(tree, "old"), "the old one");
        return LinuxDisk.ExtWithJournal(_folder, tree, ["-b", $"{BlockSize}", .. options], ["write {0} /etc/release"], commands);
    }

    /// <summary>A copy of which e2fsck replayed the journal, and did nothing else.</summary>
    private string Replayed(string image)
    {
        var replayed = _folder["replayed.img"];
        File.Copy(image, replayed);
        Programs.Run("e2fsck", "-p", "-E", "journal_only", replayed);
        Assert.Equal(0, File.ReadAllBytes(replayed)[RecoverAt] & 4);
        return replayed;
    }
}
