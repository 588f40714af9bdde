namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>Reads nodes of trees, the latest of them kept.</summary>
/// <param name="chunks">Where addresses lie.</param>
/// <param name="nodeSize">A node's size in bytes.</param>
internal sealed class BtrfsNodes(BtrfsChunks chunks, int nodeSize)
{
    private const int MaxKept = 128;
    private const int MaxVisits = 1 << 20;

    private readonly Dictionary<ulong, byte[]> _kept = [];
    private int _visits;

    /// <summary>Reads a node.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="level">The level it must be of; 0 is a leaf.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public byte[] Read(ulong address, int level)
    {
        // No tree that is right is asked for so much; one that names its nodes many times over would be walked for ever.
        if (++_visits > MaxVisits)
            throw new FileSystemException("its trees have more nodes than are read");
        if (_kept.TryGetValue(address, out var node))
            return node[100] == level ? node : throw Damaged(address);
        node = chunks.Bytes(address, nodeSize);
        if (Le.U64(node, 48) != address || node[100] != level)
            throw Damaged(address);
        if (_kept.Count >= MaxKept)
            _kept.Clear();
        return _kept[address] = node;
    }

    private static FileSystemException Damaged(ulong address) => new($"a node of its trees (at {address}) is damaged");
}

/// <summary>A tree of items in the order of their keys.</summary>
/// <param name="nodes">Reads its nodes.</param>
/// <param name="root">Its root's address.</param>
/// <param name="level">Its root's level.</param>
internal sealed class BtrfsTree(BtrfsNodes nodes, ulong root, int level)
{
    private const int HeaderSize = 101;
    private const int PointerSize = BtrfsKey.Size + 16;
    private const int ItemSize = BtrfsKey.Size + 8;
    private const int MaxLevel = 7;

    /// <summary>The items of one kind of one object, in order.</summary>
    /// <param name="id">The object.</param>
    /// <param name="type">The kind.</param>
    /// <exception cref="FileSystemException">The tree is damaged.</exception>
    public IEnumerable<(BtrfsKey Key, ReadOnlyMemory<byte> Data)> Items(ulong id, byte type) =>
        level <= MaxLevel ? Walk(root, level, new BtrfsKey(id, type, 0), new BtrfsKey(id, type, ulong.MaxValue)) : throw new FileSystemException("a tree of it is too deep");

    /// <summary>The items between two keys, both included.</summary>
    private IEnumerable<(BtrfsKey Key, ReadOnlyMemory<byte> Data)> Walk(ulong address, int depth, BtrfsKey first, BtrfsKey last)
    {
        var node = nodes.Read(address, depth);
        var count = (int)Math.Min(Le.U32(node, 96), node.Length);
        for (var i = 0; i < count; i++)
        {
            var at = HeaderSize + (i * (depth == 0 ? ItemSize : PointerSize));
            var key = BtrfsKey.Read(node, at);
            if (key.CompareTo(last) > 0)
                yield break;
            if (depth == 0)
            {
                if (key.CompareTo(first) >= 0)
                    yield return (key, Data(node, Le.U32(node, at + BtrfsKey.Size), Le.U32(node, at + BtrfsKey.Size + 4)));
                continue;
            }

            // What is below a pointer comes before the next pointer's key.
            if (i + 1 < count && BtrfsKey.Read(node, at + PointerSize).CompareTo(first) < 0)
                continue;
            foreach (var item in Walk(Le.U64(node, at + BtrfsKey.Size), depth - 1, first, last))
                yield return item;
        }
    }

    private static ReadOnlyMemory<byte> Data(byte[] node, long offset, long size) => offset <= node.Length - HeaderSize - size
        ? node.AsMemory(HeaderSize + (int)offset, (int)size)
        : throw new FileSystemException("a leaf of its trees is damaged");
}
