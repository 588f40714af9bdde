using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Guests.FileSystems;

/// <summary>ext2, ext3 and ext4 (kernel.org, Documentation/filesystems/ext4), its fields named as there. The journal is not replayed.</summary>
internal sealed class ExtFileSystem : GuestFileSystem
{
    private const int SuperblockAt = 1024;
    private const int RootInode = 2;
    private const int MaxLinks = 40;
    private const int MaxExtentDepth = 5;
    private const uint IncompatCompression = 0x1;
    private const uint IncompatJournalDevice = 0x8;
    private const uint IncompatMetaBlockGroups = 0x10;
    private const uint Incompat64Bit = 0x80;
    private const uint IncompatEncrypt = 0x10000;
    private const uint FlagExtents = 0x80000;
    private const uint FlagInlineData = 0x10000000;

    private readonly DiskReader _read;
    private readonly long _length;
    private readonly int _blockSize;
    private readonly uint _inodesPerGroup;
    private readonly uint _inodesCount;
    private readonly int _inodeSize;
    private readonly int _descriptorSize;
    private readonly long _descriptorsAt;

    /// <summary>Opens a file system.</summary>
    /// <param name="length">The volume's length in bytes.</param>
    /// <param name="read">Reads from the volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public ExtFileSystem(long length, DiskReader read)
    {
        (_length, _read) = (length, read);
        var super = Bytes(SuperblockAt, 1024);
        var logBlockSize = U32(super, 24);
        if (U16(super, 56) != 0xEF53 || logBlockSize > 6)
            throw new FileSystemException("its superblock is damaged");
        _blockSize = 1024 << (int)logBlockSize;
        _inodesCount = U32(super, 0);
        _inodesPerGroup = U32(super, 40);
        _inodeSize = U32(super, 76) == 0 ? 128 : U16(super, 88);
        var incompat = U32(super, 96);
        if ((incompat & (IncompatCompression | IncompatJournalDevice | IncompatMetaBlockGroups | IncompatEncrypt)) != 0)
            throw new FileSystemException($"it uses features that are not read (0x{incompat:x})");
        _descriptorSize = (incompat & Incompat64Bit) != 0 ? U16(super, 254) : 32;
        if (_inodesPerGroup == 0 || _inodeSize is < 128 or > 4096 || _descriptorSize is < 32 or > 1024)
            throw new FileSystemException("its superblock has numbers that cannot be");
        _descriptorsAt = ((long)U32(super, 20) + 1) * _blockSize;
        Label = Encoding.UTF8.GetString(super, 120, 16).TrimEnd('\0');
    }

    /// <summary>The volume's name.</summary>
    public string Label { get; }

    /// <inheritdoc/>
    public override bool Exists(string path) => Find(path) is not null;

    /// <inheritdoc/>
    public override byte[]? Read(string path) => Find(path) is { IsFile: true } inode ? Content(inode) : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(string path) => Find(path) is { IsFolder: true } inode ? [.. Entries(inode).Select(e => e.Name).Where(n => n is not ("." or ".."))] : [];

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static IEnumerable<string> Backwards(string path) => Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries));

    private byte[] Bytes(long offset, int length)
    {
        if (offset < 0 || offset > _length - length)
            throw new FileSystemException($"it refers to byte {offset}, beyond the end of its volume");
        var bytes = new byte[length];
        _read(offset, bytes);
        return bytes;
    }

    private Inode? Find(string path)
    {
        var links = 0;
        var rest = new Stack<string>(Backwards(path));
        var folders = new Stack<Inode>([Open(RootInode)]);
        while (rest.TryPop(out var name))
        {
            if (name == ".")
                continue;
            if (name == "..")
            {
                if (folders.Count > 1)
                    folders.Pop();
                continue;
            }

            if (!folders.Peek().IsFolder)
                return null;
            var number = Entries(folders.Peek()).FirstOrDefault(e => e.Name == name).Number;
            if (number == 0)
                return null;
            var inode = Open(number);
            if (!inode.IsLink)
            {
                folders.Push(inode);
                continue;
            }

            if (++links > MaxLinks)
                throw new FileSystemException("its symbolic links lead round in a circle");
            var target = Encoding.UTF8.GetString(Content(inode));
            if (target.StartsWith('/'))
                folders = new Stack<Inode>([Open(RootInode)]);
            foreach (var part in Backwards(target))
                rest.Push(part);
        }

        return folders.Peek();
    }

    private Inode Open(uint number)
    {
        if (number == 0 || number > _inodesCount)
            throw new FileSystemException($"it refers to the inode {number}, which cannot be");
        var (group, index) = Math.DivRem(number - 1, _inodesPerGroup);
        var descriptor = Bytes(_descriptorsAt + ((long)group * _descriptorSize), _descriptorSize);
        var table = U32(descriptor, 8) | (_descriptorSize >= 64 ? (long)U32(descriptor, 40) << 32 : 0);
        return new Inode(Bytes((table * _blockSize) + ((long)index * _inodeSize), 128));
    }

    private IEnumerable<(string Name, uint Number)> Entries(Inode folder)
    {
        var bytes = Content(folder);
        for (var at = 0; at <= bytes.Length - 8;)
        {
            var (number, length, nameLength) = (U32(bytes, at), U16(bytes, at + 4), bytes[at + 6]);
            if (length < 8 || length % 4 != 0 || at + length > bytes.Length || nameLength > length - 8)
                throw new FileSystemException("a folder of it is damaged");
            if (number != 0)
                yield return (Encoding.UTF8.GetString(bytes, at + 8, nameLength), number);
            at += length;
        }
    }

    private byte[] Content(Inode inode)
    {
        if (inode.Size > MaxFile)
            throw new FileSystemException($"a file of it has {inode.Size:N0} bytes, more than is read");
        if ((inode.Flags & FlagInlineData) != 0 && (inode.IsFolder || inode.Size > 60))
            throw new FileSystemException("it keeps folders and small files in their inodes (inline_data), which is not read");
        if ((inode.Flags & FlagInlineData) != 0 || (inode.IsLink && inode.Size < 60 && (inode.Flags & FlagExtents) == 0))
            return inode.Block[..(int)inode.Size];
        var content = new byte[inode.Size];

        // A right tree has no more nodes than the file has blocks, and fills no byte twice: a hostile one would be walked for ever.
        var left = new Budget { Nodes = (content.Length / _blockSize) + MaxExtentDepth + 1, Bytes = content.Length };
        if ((inode.Flags & FlagExtents) != 0)
            ReadExtents(inode.Block, content, MaxExtentDepth, left);
        else
            ReadBlocks(inode.Block, content);
        return content;
    }

    private void ReadExtents(byte[] node, byte[] content, int depthLeft, Budget left)
    {
        var (entries, depth) = (U16(node, 2), U16(node, 6));
        if (U16(node, 0) != 0xF30A || depth > depthLeft || --left.Nodes < 0 || 12 + (entries * 12) > node.Length)
            throw new FileSystemException("an extent tree of it is damaged");
        for (var i = 0; i < entries; i++)
        {
            var entry = node.AsSpan(12 + (i * 12), 12);
            if (depth > 0)
            {
                ReadExtents(Bytes((U32(entry, 4) | ((long)U16(entry, 8) << 32)) * _blockSize, _blockSize), content, depth - 1, left);
                continue;
            }

            // Longer than 32768 blocks means allocated and never written: zeros.
            int blocks = U16(entry, 4);
            if (blocks <= 32768)
                Fill(content, U32(entry, 0), U32(entry, 8) | ((long)U16(entry, 6) << 32), blocks, left);
        }
    }

    private void ReadBlocks(byte[] pointers, byte[] content)
    {
        long block = 0;
        for (var i = 0; i < 12; i++)
            Fill(content, block++, U32(pointers, i * 4), 1);
        for (var level = 1; level <= 3; level++)
            block = ReadIndirect(U32(pointers, (11 + level) * 4), level, block, content);
    }

    private long ReadIndirect(uint pointer, int level, long block, byte[] content)
    {
        var perBlock = _blockSize / 4;
        var covered = (long)Math.Pow(perBlock, level);
        if (pointer == 0 || block * _blockSize >= content.Length)
            return block + covered;
        var pointers = Bytes((long)pointer * _blockSize, _blockSize);
        for (var i = 0; i < perBlock; i++)
        {
            if (level == 1)
                Fill(content, block++, U32(pointers, i * 4), 1);
            else
                block = ReadIndirect(U32(pointers, i * 4), level - 1, block, content);
        }

        return block;
    }

    private void Fill(byte[] content, long block, long place, int blocks, Budget? left = null)
    {
        var at = block * _blockSize;
        if (place == 0 || at >= content.Length)
            return;
        var part = content.AsSpan((int)at, (int)Math.Min((long)blocks * _blockSize, content.Length - at));
        if (left is not null && (left.Bytes -= part.Length) < 0)
            throw new FileSystemException("an extent tree of it is damaged");
        var offset = place * _blockSize;
        if (offset < 0 || offset > _length - part.Length)
            throw new FileSystemException($"it refers to byte {offset}, beyond the end of its volume");
        _read(offset, part);
    }

    private sealed class Budget
    {
        public int Nodes { get; set; }

        public long Bytes { get; set; }
    }

    private sealed class Inode(byte[] bytes)
    {
        public uint Flags { get; } = U32(bytes, 32);

        public long Size { get; } = U32(bytes, 4) | ((long)(U32(bytes, 108) & 0x7FFF_FFFF) << 32);

        public byte[] Block { get; } = bytes[40..100];

        public bool IsFile => Kind == 8;

        public bool IsFolder => Kind == 4;

        public bool IsLink => Kind == 10;

        private int Kind => U16(bytes, 0) >> 12;
    }
}
