namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>XFS of versions 4 and 5 (XFS Algorithms and Data Structures, 3rd edition), its structures named as there. Where the log has to be replayed, the file system is read as it is after that.</summary>
internal sealed class XfsFileSystem : UnixFileSystem<XfsInode>
{
    private const int LinkHeader = 56;

    private readonly Volume _volume;
    private readonly XfsGeometry _geometry;

    /// <summary>Opens a file system.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public XfsFileSystem(Volume volume)
    {
        (_volume, _geometry) = (volume, new XfsGeometry(volume));
        (Label, Id) = (_geometry.Label, _geometry.Id);
        try
        {
            (_volume, Log, Stale) = Replay(volume);
            _geometry = new XfsGeometry(_volume);
        }
        catch (FileSystemException e)
        {
            _volume = volume;
            (Log, Stale) = (LogState.NotReplayed, $"its log cannot be replayed ({e.Message})");
        }

        IsDirty = _geometry.NeedsRepairing || (Log != LogState.Clean && _geometry.LogStart != 0);
    }

    /// <inheritdoc/>
    protected override XfsInode Root => Open(_geometry.RootInode);

    /// <inheritdoc/>
    protected override NodeKind KindOf(XfsInode node) => KindOf(node.Mode);

    /// <inheritdoc/>
    protected override XfsInode? Child(XfsInode folder, string name)
    {
        var inode = Entries(folder).FirstOrDefault(e => e.Name == name).Inode;
        return inode == 0 ? null : Open(inode);
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> Names(XfsInode folder) => Entries(folder).Select(e => e.Name);

    /// <inheritdoc/>
    protected override GuestFile Content(XfsInode node)
    {
        if (node.Format == ForkFormat.Local)
            return new InlineFile(Fields.Slice(node.Fork, 0, node.Size).ToArray());
        if (node.IsRealTime)
            throw new FileSystemException("a file of it lies on a real-time device, which is not read");
        return KindOf(node) == NodeKind.Link && _geometry.IsVersion5 ? WithoutHeaders(node) : new RunFile(_volume, node.Size, XfsFork.Runs(_volume, _geometry, node));
    }

    private (Volume Volume, LogState Log, string? Stale) Replay(Volume volume)
    {
        if (_geometry.LogStart == 0)
            return (volume, LogState.NotReplayed, "its log lies on another device, and was not looked at");
        var log = new XfsLog(volume, _geometry);
        if (log.IsClean)
            return (volume, LogState.Clean, null);
        var replay = new XfsLogReplay(volume, _geometry, log);
        return replay.IsUnfinished
            ? (replay.Over(), LogState.NotReplayed, "changes of files' extents that its log has begun are not finished")
            : (replay.Over(), LogState.Replayed, null);
    }

    private XfsInode Open(ulong number) => new(_volume.Bytes(_geometry.PlaceOfInode(number), _geometry.InodeSize));

    private IEnumerable<(string Name, ulong Inode)> Entries(XfsInode folder)
    {
        if (folder.Format == ForkFormat.Local)
            return XfsFolder.Short(folder.Fork, _geometry.HasFileTypes);
        var bytes = Content(folder).ReadAll();
        return bytes.Chunk(_geometry.FolderBlockSize).Where(b => b.Length == _geometry.FolderBlockSize).SelectMany(b => XfsFolder.Block(b, _geometry.HasFileTypes));
    }

    /// <summary>A symbolic link in blocks: each has a header (xfs_dsymlink_hdr) that says how much of the target it holds.</summary>
    private InlineFile WithoutHeaders(XfsInode link)
    {
        var target = new List<byte>();
        foreach (var run in XfsFork.Runs(_volume, _geometry, link))
        {
            for (var at = 0L; at < run.Length && target.Count < link.Size; at += _geometry.BlockSize)
            {
                var block = _volume.Bytes(run.Place + at, _geometry.BlockSize);
                if (!block.AsSpan().StartsWith("XSLM"u8))
                    throw new FileSystemException("a symbolic link of it is damaged");
                target.AddRange(Fields.Slice(block, LinkHeader, Be.U32(block, 8)));
            }
        }

        return new InlineFile([.. target]);
    }
}
