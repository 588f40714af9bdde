using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>XFS volumes whose power was cut: what only their logs have is read, and what the kernel makes of a copy by mounting it is the same.</summary>
public sealed class XfsLogTests : IDisposable
{
    private const int Pieces = 2000;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("noatime")]
    [InlineData("noatime,logbsize=256k", "-b", "size=1024", "-n", "size=8192")]
    [InlineData("noatime,logbsize=32k", "-i", "size=1024,nrext64=1")]
    [InlineData("noatime,wsync", "-m", "reflink=0,rmapbt=0", "-l", "size=64m,su=32k")]
    public void WhatTheKernelLoggedLastIsRead(string mountOptions, params string[] options)
    {
        var image = CutOff(mountOptions, options, Work);
        var (files, replayed) = (FileSystemImages.Open(image), FileSystemImages.Open(Replayed(image)));
        Assert.Equal((LogState.Clean, LogState.Replayed, null, true), (replayed.Log, files.Log, files.Stale, files.IsDirty));
        Assert.Equal("after", files.Text("/etc/release"));
        Assert.False(files.Exists("/gone"));
        Assert.Equal(600, files.List("/new/many").Count);
        FileSystemImages.AssertSame(replayed, files);

        // Without the log, it is not there.
        Assert.ThrowsAny<Exception>(() => FileSystemImages.AssertSame(files, FileSystemImages.Open(WithoutLog(image))));
    }

    [SkippableFact]
    public void ALogThatHasGoneRoundIsReplayedFromItsMiddle()
    {
        // The log is of 10 MiB; each of these links fills a block of its own, of which more than a kilobyte is logged.
        var image = CutOff("noatime", ["--unsupported", "-l", "size=10m"], place =>
        {
            for (var i = 0; i < 7000; i++)
                File.CreateSymbolicLink(Path.Combine(Directory.CreateDirectory(Path.Combine(place, $"{i % 40}")).FullName, $"{i}"), new string('x', 1000));
            Work(place);
        });
        Assert.True(RoundOf(image) > 1, "the log has not gone round");
        var files = FileSystemImages.Open(image);
        Assert.Equal((LogState.Replayed, "after"), (files.Log, files.Text("/etc/release")));
        FileSystemImages.AssertSame(FileSystemImages.Open(Replayed(image)), files);
    }

    [SkippableFact]
    public void WhateverWasDoneWhenThePowerFailsIsReadAsTheKernelReadsIt()
    {
        string[][] kinds = [[], ["-b", "size=1024", "-n", "size=4096"], ["-m", "reflink=0,rmapbt=1"], ["--unsupported", "-l", "size=10m"]];
        var (replayed, rounds) = (0, 2 * Mutation.Times);
        for (var seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            var image = CutOff(random.Next(2) == 0 ? "noatime" : "noatime,wsync", kinds[seed % kinds.Length], place => WorkAtRandom(place, random), withLog: random.Next(2) == 0);
            var files = FileSystemImages.Open(image);
            replayed += files.Log == LogState.Replayed ? 1 : 0;
            Assert.True(files.Stale is null or "changes of files' extents that its log has begun are not finished", $"seed {seed}: {files.Stale}");
            if (files.Stale is null)
                FileSystemImages.AssertSame(FileSystemImages.Open(Replayed(image)), files);
            foreach (var made in Directory.GetFiles(_folder.Path))
                File.Delete(made);
        }

        Assert.True(replayed >= rounds / 2, $"only {replayed} of {rounds} were replayed");
    }

    [SkippableFact]
    public void ARecordThatWasCutOffDoesNotCount()
    {
        var image = CutOff("noatime,logbsize=32k", ["-l", "size=64m"], Work);
        var (start, length) = LogOf(image);
        var bytes = File.ReadAllBytes(image);
        var records = RecordsOf(bytes, start, length);
        var tail = (int)start + ((int)Be.U32(bytes, records[^1].At + 28) * 512);
        records.RemoveAll(r => r.At < tail);

        // The last record's last block is as it was before, as when the power fails while it is written.
        var (at, size) = records[^1];
        bytes[at + size - 200] ^= 0xFF;
        File.WriteAllBytes(image, bytes);
        var files = FileSystemImages.Open(image);
        Assert.Equal(LogState.Replayed, files.Log);
        FileSystemImages.AssertSame(FileSystemImages.Open(Replayed(image)), files);

        // One in the middle is no accident.
        Assert.True(records.Count > 12, $"there are only {records.Count} records");
        bytes[records[^12].At + 700] ^= 0xFF;
        var broken = FileSystemImages.Open(bytes);
        Assert.Equal(LogState.NotReplayed, broken.Log);
        Assert.Contains("its log cannot be replayed (its log is damaged)", broken.Stale, StringComparison.Ordinal);
    }

    /// <summary>What a guest does: files are replaced, folders grow and go, blocks are used again, extents become so many that they need a tree.</summary>
    private static void Work(string place)
    {
        Write(Path.Combine(place, "etc/release"), "after");
        Directory.Delete(Path.Combine(place, "gone"), recursive: true);
        for (var i = 0; i < 600; i++)
            Write(Path.Combine(place, $"new/many/a file with a long name {i:D4}"), $"{i}");
        File.CreateSymbolicLink(Path.Combine(place, "new/link"), "many/a file with a long name 0007");
        File.CreateSymbolicLink(Path.Combine(place, "new/long-link"), string.Concat(Enumerable.Repeat("./", 400)) + "many/a file with a long name 0008");
        File.Move(Path.Combine(place, "old/5"), Path.Combine(place, "new/five"));
        using var pieces = new FileStream(Path.Combine(place, "new/pieces"), FileMode.Create);
        for (var i = 0; i < Pieces; i++)
        {
            pieces.Seek(i * 8192L, SeekOrigin.Begin);
            pieces.WriteByte((byte)(i | 1));
        }

        pieces.Flush(flushToDisk: true);
    }

    /// <summary>Does this and that to files and folders.</summary>
    private static void WorkAtRandom(string place, Random random)
    {
        string Name() => Path.Combine(place, $"old/folder {random.Next(6)}/{new string('n', random.Next(1, 60))}{random.Next(40)}");
        for (var i = 0; i < 6; i++)
            Directory.CreateDirectory(Path.Combine(place, $"old/folder {i}"));
        for (var i = random.Next(200, 1500); i > 0; i--)
        {
            var (path, other) = (Name(), Name());
            switch (random.Next(10))
            {
                case < 4:
                    using (var file = new FileStream(path, FileMode.OpenOrCreate))
                    {
                        file.Seek(random.Next(1 << random.Next(1, 21)), SeekOrigin.Begin);
                        file.Write(TestImages.Pattern(random.Next(1, 20_000), i));
                        if (random.Next(5) == 0)
                            file.SetLength(random.Next(50_000));
                        if (random.Next(8) == 0)
                            file.Flush(flushToDisk: true);
                    }

                    break;
                case 4 when File.Exists(path):
                    File.Move(path, other, overwrite: true);
                    break;
                case 5 or 6:
                    File.Delete(path);
                    break;
                case 7:
                    File.CreateSymbolicLink(Path.Combine(place, $"etc/link {i}"), new string('l', random.Next(1, 900)));
                    break;
                case 8 when File.Exists(path):
                    Programs.Run("cp", "--reflink=auto", path, other + "-copy");
                    break;
                case 9 when random.Next(20) == 0:
                    Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    break;
            }
        }
    }

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Makes a volume, has it written to, and cuts it off from its device, before what its log says has been done: with all that was done in its log, or as far as it had come.</summary>
    private string CutOff(string mountOptions, string[] options, Action<string> work, bool withLog = true)
    {
        Programs.Require("mkfs.xfs", "xfs_io");
        Programs.RequireMount("xfs");

        // A name of its own: a loop device that is still being let go would be taken again, with what it remembers.
        var image = FileSystemImages.Empty(_folder, $"{Guid.NewGuid():N}.img", 320 << 20);
        Programs.Run("mkfs.xfs", ["-q", "-f", .. options, image]);
        Programs.Mounted(_folder, image, "xfs", mountOptions, place =>
        {
            Write(Path.Combine(place, "etc/release"), "before");
            for (var i = 0; i < 400; i++)
                Write(Path.Combine(place, $"gone/{i % 20}/a file with a long name {i}"), $"{i}");
            for (var i = 0; i < 10; i++)
                Write(Path.Combine(place, $"old/{i}"), string.Concat(Enumerable.Repeat($"{i}", 3000)));
        });
        Programs.Mounted(_folder, image, "xfs", mountOptions, place =>
        {
            work(place);
            if (withLog)
                Programs.Run("sync", "-f", place);
            Programs.Run("xfs_io", "-x", "-c", withLog ? "shutdown -f" : "shutdown", place);
        });
        return image;
    }

    /// <summary>A copy of which the kernel replayed the log, and did nothing else.</summary>
    private string Replayed(string image)
    {
        var replayed = image + ".replayed";
        File.Copy(image, replayed, overwrite: true);
        Programs.Mounted(_folder, replayed, "xfs", "noatime,nouuid", _ => { });
        return replayed;
    }

    private static byte[] WithoutLog(string image)
    {
        var bytes = File.ReadAllBytes(image);
        var (start, length) = LogOf(image);
        bytes.AsSpan((int)start, (int)length).Clear();
        return bytes;
    }

    /// <summary>Where the log is, in bytes, as xfs_db has it.</summary>
    private static (long Start, long Length) LogOf(string image)
    {
        long Field(string name) => long.Parse(Programs.Run("xfs_db", "-r", "-c", "sb 0", "-c", $"print {name}", image).Split('=')[1], System.Globalization.CultureInfo.InvariantCulture);
        var blockSize = Field("blocksize");
        var address = Programs.Run("xfs_db", "-r", "-c", "sb 0", "-c", $"convert fsblock {Field("logstart")} byte", image);
        return (Convert.ToInt64(address.Split('(', ')')[0].Trim(), 16), Field("logblocks") * blockSize);
    }

    private static uint RoundOf(string image)
    {
        var (start, _) = LogOf(image);
        using var file = File.OpenHandle(image);
        var block = new byte[512];
        RandomAccess.Read(file, block, start);
        return Be.U32(block, Be.U32(block, 0) == 0xFEEDBABE ? 4 : 0);
    }

    /// <summary>The records of a log that has not gone round, in order: where they begin, and their size with their headers.</summary>
    private static List<(int At, int Size)> RecordsOf(byte[] bytes, long start, long length)
    {
        var records = new List<(int, int)>();

        // Ahead of them a mount puts empty ones of the round before.
        for (var at = (int)start; at < start + length && Be.U32(bytes, at) == 0xFEEDBABE && Be.U32(bytes, at + 4) == 1;)
        {
            var size = (Math.Max(1, ((int)Be.U32(bytes, at + 320) + 32767) / 32768) * 512) + (((int)Be.U32(bytes, at + 12) + 511) / 512 * 512);
            records.Add((at, size));
            at += size;
        }

        return records;
    }
}
