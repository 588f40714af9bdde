namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>What an item is (btrfs_tree.h).</summary>
internal static class BtrfsItem
{
    /// <summary>INODE_ITEM.</summary>
    public const byte Inode = 1;

    /// <summary>DIR_ITEM: a name, by its hash.</summary>
    public const byte Name = 84;

    /// <summary>DIR_INDEX: a name, by its number in the folder.</summary>
    public const byte NameIndex = 96;

    /// <summary>EXTENT_DATA.</summary>
    public const byte Extent = 108;

    /// <summary>ROOT_ITEM: a tree.</summary>
    public const byte Root = 132;

    /// <summary>CHUNK_ITEM: where a range of addresses lies.</summary>
    public const byte Chunk = 228;
}

/// <summary>A key of a tree; trees are in its order.</summary>
/// <param name="Id">What it belongs to (objectid).</param>
/// <param name="Type">What the item is.</param>
/// <param name="Offset">What it means depends on the type.</param>
internal readonly record struct BtrfsKey(ulong Id, byte Type, ulong Offset) : IComparable<BtrfsKey>
{
    /// <summary>Its size on disk in bytes.</summary>
    public const int Size = 17;

    /// <summary>Reads a key.</summary>
    /// <param name="bytes">What it is in.</param>
    /// <param name="at">Where it starts.</param>
    public static BtrfsKey Read(ReadOnlySpan<byte> bytes, int at) => new(Le.U64(bytes, at), Fields.Slice(bytes, at + 8, 1)[0], Le.U64(bytes, at + 9));

    /// <inheritdoc/>
    public int CompareTo(BtrfsKey other) => (Id, Type, Offset).CompareTo((other.Id, other.Type, other.Offset));
}
