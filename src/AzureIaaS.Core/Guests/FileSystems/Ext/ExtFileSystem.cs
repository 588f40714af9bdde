using System.Text;

namespace AzureIaaS.Guests.FileSystems.Ext;

/// <summary>
/// ext2, ext3 and ext4 (kernel.org, Documentation/filesystems/ext4), its fields named as there. Where the journal has to be replayed, the file system is read as it
/// is after that.
/// </summary>
internal sealed class ExtFileSystem : UnixFileSystem<ExtFileSystem.Inode>
{
    private const int RootInode = 2;
    private const int MaxExtentDepth = 5;
    private const int MaxNodes = 4096;
    private const long MaxMapped = 2L << 30;
    private const long MaxPointed = 1L << 30;
    private const uint FlagExtents = 0x80000;
    private const uint FlagInlineData = 0x10000000;

    private readonly Volume _volume;
    private readonly ExtSuperblock _super;
    private readonly int _blockSize;

    /// <summary>Opens a file system.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public ExtFileSystem(Volume volume)
    {
        (_volume, _super) = (volume, new ExtSuperblock(volume));
        _blockSize = _super.BlockSize;
        (IsDirty, Log) = (_super.NeedsRecovery, LogState.Clean);
        if (_super.NeedsRecovery)
        {
            try
            {
                var journal = OpenJournal();
                _volume = journal.Over(volume);
                _super = new ExtSuperblock(_volume);
                (Log, Stale) = journal.HasFastCommits ? (LogState.NotReplayed, "the fast commits at the end of its journal are not replayed") : (LogState.Replayed, null);
            }
            catch (FileSystemException e)
            {
                (Log, Stale) = (LogState.NotReplayed, $"its journal cannot be replayed ({e.Message})");
            }
        }

        (Id, Label) = (_super.Id, _super.Label);
    }

    /// <inheritdoc/>
    protected override Inode Root => Open(RootInode);

    /// <inheritdoc/>
    protected override NodeKind KindOf(Inode node) => KindOf(node.Mode);

    /// <inheritdoc/>
    protected override Inode? Child(Inode folder, string name)
    {
        var number = Entries(folder).FirstOrDefault(e => e.Name == name).Number;
        return number == 0 ? null : Open(number);
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> Names(Inode folder) => Entries(folder).Select(e => e.Name);

    /// <inheritdoc/>
    protected override GuestFile Content(Inode node)
    {
        var isLink = KindOf(node) == NodeKind.Link;
        if ((node.Flags & FlagInlineData) != 0 && (KindOf(node) == NodeKind.Folder || node.Size > 60))
            throw new FileSystemException("it keeps folders and small files in their inodes (inline_data), which is not read");
        if ((node.Flags & FlagInlineData) != 0 || (isLink && node.Size < 60 && (node.Flags & FlagExtents) == 0))
            return new InlineFile(node.Block[..(int)node.Size]);
        if (node.Size > ((node.Flags & FlagExtents) != 0 ? MaxMapped : MaxPointed))
            throw new FileSystemException($"a file of it has {node.Size:N0} bytes, more than is read");
        var runs = new List<FileRun>();
        if ((node.Flags & FlagExtents) != 0)
        {
            // A right tree has no more nodes than the file has blocks: a hostile one would be walked for ever.
            var nodesLeft = (int)Math.Min(MaxNodes, (node.Size / _blockSize) + MaxExtentDepth + 1);
            ReadExtents(node.Block, runs, MaxExtentDepth, ref nodesLeft);
        }
        else
        {
            ReadBlocks(node.Block, runs, node.Size);
        }

        return new RunFile(_volume, node.Size, runs);
    }

    private Inode Open(uint number)
    {
        if (number == 0 || number > _super.Inodes)
            throw new FileSystemException($"it refers to the inode {number}, which cannot be");
        var (group, index) = Math.DivRem(number - 1, _super.InodesPerGroup);
        var descriptor = _volume.Bytes(_super.DescriptorsAt + ((long)group * _super.DescriptorSize), _super.DescriptorSize);
        var table = Le.U32(descriptor, 8) | (_super.DescriptorSize >= 64 ? (long)Le.U32(descriptor, 40) << 32 : 0);
        return new Inode(_volume.Bytes((table * _blockSize) + ((long)index * _super.InodeSize), 128));
    }

    private Journal OpenJournal()
    {
        if (_super.JournalInode == 0)
            throw new FileSystemException("it lies on another device");
        return new Journal(Content(Open(_super.JournalInode)), _blockSize);
    }

    private IEnumerable<(string Name, uint Number)> Entries(Inode folder)
    {
        var bytes = Content(folder).ReadAll();
        for (var at = 0; at <= bytes.Length - 8;)
        {
            var (number, length, nameLength) = (Le.U32(bytes, at), Le.U16(bytes, at + 4), bytes[at + 6]);
            if (length < 8 || length % 4 != 0 || at + length > bytes.Length || nameLength > length - 8)
                throw new FileSystemException("a folder of it is damaged");
            if (number != 0)
                yield return (Encoding.UTF8.GetString(bytes, at + 8, nameLength), number);
            at += length;
        }
    }

    private void ReadExtents(byte[] node, List<FileRun> runs, int depthLeft, ref int nodesLeft)
    {
        var (entries, depth) = (Le.U16(node, 2), Le.U16(node, 6));
        if (Le.U16(node, 0) != 0xF30A || depth > depthLeft || --nodesLeft < 0 || 12 + (entries * 12) > node.Length)
            throw new FileSystemException("an extent tree of it is damaged");
        for (var i = 0; i < entries; i++)
        {
            var entry = node.AsSpan(12 + (i * 12), 12);
            if (depth > 0)
            {
                ReadExtents(_volume.Bytes((Le.U32(entry, 4) | ((long)Le.U16(entry, 8) << 32)) * _blockSize, _blockSize), runs, depth - 1, ref nodesLeft);
                continue;
            }

            // Longer than 32768 blocks means allocated and never written: zeros.
            int blocks = Le.U16(entry, 4);
            if (blocks <= 32768)
                Add(runs, Le.U32(entry, 0), Le.U32(entry, 8) | ((long)Le.U16(entry, 6) << 32), blocks);
        }
    }

    private void ReadBlocks(byte[] pointers, List<FileRun> runs, long size)
    {
        long block = 0;
        for (var i = 0; i < 12; i++)
            Add(runs, block++, Le.U32(pointers, i * 4), 1);
        for (var level = 1; level <= 3; level++)
            block = ReadIndirect(Le.U32(pointers, (11 + level) * 4), level, block, runs, size);
    }

    private long ReadIndirect(uint pointer, int level, long block, List<FileRun> runs, long size)
    {
        var perBlock = _blockSize / 4;
        var covered = (long)Math.Pow(perBlock, level);
        if (pointer == 0 || block * _blockSize >= size)
            return block + covered;
        var pointers = _volume.Bytes((long)pointer * _blockSize, _blockSize);
        for (var i = 0; i < perBlock; i++)
        {
            if (level == 1)
                Add(runs, block++, Le.U32(pointers, i * 4), 1);
            else
                block = ReadIndirect(Le.U32(pointers, i * 4), level - 1, block, runs, size);
        }

        return block;
    }

    private void Add(List<FileRun> runs, long block, long place, int blocks)
    {
        if (place == 0)
            return;
        var run = new FileRun(block * _blockSize, (long)blocks * _blockSize, place * _blockSize);
        if (runs.Count > 0 && runs[^1].End == run.Start && runs[^1].Place + runs[^1].Length == run.Place)
            runs[^1] = runs[^1] with { Length = runs[^1].Length + run.Length };
        else
            runs.Add(run);
    }

    /// <summary>An inode, as far as it is read.</summary>
    internal sealed class Inode(byte[] bytes)
    {
        public int Mode { get; } = Le.U16(bytes, 0);

        public uint Flags { get; } = Le.U32(bytes, 32);

        public long Size { get; } = Le.U32(bytes, 4) | ((long)(Le.U32(bytes, 108) & 0x7FFF_FFFF) << 32);

        public byte[] Block { get; } = bytes[40..100];
    }
}
