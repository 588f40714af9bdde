using System.Text;

namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>NTFS 1.2 to 3.1, its structures named as Windows names them. The log ($LogFile) is not replayed; whether it would have to be is said.</summary>
internal sealed class NtfsFileSystem : GuestFileSystem
{
    private const int MftRecord = 0;
    private const int LogRecord = 2;
    private const int VolumeRecord = 3;
    private const int RootRecord = 5;
    private const int MaxAttributeList = 256 << 10;
    private const int MaxUnit = 1 << 20;
    private const int MaxCachedFolders = 64;
    private const int DirtyFlag = 1;
    private const ulong RecordMask = 0xFFFF_FFFF_FFFF;
    private const uint OverlayReparseTag = 0x8000_0017;

    private readonly Volume _volume;
    private readonly int _clusterSize;
    private readonly int _recordSize;
    private readonly GuestFile _mft;
    private readonly Dictionary<long, List<NtfsEntry>> _folders = [];

    /// <summary>Opens a file system.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public NtfsFileSystem(Volume volume)
    {
        _volume = volume;
        var boot = volume.Bytes(0, 512);
        var sectorSize = Le.U16(boot, 11);
        var perCluster = boot[13] <= 0x80 ? boot[13] : 1 << Math.Min(256 - boot[13], 30);
        if (sectorSize is < 256 or > 4096 || (sectorSize & (sectorSize - 1)) != 0 || perCluster == 0 || (perCluster & (perCluster - 1)) != 0 || (long)perCluster * sectorSize > 2 << 20)
            throw new FileSystemException("its boot sector has numbers that cannot be");
        _clusterSize = perCluster * sectorSize;
        _recordSize = SizeOf((sbyte)boot[64]);
        if (_recordSize is < 512 or > 65536 || _recordSize % 512 != 0)
            throw new FileSystemException("its boot sector has numbers that cannot be");

        // The table's first record says where the rest of it lies; where that takes more than one record, the others lie in what the first describes.
        var place = Le.Place(boot, 48);
        if (place > volume.Length / _clusterSize)
            throw new FileSystemException("its master file table lies beyond its end");
        var first = new FileRecord(MftRecord, volume.Bytes(place * _clusterSize, _recordSize));
        var data = first.Attributes.FirstOrDefault(a => a.Type == AttributeType.Data && a.Name.Length == 0)
            ?? throw new FileSystemException("its master file table is damaged");
        _mft = Content([data]);
        if (first.Attributes.Any(a => a.Type == AttributeType.AttributeList))
            _mft = Content(Pieces(first, AttributeType.Data, ""));

        var about = Record(VolumeRecord);
        Label = about.Attributes.FirstOrDefault(a => a.Type == AttributeType.VolumeName && a.IsResident) is { } name ? Encoding.Unicode.GetString(name.Value) : "";
        IsDirty = about.Attributes.FirstOrDefault(a => a.Type == AttributeType.VolumeInformation && a.IsResident) is { } information && (Le.U16(information.Value, 10) & DirtyFlag) != 0;
        Id = Le.U64(boot, 72).ToString("X16", System.Globalization.CultureInfo.InvariantCulture);
        Stale = WhyStale();
        Log = Stale is null ? LogState.Clean : LogState.NotReplayed;
    }

    /// <inheritdoc/>
    public override bool Exists(string path) => Find(path) is not null;

    /// <inheritdoc/>
    public override GuestFile? Open(string path)
    {
        if (Find(path) is not { IsFolder: false } record)
            return null;
        if (Pieces(record, AttributeType.ReparsePoint, "") is [{ IsResident: true } reparse, ..] && Le.U32(reparse.Value, 0) == OverlayReparseTag)
            throw new FileSystemException("a file of it is compressed by the overlay filter (CompactOS), which is not read");
        var pieces = Pieces(record, AttributeType.Data, "");
        return pieces.Count == 0 ? null : Content(pieces);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(string path) => Find(path) is { IsFolder: true } folder ? [.. Entries(folder).Select(e => e.Name).Where(n => n != ".")] : [];

    private string? WhyStale()
    {
        try
        {
            var log = Pieces(Record(LogRecord), AttributeType.Data, "");
            return log.Count == 0 || NtfsLog.IsClean(Content(log)) ? null : "its log ($LogFile) is not replayed";
        }
        catch (FileSystemException e)
        {
            return $"its log ($LogFile) cannot be read ({e.Message})";
        }
    }

    /// <summary>A size that is in clusters, or a power of two in bytes where it is negative.</summary>
    private int SizeOf(sbyte value) => value >= 0 ? value * _clusterSize : value > -31 ? 1 << -value : 0;

    private FileRecord? Find(string path)
    {
        var record = Record(RootRecord);
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!record.IsFolder)
                return null;

            // Names that differ in case alone are possible where POSIX programs wrote them: the exact one goes first.
            var entries = Entries(record);
            var index = entries.FindIndex(e => e.Name == name);
            if (index < 0)
                index = entries.FindIndex(e => e.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (index < 0)
                return null;
            record = Referred(entries[index].Reference);
        }

        return record;
    }

    private List<NtfsEntry> Entries(FileRecord folder)
    {
        if (_folders.TryGetValue(folder.Number, out var known))
            return known;
        if (Pieces(folder, AttributeType.IndexRoot, NtfsIndex.Name) is not [{ IsResident: true } root])
            throw new FileSystemException("a folder of it is damaged");
        var allocation = Pieces(folder, AttributeType.IndexAllocation, NtfsIndex.Name);
        var entries = new NtfsIndex(root.Value, allocation.Count == 0 ? null : Content(allocation), _clusterSize).Entries();
        if (_folders.Count >= MaxCachedFolders)
            _folders.Clear();
        return _folders[folder.Number] = entries;
    }

    private FileRecord Record(long number)
    {
        if (number < 0 || number >= _mft.Length / _recordSize)
            throw new FileSystemException($"it refers to the file record {number}, which it does not have");
        var bytes = new byte[_recordSize];
        _mft.Read(number * _recordSize, bytes);
        return new FileRecord(number, bytes);
    }

    private FileRecord Referred(ulong reference)
    {
        var record = Record((long)(reference & RecordMask));
        var sequence = (int)(reference >> 48);
        return sequence == 0 || sequence == record.Sequence ? record : throw new FileSystemException($"it refers to a file that is gone (record {record.Number})");
    }

    /// <summary>The pieces of an attribute, in order: of the record itself, or of those that its attribute list names.</summary>
    private List<NtfsAttribute> Pieces(FileRecord record, AttributeType type, string name)
    {
        if (record.Attributes.FirstOrDefault(a => a.Type == AttributeType.AttributeList) is not { } list)
            return [.. record.Attributes.Where(a => a.Type == type && a.Name == name)];
        var content = list.IsResident ? new InlineFile(list.Value) : Content([list]);
        if (content.Length > MaxAttributeList)
            throw new FileSystemException("an attribute list of it is too long");
        var bytes = content.ReadAll();
        var pieces = new List<NtfsAttribute>();
        var records = new Dictionary<ulong, FileRecord>();
        for (var at = 0; at <= bytes.Length - 26;)
        {
            int length = Le.U16(bytes, at + 4);
            if (length < 26 || length > bytes.Length - at)
                throw new FileSystemException("an attribute list of it is damaged");
            if (Le.U32(bytes, at) == (uint)type && Encoding.Unicode.GetString(Fields.Slice(bytes, at + bytes[at + 7], bytes[at + 6] * 2)) == name)
            {
                var reference = Le.U64(bytes, at + 16);
                if ((long)(reference & RecordMask) == record.Number)
                    records[reference] = record;
                else if (!records.ContainsKey(reference))
                    records[reference] = Referred(reference);
                var id = Le.U16(bytes, at + 24);
                pieces.Add(records[reference].Attributes.FirstOrDefault(a => a.Type == type && a.Id == id && a.Name == name)
                    ?? throw new FileSystemException("an attribute list of it is damaged"));
            }

            at += length;
        }

        return pieces;
    }

    /// <summary>What an attribute holds.</summary>
    private GuestFile Content(List<NtfsAttribute> pieces)
    {
        var first = pieces[0];
        if (first.IsEncrypted)
            throw new FileSystemException("a file of it is encrypted (EFS)");
        if (first.IsResident)
            return new InlineFile(first.Value);
        var runs = new List<FileRun>();
        var next = 0L;
        foreach (var piece in pieces)
        {
            if (piece.IsResident || piece.StartVcn != next)
                throw new FileSystemException("an attribute of it is not whole");
            DataRuns.Add(piece, _clusterSize, _volume.Length, runs);
            next = piece.LastVcn + 1;
        }

        var (length, initialized) = (first.RealSize, first.InitializedSize);
        for (var i = runs.Count - 1; i >= 0 && runs[i].End > initialized && first.Compression == 0; i--)
        {
            if (runs[i].Start >= initialized)
                runs.RemoveAt(i);
            else
                runs[i] = runs[i] with { Length = initialized - runs[i].Start };
        }

        if (first.Compression == 0)
            return new RunFile(_volume, length, runs);
        if (first.Compression != 1 || first.CompressionUnit is 0 or > 16 || (long)_clusterSize << first.CompressionUnit > MaxUnit)
            throw new FileSystemException("a file of it is compressed in a way that is not read");
        return new CompressedFile(_volume, length, _clusterSize << first.CompressionUnit, runs);
    }
}
