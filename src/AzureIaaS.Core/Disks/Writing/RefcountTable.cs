using System.Buffers.Binary;

namespace AzureIaaS.Disks.Writing;

/// <summary>How often each cluster of a qcow2 is used (QEMU docs/interop/qcow2.txt, "Host cluster management"), in counts of 16 bits.</summary>
/// <param name="clusterBits">The size of a cluster, as a power of two.</param>
internal sealed class RefcountTable(int clusterBits)
{
    private readonly List<ushort> _counts = [];

    private int ClusterSize => 1 << clusterBits;

    private int PerBlock => ClusterSize / sizeof(ushort);

    /// <summary>Counts one use of every cluster that a range touches.</summary>
    /// <param name="at">Where the range starts in the file.</param>
    /// <param name="length">How long it is, in bytes.</param>
    public void Add(long at, long length)
    {
        var last = (int)((at + length - 1) >> clusterBits);
        while (_counts.Count <= last)
            _counts.Add(0);
        for (var cluster = (int)(at >> clusterBits); cluster <= last; cluster++)
            _counts[cluster]++;
    }

    /// <summary>Writes the blocks of counts, their own included, and the table of them.</summary>
    /// <param name="file">The file.</param>
    /// <param name="at">Where they may start; a multiple of the cluster size, and the end of everything else.</param>
    /// <returns>Where the table is, how many clusters it has, and where the file ends.</returns>
    public (long TableAt, long TableClusters, long End) Write(OutputFile file, long at)
    {
        // Blocks and table count themselves, so how many there are follows from how many there are.
        long blocks = 0, tables = 0;
        while (true)
        {
            var clusters = (at >> clusterBits) + blocks + tables;
            var neededBlocks = (clusters + PerBlock - 1) / PerBlock;
            var neededTables = ((neededBlocks * sizeof(ulong)) + ClusterSize - 1) / ClusterSize;
            if (neededBlocks == blocks && neededTables == tables)
                break;
            (blocks, tables) = (neededBlocks, neededTables);
        }

        Add(at, (blocks + tables) << clusterBits);
        var table = new byte[tables << clusterBits];
        var block = new byte[ClusterSize];
        for (var i = 0; i < blocks; i++)
        {
            block.AsSpan().Clear();
            for (var j = 0; j < PerBlock && (i * PerBlock) + j < _counts.Count; j++)
                BinaryPrimitives.WriteUInt16BigEndian(block.AsSpan(j * sizeof(ushort)), _counts[(i * PerBlock) + j]);
            var place = at + ((long)i << clusterBits);
            file.Write(place, block);
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(i * sizeof(ulong)), place);
        }

        var tableAt = at + (blocks << clusterBits);
        file.Write(tableAt, table);
        return (tableAt, tables, tableAt + table.Length);
    }
}
