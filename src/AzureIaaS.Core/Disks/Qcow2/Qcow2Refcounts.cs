using System.Buffers.Binary;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The reference counts of an image's clusters: a table of blocks, each a cluster of counts (QEMU docs/interop/qcow2.txt, "Refcount table").</summary>
internal sealed class Qcow2Refcounts
{
    private const ulong Reserved = 0x1FF;
    private const int MaxOrder = 6;
    private const int MaxTable = 8 << 20;

    private readonly DiskFile _file;
    private readonly int _order;
    private readonly int _clusterBits;
    private readonly HashSet<long> _places = [];
    private readonly long[] _blocks = [];
    private byte[] _block = [];
    private long _blockOf = -1;

    /// <summary>Reads the table.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">Its header.</param>
    /// <param name="clusters">How many clusters the file has.</param>
    public Qcow2Refcounts(DiskFile file, Qcow2Header header, long clusters)
    {
        (_file, _order, _clusterBits) = (file, (int)Math.Min(header.refcount_order, MaxOrder), (int)header.cluster_bits);
        if (header.refcount_order > MaxOrder)
        {
            Faults.Add($"{file.Path}, at byte 96: its reference counts are of 2 to the power of {header.refcount_order} bits, which cannot be.");
            return;
        }

        var clusterSize = 1L << _clusterBits;
        var (offset, length) = ((long)header.refcount_table_offset, header.refcount_table_clusters * clusterSize);
        if (offset <= 0 || offset % clusterSize != 0 || length > MaxTable || offset > file.Length - length)
        {
            Faults.Add($"{file.Path}, at byte 48: its table of reference counts is said to be at byte {header.refcount_table_offset:N0} and to have {length:N0} bytes, which cannot be.");
            return;
        }

        var table = file.Read(offset, (int)length);
        _blocks = new long[Math.Min(table.Length / sizeof(ulong), (clusters >> CountsBits) + 1)];
        for (var i = 0; i < table.Length / sizeof(ulong); i++)
        {
            var entry = BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(i * sizeof(ulong)));
            if (entry == 0)
                continue;
            if ((entry & Reserved) != 0 || entry % (ulong)clusterSize != 0 || entry > (ulong)file.Length || (long)entry > file.Length - clusterSize)
                Faults.Add($"{file.Path}, at byte {offset + (i * sizeof(ulong)):N0}: a block of reference counts is said to be at byte {entry:N0}, where none can be.");
            else if (!_places.Add((long)entry))
                Faults.Add($"{file.Path}, at byte {offset + (i * sizeof(ulong)):N0}: the block of reference counts at byte {entry:N0} is used twice.");
            else if (i < _blocks.Length)
                _blocks[i] = (long)entry;
        }
    }

    /// <summary>What is wrong with the table.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Where its blocks lie.</summary>
    public IReadOnlyCollection<long> Blocks => _places;

    /// <summary>By how many bits of a cluster's number its place in its block is said.</summary>
    private int CountsBits => _clusterBits + 3 - _order;

    /// <summary>A cluster's reference count; 0 where there is no block for it.</summary>
    /// <param name="cluster">The cluster's number.</param>
    public ulong this[long cluster]
    {
        get
        {
            var index = cluster >> CountsBits;
            if (index >= _blocks.Length || _blocks[index] == 0)
                return 0;
            if (_blockOf != index)
            {
                _block = _file.Read(_blocks[index], 1 << _clusterBits);
                _blockOf = index;
            }

            var within = (int)(cluster & ((1L << CountsBits) - 1));
            return _order switch
            {
                < 3 => (ulong)(_block[within >> (3 - _order)] >> ((within & ((1 << (3 - _order)) - 1)) << _order)) & ((1UL << (1 << _order)) - 1),
                3 => _block[within],
                4 => BinaryPrimitives.ReadUInt16BigEndian(_block.AsSpan(within * 2)),
                5 => BinaryPrimitives.ReadUInt32BigEndian(_block.AsSpan(within * 4)),
                _ => BinaryPrimitives.ReadUInt64BigEndian(_block.AsSpan(within * 8)),
            };
        }
    }
}
