using System.Text;

namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>A node of a subvolume.</summary>
/// <param name="Tree">The subvolume.</param>
/// <param name="Id">The inode's number in it.</param>
/// <param name="Mode">Its kind and rights.</param>
/// <param name="Size">The length of what it holds, in bytes.</param>
internal sealed record BtrfsNode(BtrfsTree Tree, ulong Id, int Mode, long Size);

/// <summary>
/// Btrfs (btrfs.readthedocs.io, On-disk Format), its structures named as there. Paths start at the subvolume that holds the system: the default one, or the one that
/// installers call so. The log tree is not replayed; whether it would have to be is said.
/// </summary>
internal sealed class BtrfsFileSystem : UnixFileSystem<BtrfsNode>
{
    private const int SystemChunksAt = 0x32B;
    private const int MaxSystemChunks = 2048;
    private const ulong ChunkTree = 256;
    private const ulong TopSubvolume = 5;
    private const ulong FirstInode = 256;
    private const int RootLevelAt = 238;
    private const int MaxExtents = 1 << 20;
    private const int MaxTopFolders = 100;

    // Mixed metadata, large nodes, compression, skinny metadata, no holes, metadata UUIDs, RAID1C34, and what else changes nothing that is read.
    private const ulong KnownIncompat = 0xFFF & ~(1UL << 7);

    private static readonly string[] SystemSubvolumes = ["@", "root", "@rootfs", "rootfs"];

    private readonly IReadOnlyDictionary<ulong, Volume> _devices;
    private readonly BtrfsChunks _chunks;
    private readonly int _sectorSize;
    private readonly BtrfsNodes _nodes;
    private readonly BtrfsTree _roots;
    private readonly BtrfsNode _root;

    /// <summary>Opens a file system.</summary>
    /// <param name="volume">A device of it.</param>
    /// <param name="others">The machine's other Btrfs devices, whichever file system they belong to.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public BtrfsFileSystem(Volume volume, IReadOnlyList<Volume> others)
    {
        var devices = BtrfsDevice.Find(volume, others);
        var super = devices.MaxBy(d => d.Generation)!.Superblock;
        _devices = devices.ToDictionary(d => d.Number, d => d.Volume);
        _chunks = new BtrfsChunks(_devices);
        var incompat = Le.U64(super, 0xBC);
        if ((incompat & ~KnownIncompat) != 0)
            throw new FileSystemException($"it uses features that are not read (0x{incompat:x})");
        var nodeSize = Le.U32(super, 0x94);
        if (nodeSize is < 4096 or > 65536 || (nodeSize & (nodeSize - 1)) != 0 || Le.U32(super, 0x90) is < 4096 or > 65536)
            throw new FileSystemException("its superblock has numbers that cannot be");
        _sectorSize = (int)Le.U32(super, 0x90);
        MissingDevices = (int)Math.Clamp(Le.Place(super, 0x88) - devices.Count, 0, int.MaxValue);
        Id = new Guid(super.AsSpan(0x20, 16), bigEndian: true).ToString();
        Label = Encoding.UTF8.GetString(super, 0x12B, 256).Split('\0')[0];
        IsDirty = Le.U64(super, 0x60) != 0;
        (Log, Stale) = IsDirty ? (LogState.NotReplayed, "its log tree is not replayed") : (LogState.Clean, null);

        // A few chunks are listed here, so that the tree of all chunks can be found.
        var end = SystemChunksAt + (int)Math.Min(Le.U32(super, 0xA0), MaxSystemChunks);
        for (var at = SystemChunksAt; at < end;)
            at += BtrfsKey.Size + _chunks.Add(BtrfsKey.Read(super, at).Offset, Fields.Slice(super, at + BtrfsKey.Size, super.Length - at - BtrfsKey.Size));
        _nodes = new BtrfsNodes(_chunks, (int)nodeSize);
        foreach (var (key, data) in new BtrfsTree(_nodes, Le.U64(super, 0x58), super[0xC7]).Items(ChunkTree, BtrfsItem.Chunk).ToList())
            _chunks.Add(key.Offset, data.Span);
        _roots = new BtrfsTree(_nodes, Le.U64(super, 0x50), super[0xC6]);
        _root = SystemRoot(Le.U64(super, 0x80));
    }

    /// <summary>The same file system from another folder on.</summary>
    private BtrfsFileSystem(BtrfsFileSystem whole, BtrfsNode root)
    {
        (_devices, _chunks, _sectorSize, _nodes, _roots, _root) = (whole._devices, whole._chunks, whole._sectorSize, whole._nodes, whole._roots, root);
        (Id, Label, IsDirty, Log, Stale, MissingDevices) = (whole.Id, whole.Label, whole.IsDirty, whole.Log, whole.Stale, whole.MissingDevices);
    }

    /// <inheritdoc/>
    public override bool LiesOn(Volume volume) => _devices.Values.Contains(volume);

    /// <inheritdoc/>
    public override GuestFileSystem? Subvolume(string path)
    {
        var node = Subvolume(TopSubvolume);
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (KindOf(node) != NodeKind.Folder || Child(node, name) is not { } child)
                return null;
            node = child;
        }

        return KindOf(node) == NodeKind.Folder ? new BtrfsFileSystem(this, node) : null;
    }

    /// <inheritdoc/>
    protected override BtrfsNode Root => _root;

    /// <inheritdoc/>
    protected override NodeKind KindOf(BtrfsNode node) => KindOf(node.Mode);

    /// <inheritdoc/>
    protected override BtrfsNode? Child(BtrfsNode folder, string name)
    {
        foreach (var (_, data) in folder.Tree.Items(folder.Id, BtrfsItem.NameIndex))
        {
            if (NameOf(data.Span) != name)
                continue;
            var location = BtrfsKey.Read(data.Span, 0);
            return location.Type == BtrfsItem.Root ? Subvolume(location.Id) : Open(folder.Tree, location.Id);
        }

        return null;
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> Names(BtrfsNode folder) => folder.Tree.Items(folder.Id, BtrfsItem.NameIndex).Select(i => NameOf(i.Data.Span));

    /// <inheritdoc/>
    protected override GuestFile Content(BtrfsNode node)
    {
        var extents = node.Tree.Items(node.Id, BtrfsItem.Extent).Take(MaxExtents).Select(i => BtrfsExtent.Read(i.Key.Offset, i.Data));
        return new BtrfsFile(_chunks, _sectorSize, node.Size, extents);
    }

    private static string NameOf(ReadOnlySpan<byte> item) => Encoding.UTF8.GetString(Fields.Slice(item, 30, Le.U16(item, 27)));

    private static BtrfsNode Open(BtrfsTree tree, ulong id)
    {
        var (_, data) = tree.Items(id, BtrfsItem.Inode).FirstOrDefault();
        return data.IsEmpty ? throw new FileSystemException($"it refers to the inode {id}, which it does not have") : new BtrfsNode(tree, id, (int)Le.U32(data.Span, 52), Le.Place(data.Span, 16));
    }

    private BtrfsNode Subvolume(ulong id)
    {
        // A subvolume that was a snapshot once has its item at the number of that time; there is one.
        var (_, data) = _roots.Items(id, BtrfsItem.Root).FirstOrDefault();
        if (data.IsEmpty)
            throw new FileSystemException($"it refers to the subvolume {id}, which it does not have");
        return Open(new BtrfsTree(_nodes, Le.U64(data.Span, 176), Fields.Slice(data.Span, RootLevelAt, 1)[0]), FirstInode);
    }

    private BtrfsNode SystemRoot(ulong rootFolder)
    {
        var chosen = _roots.Items(rootFolder, BtrfsItem.Name).Where(i => NameOf(i.Data.Span) == "default").Select(i => BtrfsKey.Read(i.Data.Span, 0).Id).FirstOrDefault(TopSubvolume);
        var root = Subvolume(chosen);
        if (Child(root, "etc") is not null)
            return root;
        return SystemSubvolumes.Concat(Names(root).Take(MaxTopFolders)).Select(n => Child(root, n)).FirstOrDefault(s => s is not null && KindOf(s) == NodeKind.Folder && Child(s, "etc") is not null) ?? root;
    }
}
