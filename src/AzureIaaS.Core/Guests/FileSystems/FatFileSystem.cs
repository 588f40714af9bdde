using System.Text;

namespace AzureIaaS.Guests.FileSystems;

/// <summary>FAT12, FAT16 and FAT32 with long names (Microsoft, FAT32 File System Specification 1.03), its fields named as there.</summary>
internal sealed class FatFileSystem : GuestFileSystem
{
    private const int EntrySize = 32;
    private const int LongName = 0x0F;
    private const int VolumeId = 0x08;
    private const int Directory = 0x10;
    private const int MaxFolder = 2 << 20;

    private readonly Volume _volume;
    private readonly int _bits;
    private readonly int _clusterSize;
    private readonly long _fatAt;
    private readonly long _dataAt;
    private readonly long _clusters;
    private readonly GuestFile _root;

    /// <summary>Opens a file system.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public FatFileSystem(Volume volume)
    {
        _volume = volume;
        var boot = volume.Bytes(0, 512);
        int sectorSize = Le.U16(boot, 11), perCluster = boot[13], rootEntries = Le.U16(boot, 17);
        long fatSectors = Le.U16(boot, 22) != 0 ? Le.U16(boot, 22) : Le.U32(boot, 36);
        long sectors = Le.U16(boot, 19) != 0 ? Le.U16(boot, 19) : Le.U32(boot, 32);
        if (sectorSize is not (512 or 1024 or 2048 or 4096) || perCluster == 0 || (perCluster & (perCluster - 1)) != 0 || boot[16] == 0)
            throw new FileSystemException("its boot sector has numbers that cannot be");
        _clusterSize = sectorSize * perCluster;
        _fatAt = (long)Le.U16(boot, 14) * sectorSize;
        var rootAt = _fatAt + (boot[16] * fatSectors * sectorSize);
        _dataAt = rootAt + (((long)rootEntries * EntrySize) + sectorSize - 1) / sectorSize * sectorSize;
        _clusters = Math.Min((sectors * sectorSize) - _dataAt, volume.Length - _dataAt) / _clusterSize;
        if (_clusters < 1)
            throw new FileSystemException("its boot sector has numbers that cannot be");
        _bits = _clusters < 4085 ? 12 : _clusters < 65525 ? 16 : 32;
        _root = _bits == 32 ? Chain(Le.U32(boot, 44), null) : new RunFile(volume, (long)rootEntries * EntrySize, [new FileRun(0, (long)rootEntries * EntrySize, rootAt)]);
        Label = Encoding.ASCII.GetString(boot, _bits == 32 ? 71 : 43, 11).Trim() is var label && label != "NO NAME" ? label : "";
        Id = Le.U32(boot, _bits == 32 ? 67 : 39) is var id ? $"{id >> 16:X4}-{id & 0xFFFF:X4}" : "";
    }

    /// <inheritdoc/>
    public override bool Exists(string path) => Find(path, out _);

    /// <inheritdoc/>
    public override GuestFile? Open(string path) => Find(path, out var entry) && entry is { IsFolder: false } ? Chain(entry.Cluster, entry.Size) : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(string path) => Find(path, out var entry) && entry is null or { IsFolder: true }
        ? [.. Entries(entry).Select(e => e.Name).Where(n => n is not ("." or ".."))]
        : [];

    /// <summary>Finds a path; the root is there and has no entry.</summary>
    private bool Find(string path, out Entry? entry)
    {
        entry = null;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry is { IsFolder: false })
                return false;
            entry = Entries(entry).FirstOrDefault(e => e.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (entry is null)
                return false;
        }

        return true;
    }

    private List<Entry> Entries(Entry? folder)
    {
        var content = folder is null || folder.Cluster == 0 ? _root : Chain(folder.Cluster, null);
        if (content.Length > MaxFolder)
            throw new FileSystemException("a folder of it is longer than it can be");
        var bytes = content.ReadAll();
        var entries = new List<Entry>();
        var name = "";
        for (var at = 0; at <= bytes.Length - EntrySize && bytes[at] != 0; at += EntrySize)
        {
            var entry = bytes.AsSpan(at, EntrySize);
            if (entry[0] == 0xE5)
            {
                name = "";
            }
            else if (entry[11] == LongName)
            {
                // The parts come last first; the one that is marked begins a name.
                var part = string.Concat(Encoding.Unicode.GetString(entry[1..11]), Encoding.Unicode.GetString(entry[14..26]), Encoding.Unicode.GetString(entry[28..32]));
                name = (entry[0] & 0x40) != 0 ? part : part + name;
            }
            else
            {
                if ((entry[11] & VolumeId) == 0)
                    entries.Add(new Entry(name.Length > 0 ? name.Split('\0')[0] : ShortName(entry), (entry[11] & Directory) != 0, ((uint)Le.U16(entry, 20) << 16) | Le.U16(entry, 26), Le.U32(entry, 28)));
                name = "";
            }
        }

        return entries;
    }

    private static string ShortName(ReadOnlySpan<byte> entry)
    {
        // Windows NT and Linux note two things in a byte that DOS left alone: that the name is in small letters, and that its extension is.
        var (name, extension) = (Encoding.Latin1.GetString(entry[..8]).TrimEnd(), Encoding.Latin1.GetString(entry[8..11]).TrimEnd());
        name = (entry[12] & 0x08) != 0 ? name.ToLowerInvariant() : name;
        extension = (entry[12] & 0x10) != 0 ? extension.ToLowerInvariant() : extension;
        return extension.Length > 0 ? $"{name}.{extension}" : name;
    }

    /// <summary>A chain of clusters as a file; without a length, all of it, which no chain can make longer than the volume.</summary>
    private RunFile Chain(uint cluster, long? length)
    {
        var runs = new List<FileRun>();
        long at = 0;
        var wanted = length ?? MaxFolder + 1;
        for (var next = cluster; at < wanted && next >= 2 && next < _clusters + 2; next = Next(next), at += _clusterSize)
        {
            var place = _dataAt + ((next - 2L) * _clusterSize);
            if (runs.Count > 0 && runs[^1].Place + runs[^1].Length == place)
                runs[^1] = runs[^1] with { Length = runs[^1].Length + _clusterSize };
            else
                runs.Add(new FileRun(at, _clusterSize, place));
            if (at > _clusters * _clusterSize)
                throw new FileSystemException("a chain of clusters of it leads round in a circle");
        }

        if (length > at)
            throw new FileSystemException("a file of it has fewer clusters than bytes");
        return new RunFile(_volume, length ?? at, runs);
    }

    private uint Next(uint cluster)
    {
        if (_bits == 32)
            return Number(_fatAt + (cluster * 4L), 4) & 0x0FFF_FFFF;
        if (_bits == 16)
            return Number(_fatAt + (cluster * 2L), 2);
        var pair = Number(_fatAt + (cluster * 3L / 2), 2);
        return (cluster & 1) != 0 ? pair >> 4 : pair & 0xFFF;
    }

    private uint Number(long at, int size)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        _volume.Read(at, bytes[..size]);
        return Le.U32(bytes, 0);
    }

    private sealed record Entry(string Name, bool IsFolder, uint Cluster, long Size);
}
