using System.Buffers.Binary;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>
/// What refers to each cluster of an image's file, beside how often its reference counts say that it is referred to (QEMU docs/interop/qcow2.txt, "Host cluster
/// management"): what <c>qemu-img check</c> looks for. No reader needs the counts; whoever writes to the image again does.
/// </summary>
internal sealed class Qcow2References
{
    // Four bytes for each: 128 MiB, the clusters of 2 TiB where they are of the usual size.
    private const long MaxClusters = 32 << 20;

    private const int MostKept = 10_000;
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const ulong Copied = 1UL << 63;
    private const int EntrySize = sizeof(ulong);

    private readonly DiskFile _file;
    private readonly Qcow2Header _header;
    private readonly IReadOnlyList<Qcow2Snapshot> _snapshots;
    private readonly HeaderExtensions _extensions;
    private readonly int _clusterBits;
    private readonly int _l2EntrySize;
    private readonly bool _hasDataFile;
    private readonly Dictionary<long, uint> _l2Tables = [];
    private uint[] _references = [];

    /// <summary>Looks at an image.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="header">Its header, found possible.</param>
    /// <param name="snapshots">Its snapshots.</param>
    /// <param name="extensions">Its header's extensions.</param>
    public Qcow2References(DiskFile file, Qcow2Header header, IReadOnlyList<Qcow2Snapshot> snapshots, HeaderExtensions extensions)
    {
        (_file, _header, _snapshots, _extensions) = (file, header, snapshots, extensions);
        _clusterBits = (int)header.cluster_bits;
        _l2EntrySize = header.HasExtendedL2 ? 2 * EntrySize : EntrySize;
        _hasDataFile = (header.incompatible_features & Qcow2Header.ExternalDataFile) != 0;
    }

    private long ClusterSize => 1L << _clusterBits;

    private long Clusters => (_file.Length + ClusterSize - 1) >> _clusterBits;

    /// <summary>Says what is wrong with the counts, and with what they are about.</summary>
    /// <param name="cancellation">Stops it.</param>
    public IEnumerable<string> FindFaults(CancellationToken cancellation)
    {
        if ((_header.incompatible_features & Qcow2Header.Dirty) != 0)
            yield return $"{_file.Path}: it was not closed properly (marked dirty), so that its reference counts may be wrong.";
        if ((_header.incompatible_features & Qcow2Header.Corrupt) != 0)
            yield return $"{_file.Path}: QEMU has marked it as corrupt.";
        if (Clusters > MaxClusters)
        {
            yield return $"{_file.Path}: it has {Clusters:N0} clusters, and the reference counts of no more than {MaxClusters:N0} are looked at.";
            yield break;
        }

        _references = new uint[Clusters];
        var faults = new List<string>();
        CountTables(faults, cancellation);
        foreach (var fault in faults)
            yield return fault;
        var counts = new Qcow2Refcounts(_file, _header, Clusters);
        foreach (var fault in counts.Faults)
            yield return fault;
        foreach (var block in counts.Blocks)
            Count(block, ClusterSize);
        foreach (var fault in Compare(counts, cancellation))
            yield return fault;
        foreach (var fault in CopiedFaults(counts, cancellation))
            yield return fault;
    }

    private void CountTables(List<string> faults, CancellationToken cancellation)
    {
        Count(0, ClusterSize);
        Count((long)_header.refcount_table_offset, _header.refcount_table_clusters * ClusterSize);
        if (_snapshots.Count > 0)
            Count((long)_header.snapshots_offset, _snapshots[^1].End - (long)_header.snapshots_offset);

        // No two states share an L1 table: together they are no longer than the file, unless somebody means ill.
        long tables = 0;
        foreach (var (offset, entries, name) in _snapshots.Select(s => (Offset: s.L1TableOffset, Entries: s.L1Size, Name: $"the L1 table of snapshot {s.Id}")).Prepend((_header.l1_table_offset, _header.l1_size, "the L1 table")))
        {
            var length = entries * (long)EntrySize;
            if (offset > (ulong)_file.Length || length > _file.Length - (long)offset || (tables += length) > _file.Length)
            {
                Say(faults, $"{_file.Path}: {name} is said to be at byte {offset:N0} and to have {entries:N0} entries, which does not fit into the file.");
                continue;
            }

            Count((long)offset, length);
            foreach (var entry in Entries((long)offset, length, EntrySize, cancellation))
                CountL2(entry, name, faults);
        }

        foreach (var (table, times) in _l2Tables)
            CountData(table, times, faults, cancellation);
        CountBitmaps(faults, cancellation);
    }

    private void CountL2(ulong entry, string name, List<string> faults)
    {
        if (entry == 0)
            return;
        var table = (long)(entry & OffsetMask);
        if (table == 0 || table % ClusterSize != 0 || table > _file.Length - _l2EntrySize)
        {
            Say(faults, $"{_file.Path}: {name} places an L2 table at byte {table:N0}, where none can be.");
            return;
        }

        Count(table, ClusterSize);
        _l2Tables[table] = _l2Tables.GetValueOrDefault(table) + 1;
    }

    /// <summary>Counts what an L2 table refers to, as often as it is referred to itself.</summary>
    private void CountData(long table, uint times, List<string> faults, CancellationToken cancellation)
    {
        var at = table;
        foreach (var entry in Entries(table, Math.Min(ClusterSize, _file.Length - table), _l2EntrySize, cancellation).Select(e => new L2Entry(e)))
        {
            if (entry.IsCompressed)
            {
                Count(entry.CompressedOffset(_clusterBits), entry.CompressedLength(_clusterBits), times);
                if (entry.IsCopied)
                    Say(faults, $"{_file.Path}, at byte {at:N0}: a compressed cluster is said to be used by one state alone (COPIED), which none may be.");
            }
            else if (entry.Offset != 0 && !_hasDataFile)
            {
                // What lies beyond the file's end is said by whoever reads the current state; here it would be said of a snapshot's.
                Count(entry.Offset, ClusterSize, times);
                if (entry.Offset >= Clusters << _clusterBits)
                    Say(faults, $"{_file.Path}, at byte {at:N0}: an entry places a cluster at byte {entry.Offset:N0}, and the file is {_file.Length:N0} bytes long.");
            }

            at += _l2EntrySize;
        }
    }

    /// <summary>Persistent dirty bitmaps: a directory, and for each a table of clusters.</summary>
    private void CountBitmaps(List<string> faults, CancellationToken cancellation)
    {
        if (_extensions.Bitmaps is not var (offset, length))
            return;
        if (offset > _file.Length - length)
        {
            Say(faults, $"{_file.Path}: its directory of bitmaps is said to be at byte {offset:N0}, beyond its end.");
            return;
        }

        Count(offset, length);
        var directory = _file.Read(offset, (int)length).AsSpan();
        while (directory.Length >= 24)
        {
            var (table, entries) = ((long)BinaryPrimitives.ReadUInt64BigEndian(directory), BinaryPrimitives.ReadUInt32BigEndian(directory[8..]));
            if (table < 0 || table > _file.Length - (entries * (long)EntrySize))
            {
                Say(faults, $"{_file.Path}: the table of a bitmap is said to be at byte {table:N0}, where none can be.");
                return;
            }

            Count(table, entries * (long)EntrySize);
            foreach (var entry in Entries(table, entries * (long)EntrySize, EntrySize, cancellation).Where(e => (e & OffsetMask) != 0))
                Count((long)(entry & OffsetMask), ClusterSize);
            var size = (24 + BinaryPrimitives.ReadUInt16BigEndian(directory[18..]) + (long)BinaryPrimitives.ReadUInt32BigEndian(directory[20..]) + 7) / 8 * 8;
            directory = directory[(int)Math.Min(size, directory.Length)..];
        }
    }

    private IEnumerable<string> Compare(Qcow2Refcounts counts, CancellationToken cancellation)
    {
        for (long cluster = 0; cluster < Clusters;)
        {
            cancellation.ThrowIfCancellationRequested();
            var (count, references) = (counts[cluster], _references[cluster]);
            var next = cluster + 1;
            while (next < Clusters && counts[next] == count && _references[next] == references)
                next++;
            if (count != references)
            {
                var what = $"{_file.Path}, at byte {cluster << _clusterBits:N0}: {(next - cluster == 1 ? "a cluster has" : $"{next - cluster:N0} clusters have")} the reference count {count} and {references} references";
                yield return count > references ? $"{what}: room that is lost, and no more than that." : $"{what}: a write to the image may change what else uses it.";
            }

            cluster = next;
        }
    }

    /// <summary>The flag of the current state's entries that says that nothing else uses what they refer to, so that it may be written in place.</summary>
    private IEnumerable<string> CopiedFaults(Qcow2Refcounts counts, CancellationToken cancellation)
    {
        string? Fault(ulong entry, long at, string what) => (entry & OffsetMask) == 0 || (long)(entry & OffsetMask) >= Clusters << _clusterBits
            || (entry & Copied) != 0 == (counts[(long)(entry & OffsetMask) >> _clusterBits] == 1) ? null
            : $"{_file.Path}, at byte {at:N0}: {what} at byte {entry & OffsetMask:N0} is said {((entry & Copied) != 0 ? "" : "not ")}to be used by one state alone (COPIED), and its reference count is {counts[(long)(entry & OffsetMask) >> _clusterBits]}.";

        var length = _header.l1_size * (long)EntrySize;
        if (_header.l1_table_offset > (ulong)_file.Length || length > _file.Length - (long)_header.l1_table_offset)
            yield break;
        var at = (long)_header.l1_table_offset;
        foreach (var entry in Entries(at, length, EntrySize, cancellation))
        {
            if (Fault(entry, at, "the L2 table") is { } fault)
                yield return fault;
            at += EntrySize;
            var table = (long)(entry & OffsetMask);
            if (_hasDataFile || !_l2Tables.ContainsKey(table))
                continue;
            var inTable = table;
            foreach (var data in Entries(table, Math.Min(ClusterSize, _file.Length - table), _l2EntrySize, cancellation))
            {
                if (!new L2Entry(data).IsCompressed && Fault(data, inTable, "the cluster") is { } dataFault)
                    yield return dataFault;
                inTable += _l2EntrySize;
            }
        }
    }

    /// <summary>The first eight bytes of each entry of a table that lies in the file.</summary>
    private IEnumerable<ulong> Entries(long table, long length, int size, CancellationToken cancellation)
    {
        for (var end = table + length; table <= end - size;)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = _file.Read(table, (int)Math.Min((end - table) / size * size, 1 << 20));
            for (var at = 0; at < bytes.Length; at += size)
                yield return BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(at));
            table += bytes.Length;
        }
    }

    /// <summary>A hostile file may have a fault in every entry: more of them than anybody reads are not kept.</summary>
    private static void Say(List<string> faults, string fault)
    {
        if (faults.Count < MostKept)
            faults.Add(fault);
    }

    /// <summary>Counts what refers to a range; what lies beyond the file's end cannot be counted.</summary>
    private void Count(long offset, long length, uint times = 1)
    {
        if (offset < 0 || length <= 0)
            return;
        var last = Math.Min((offset + length - 1) >> _clusterBits, Clusters - 1);
        for (var cluster = offset >> _clusterBits; cluster <= last; cluster++)
            _references[cluster] += times;
    }
}
