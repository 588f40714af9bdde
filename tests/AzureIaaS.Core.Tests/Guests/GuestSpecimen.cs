using AzureIaaS.Guests;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Lvm;
using AzureIaaS.Guests.Registry;
using AzureIaaS.Tests.Guests.Registry;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>A volume or hive to damage: the pages of it that are not all zeros, and what a reader is asked to do with it.</summary>
internal sealed class GuestSpecimen
{
    private const int PageSize = 4096;

    private readonly Dictionary<long, byte[]> _pages = [];
    private readonly (long Page, int[] Slots)[] _places;
    private readonly HashSet<long> _seen = [];
    private readonly Dictionary<long, byte[]> _damaged = [];

    private GuestSpecimen(string path, Action<Volume> work)
    {
        Work = work;
        using var file = File.OpenRead(path);
        Length = file.Length;
        var page = new byte[PageSize];
        for (long at = 0; file.ReadAtLeast(page, PageSize, throwOnEndOfStream: false) is > 0 and var read; at += read)
        {
            if (page.AsSpan(0, read).ContainsAnyExcept((byte)0))
                _pages[at / PageSize] = page[..read];
        }

        // Damage matters where the reader looks, and where something is.
        work(Open(Length));
        _places = [.. _seen.Where(_pages.ContainsKey).Select(p => (p, Slots(_pages[p])))];
    }

    public static IReadOnlyList<string> Names { get; } = ["ext4", "ext4 journal", "NTFS", "FAT12", "FAT32", "XFS", "XFS log", "Btrfs", "LVM", "regf", "regf log"];

    public long Length { get; }

    /// <summary>What a reader is asked.</summary>
    public Action<Volume> Work { get; }

    /// <summary>The volume, damaged or not, cut off at a length.</summary>
    public Volume Open(long length) => new(length, Read);

    /// <summary>Damages some places where something is; what was damaged before is whole again.</summary>
    public void Damage(Random random)
    {
        _damaged.Clear();
        for (var i = random.Next(2) == 0 ? random.Next(2, 12) : 1; i > 0; i--)
        {
            var (place, slots) = _places[random.Next(_places.Length)];
            if (!_damaged.TryGetValue(place, out var page))
                _damaged[place] = page = [.. _pages[place]];
            Mutation.Change(page.AsSpan(slots[random.Next(slots.Length)] + (random.Next(2) == 0 ? random.Next(4) : 0)), Length, random);
        }
    }

    /// <summary>Makes the checksums of a hive and of its log right again, so that the damage reaches what is behind them.</summary>
    public void Reseal()
    {
        if (!_pages.TryGetValue(0, out var first) || !first.AsSpan().StartsWith("regf"u8) || _damaged.Count == 0)
            return;
        var page = _damaged.TryGetValue(0, out var damaged) ? damaged : _damaged[0] = [.. first];
        if (page.AsSpan().StartsWith("regf"u8))
            HiveBuilder.Seal(page);
        HiveLogBuilder.Seal(page, (offset, buffer) => Read(offset, buffer), Length);
    }

    public static GuestSpecimen Make(string name, TestFolder folder)
    {
        if (name == "regf")
            return new GuestSpecimen(folder.Write("hive", RegistryHiveTests.Many("ri").Build()), v => WalkHive(new RegistryHive(new VolumeFile(v)).Root, [0]));
        if (name == "regf log")
        {
            // The hive is as it should be; its log is what is damaged.
            var (before, after) = (RegistryHiveTests.Many("lh").Build(), new HiveBuilder().Set("Here", "Value", "new").Set(@"Here\more", "Value", 1).Build());
            var hive = new InlineFile(HiveLogBuilder.Dirty(before));
            return new GuestSpecimen(folder.Write("log", HiveLogBuilder.New(5, before, after)), v => WalkRecovered(new RegistryHive(hive, new VolumeFile(v))));
        }

        if (name == "LVM")
            return new GuestSpecimen(folder.Write("lvm", PhysicalVolumeBuilder.Build()), WalkGroup);
        return new GuestSpecimen(Image(name, folder), v => WalkFiles(GuestFileSystem.Open(v, name switch { "ext4" or "ext4 journal" => "ext", "FAT12" or "FAT32" => "FAT", "XFS log" => "XFS", _ => name })!));
    }

    private static int[] Slots(byte[] page) => [.. Enumerable.Range(0, Math.Max(1, (page.Length / 4) - 2)).Select(i => i * 4).Where(at => page.AsSpan(at, 4).ContainsAnyExcept((byte)0)).DefaultIfEmpty()];

    private static string Image(string name, TestFolder folder)
    {
        var tree = Directory.CreateDirectory(folder["tree"]).FullName;
        FileSystemImages.Populate(tree, hasLinks: name is not ("NTFS" or "FAT12" or "FAT32"), many: 40, large: 40_777);
        var image = folder["image"];
        switch (name)
        {
            case "ext4":
                LinuxDisk.Require();
                return LinuxDisk.Ext(folder, tree, "ext4", "6M", "-b", "1024");
            case "ext4 journal":
                Programs.Require("debugfs");
                LinuxDisk.Require();
                return LinuxDisk.ExtWithJournal(folder, tree, ["-b", "1024", "-O", "^metadata_csum"], ["mkdir /new", "write {0} /new/file"], ["jo", "jw -b {0} {1}", "jw -r 7,8,9", "jc"]);
            case "FAT12":
            case "FAT32":
                Programs.Require("mkfs.vfat", "mcopy");
                FileSystemImages.Empty(folder, "image", name == "FAT12" ? 4 << 20 : 34 << 20);
                Programs.Run("mkfs.vfat", "-F", name[3..], "-s", name == "FAT12" ? "4" : "1", image);
                Programs.Run("mcopy", ["-s", "-Q", "-i", image, .. Directory.GetFileSystemEntries(tree), "::/"]);
                return image;
            case "NTFS":
                Programs.Require("mkntfs", "ntfs-3g", "setfattr");
                Programs.RequireMount("fuse");
                FileSystemImages.Empty(folder, "image", 8 << 20);
                Programs.Run("mkntfs", "-Q", "-q", "-F", image);
                Programs.Mounted(folder, image, "ntfs-3g", "compression", place =>
                {
                    Programs.Run("setfattr", "-h", "-n", "system.ntfs_attrib_be", "-v", "0x00000810", place);
                    FileSystemImages.Populate(place, hasLinks: false, many: 40, large: 40_777);
                });
                return image;
            case "XFS":
                Programs.Require("mkfs.xfs");
                Programs.RequireMount("xfs");
                FileSystemImages.Empty(folder, "image", 320 << 20);
                Programs.Run("mkfs.xfs", "-q", "-f", "-b", "size=1024", image);
                Programs.Mounted(folder, image, "xfs", "noatime", place => FileSystemImages.Populate(place, hasLinks: true, many: 40, large: 40_777));
                return image;
            case "XFS log":
                Programs.Require("mkfs.xfs", "xfs_io");
                Programs.RequireMount("xfs");
                FileSystemImages.Empty(folder, "image", 320 << 20);
                Programs.Run("mkfs.xfs", "-q", "-f", image);
                Programs.Mounted(folder, image, "xfs", "noatime", place =>
                {
                    FileSystemImages.Populate(place, hasLinks: true, many: 40, large: 40_777);
                    Programs.Run("sync", "-f", place);
                    Programs.Run("xfs_io", "-x", "-c", "shutdown -f", place);
                });
                WithoutChecksums(image);
                return image;
            default:
                Programs.Require("mkfs.btrfs");
                Programs.RequireMount("btrfs");
                FileSystemImages.Empty(folder, "image", 128 << 20);
                Programs.Run("mkfs.btrfs", "-q", "-f", "-n", "4096", "-m", "single", image);
                Programs.Mounted(folder, image, "btrfs", "compress-force=zstd", place => FileSystemImages.Populate(place, hasLinks: true, many: 40, large: 40_777));
                Programs.Mounted(folder, image, "btrfs", "compress-force=lzo", place => File.WriteAllText(Path.Combine(place, "lzo"), string.Concat(Enumerable.Range(0, 4000).Select(i => $"line {i}\n"))));
                return image;
        }
    }

    /// <summary>Takes the checksums out of a log's records, so that damage reaches what is behind them: a record without one is taken as it is.</summary>
    private static void WithoutChecksums(string image)
    {
        using var file = File.OpenHandle(image, FileMode.Open, FileAccess.ReadWrite);
        var sectors = new byte[1 << 20];
        for (var at = 0L; at < RandomAccess.GetLength(file); at += sectors.Length)
        {
            RandomAccess.Read(file, sectors, at);
            for (var sector = 0; sector < sectors.Length; sector += 512)
            {
                if (Be.U32(sectors, sector) == 0xFEEDBABE)
                    RandomAccess.Write(file, new byte[sizeof(uint)], at + sector + 32);
            }
        }
    }

    private static void WalkFiles(GuestFileSystem files)
    {
        files.List("/");
        files.Text("/new/file");
        files.Text("/lzo");
        files.List("/many");
        files.List("/some");
        files.Text("/a/b/c/short");
        files.Text("/long-link");
        files.Text("/many/file number 39 with a long name");
        files.Read("/large");
        files.Read("/holes");
        files.Open("/large")?.Read(40_000, new byte[700]);

        // What is wrong with a log of changes is remembered, not thrown: here it is thrown, to be counted.
        if (files.Stale is { } why)
            throw new FileSystemException(why);
    }

    /// <summary>A log that does not apply is no fault of the hive's: here it is thrown, to be counted.</summary>
    private static void WalkRecovered(RegistryHive hive)
    {
        WalkHive(hive.Root, [0]);
        if (!hive.IsRecovered)
            throw new FileSystemException("the log does not apply");
    }

    private static void WalkHive(HiveKey key, int[] count)
    {
        foreach (var value in key.Values().Take(1000))
            _ = (value.Text, value.Number, value.Texts.Count);
        foreach (var subkey in key.Subkeys().TakeWhile(_ => ++count[0] < 5000))
            WalkHive(subkey, count);
    }

    private static void WalkGroup(Volume volume)
    {
        // What is wrong with a group is remembered, too.
        var guest = new GuestInfo();
        var volumes = new List<OpenedVolume> { new(new GuestVolume { Content = "LVM", Length = volume.Length }, volume) };
        LogicalVolumes.Add(guest, volumes);
        foreach (var logical in volumes.Skip(1))
            logical.Volume.Bytes(0, (int)Math.Min(logical.Volume.Length, 68 << 10));
        if (guest.Unread.Count > 0)
            throw new FileSystemException(guest.Unread[0]);
        if (volumes.Count == 1)
            throw new FileSystemException("there is no logical volume");
    }

    private void Read(long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, PageSize);
            var part = buffer[..(int)Math.Min(buffer.Length, PageSize - within)];
            _seen.Add(index);
            if (_damaged.TryGetValue(index, out var page) || _pages.TryGetValue(index, out page))
                page.AsSpan((int)within, part.Length).CopyTo(part);
            else
                part.Clear();
            offset += part.Length;
            buffer = buffer[part.Length..];
        }
    }

    /// <summary>A volume as a file.</summary>
    private sealed class VolumeFile(Volume volume) : GuestFile(volume.Length)
    {
        protected override void ReadCore(long offset, Span<byte> buffer) => volume.Read(offset, buffer);
    }
}
