using System.Text;

namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>The superblock (xfs_dsb): sizes, and where inodes and blocks lie.</summary>
internal sealed class XfsGeometry
{
    private const uint FileTypes = 1;
    private const uint NeedsRepair = 0x10;
    private const uint KnownIncompat = 0x1FF;
    private const uint Version2FileTypes = 0x200;

    private readonly long _agBlocks;
    private readonly uint _agCount;
    private readonly int _agBlockLog;
    private readonly int _perBlockLog;

    /// <summary>Reads the superblock.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public XfsGeometry(Volume volume)
    {
        var super = volume.Bytes(0, 512);
        var version = Be.U16(super, 100) & 0xF;
        if (version is not (4 or 5))
            throw new FileSystemException($"it is XFS of version {version}, which is not read");
        IsVersion5 = version == 5;
        var incompat = IsVersion5 ? Be.U32(super, 216) : 0;
        if ((incompat & ~KnownIncompat) != 0)
            throw new FileSystemException($"it uses features that are not read (0x{incompat:x})");
        NeedsRepairing = (incompat & NeedsRepair) != 0;
        HasFileTypes = IsVersion5 ? (incompat & FileTypes) != 0 : (Be.U32(super, 200) & Version2FileTypes) != 0;
        var (blockLog, inodeLog) = (super[120], super[122]);
        _agBlocks = Be.U32(super, 84);
        _agCount = Be.U32(super, 88);
        _agBlockLog = super[124];
        _perBlockLog = super[123];
        if (blockLog is < 9 or > 16 || inodeLog is < 8 or > 11 || inodeLog > blockLog || _perBlockLog != blockLog - inodeLog || super[192] > 7 || blockLog + super[192] > 16
            || _agBlocks is 0 || _agBlockLog > 32 || _agBlocks > 1L << _agBlockLog || _agCount == 0)
            throw new FileSystemException("its superblock has numbers that cannot be");
        BlockSize = 1 << blockLog;
        FolderBlockSize = BlockSize << super[192];
        InodeSize = 1 << inodeLog;
        RootInode = Be.U64(super, 56);
        (LogStart, LogLength) = (Be.U64(super, 48), Be.U32(super, 96) * (long)BlockSize);
        Id = new Guid(super.AsSpan(32, 16), bigEndian: true).ToString();
        Label = Encoding.UTF8.GetString(super, 108, 12).TrimEnd('\0');
    }

    /// <summary>Whether structures carry checksums and where they belong (version 5).</summary>
    public bool IsVersion5 { get; }

    /// <summary>Whether a name in a folder carries the kind of what it names.</summary>
    public bool HasFileTypes { get; }

    /// <summary>Whether xfs_repair left it unfinished.</summary>
    public bool NeedsRepairing { get; }

    /// <summary>A block's size in bytes.</summary>
    public int BlockSize { get; }

    /// <summary>A folder's block's size in bytes.</summary>
    public int FolderBlockSize { get; }

    /// <summary>An inode's size in bytes.</summary>
    public int InodeSize { get; }

    /// <summary>The root folder's inode.</summary>
    public ulong RootInode { get; }

    /// <summary>The log's first block; 0 where it lies on another device.</summary>
    public ulong LogStart { get; }

    /// <summary>The log's length in bytes.</summary>
    public long LogLength { get; }

    /// <summary>Its UUID.</summary>
    public string Id { get; }

    /// <summary>Its name.</summary>
    public string Label { get; }

    /// <summary>Where a block lies, in bytes: its number's high bits are its allocation group, the low ones its place in it.</summary>
    /// <param name="block">The block's number.</param>
    public long PlaceOf(ulong block)
    {
        var (group, within) = (block >> _agBlockLog, (long)(block & ((1UL << _agBlockLog) - 1)));
        if (group >= _agCount || within >= _agBlocks)
            throw new FileSystemException($"it refers to the block {block}, which it does not have");
        return (((long)group * _agBlocks) + within) * BlockSize;
    }

    /// <summary>Where an inode lies, in bytes.</summary>
    /// <param name="inode">The inode's number.</param>
    public long PlaceOfInode(ulong inode) => PlaceOf(inode >> _perBlockLog) + ((long)(inode & ((1UL << _perBlockLog) - 1)) * InodeSize);
}
