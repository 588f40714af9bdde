namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>Reads the extents of a data fork: a list in the inode, or a B+tree below it (xfs_bmbt).</summary>
internal sealed class XfsFork
{
    private const int RecordSize = 16;
    private const int MaxLevels = 9;
    private const int MaxNodes = 4096;

    private readonly Volume _volume;
    private readonly XfsGeometry _geometry;
    private readonly List<FileRun> _runs = [];
    private int _nodesLeft = MaxNodes;

    private XfsFork(Volume volume, XfsGeometry geometry) => (_volume, _geometry) = (volume, geometry);

    /// <summary>The runs of what an inode holds.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="geometry">Its superblock.</param>
    /// <param name="inode">The inode.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public static List<FileRun> Runs(Volume volume, XfsGeometry geometry, XfsInode inode)
    {
        var fork = new XfsFork(volume, geometry);
        if (inode.Format == ForkFormat.Extents)
        {
            if (inode.Extents > (ulong)(inode.Fork.Length / RecordSize))
                throw Damaged();
            fork.AddRecords(inode.Fork, 0, (int)inode.Extents);
        }
        else if (inode.Format == ForkFormat.BTree)
        {
            var (level, records) = (Be.U16(inode.Fork, 0), Be.U16(inode.Fork, 2));
            var most = (inode.Fork.Length - 4) / RecordSize;
            if (level is 0 or > MaxLevels || records > most)
                throw Damaged();
            for (var i = 0; i < records; i++)
                fork.Walk(Be.U64(inode.Fork, 4 + (8 * most) + (8 * i)), level - 1);
        }
        else
        {
            throw Damaged();
        }

        return fork._runs;
    }

    private static FileSystemException Damaged() => new("an extent list of it is damaged");

    private void Walk(ulong block, int level)
    {
        // Levels only fall, so that no tree leads round; a hostile one could still name the same node over and over.
        if (--_nodesLeft < 0)
            throw Damaged();
        var node = _volume.Bytes(_geometry.PlaceOf(block), _geometry.BlockSize);
        var header = _geometry.IsVersion5 ? 72 : 24;
        if (!node.AsSpan().StartsWith(_geometry.IsVersion5 ? "BMA3"u8 : "BMAP"u8) || Be.U16(node, 4) != level)
            throw Damaged();
        int records = Be.U16(node, 6), most = (node.Length - header) / RecordSize;
        if (records > most)
            throw Damaged();
        if (level == 0)
        {
            AddRecords(node, header, records);
            return;
        }

        for (var i = 0; i < records; i++)
            Walk(Be.U64(node, header + (8 * most) + (8 * i)), level - 1);
    }

    /// <summary>Adds extents, each of 128 bits: unwritten 1, offset in the file 54, block 52, count of blocks 21.</summary>
    private void AddRecords(byte[] bytes, int at, int count)
    {
        for (var i = 0; i < count; i++, at += RecordSize)
        {
            var (high, low) = (Be.U64(bytes, at), Be.U64(bytes, at + 8));
            if (high >> 63 != 0)
                continue;   // allocated and never written: zeros
            var offset = (long)(high >> 9);
            if (offset > long.MaxValue / 4 / _geometry.BlockSize)
                throw Damaged();
            _runs.Add(new FileRun(offset * _geometry.BlockSize, (long)(low & 0x1F_FFFF) * _geometry.BlockSize, _geometry.PlaceOf(((high & 0x1FF) << 43) | (low >> 21))));
        }
    }
}
