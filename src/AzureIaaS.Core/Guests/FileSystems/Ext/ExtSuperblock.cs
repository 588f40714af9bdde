using System.Text;

namespace AzureIaaS.Guests.FileSystems.Ext;

/// <summary>The superblock (ext4_super_block), as far as it is read.</summary>
internal sealed class ExtSuperblock
{
    private const int SuperblockAt = 1024;
    private const uint IncompatCompression = 0x1;
    private const uint IncompatRecover = 0x4;
    private const uint IncompatJournalDevice = 0x8;
    private const uint IncompatMetaBlockGroups = 0x10;
    private const uint Incompat64Bit = 0x80;
    private const uint IncompatEncrypt = 0x10000;

    /// <summary>Reads it.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public ExtSuperblock(Volume volume)
    {
        var super = volume.Bytes(SuperblockAt, 1024);
        var logBlockSize = Le.U32(super, 24);
        if (Le.U16(super, 56) != 0xEF53 || logBlockSize > 6)
            throw new FileSystemException("its superblock is damaged");
        BlockSize = 1024 << (int)logBlockSize;
        Inodes = Le.U32(super, 0);
        InodesPerGroup = Le.U32(super, 40);
        InodeSize = Le.U32(super, 76) == 0 ? 128 : Le.U16(super, 88);
        var incompat = Le.U32(super, 96);
        if ((incompat & (IncompatCompression | IncompatJournalDevice | IncompatMetaBlockGroups | IncompatEncrypt)) != 0)
            throw new FileSystemException($"it uses features that are not read (0x{incompat:x})");
        DescriptorSize = (incompat & Incompat64Bit) != 0 ? Le.U16(super, 254) : 32;
        if (InodesPerGroup == 0 || InodeSize is < 128 or > 4096 || DescriptorSize is < 32 or > 1024)
            throw new FileSystemException("its superblock has numbers that cannot be");
        DescriptorsAt = ((long)Le.U32(super, 20) + 1) * BlockSize;
        NeedsRecovery = (incompat & IncompatRecover) != 0;
        JournalInode = Le.U32(super, 224);
        Id = new Guid(super.AsSpan(104, 16), bigEndian: true).ToString();
        Label = Encoding.UTF8.GetString(super, 120, 16).TrimEnd('\0');
    }

    /// <summary>A block's size in bytes.</summary>
    public int BlockSize { get; }

    /// <summary>How many inodes there are.</summary>
    public uint Inodes { get; }

    /// <summary>How many of them are in a group.</summary>
    public uint InodesPerGroup { get; }

    /// <summary>An inode's size in bytes.</summary>
    public int InodeSize { get; }

    /// <summary>A group descriptor's size in bytes.</summary>
    public int DescriptorSize { get; }

    /// <summary>Where the group descriptors lie, in bytes.</summary>
    public long DescriptorsAt { get; }

    /// <summary>Whether the journal has to be replayed before the file system is read.</summary>
    public bool NeedsRecovery { get; }

    /// <summary>The journal's inode; 0 where it lies on another device.</summary>
    public uint JournalInode { get; }

    /// <summary>Its UUID.</summary>
    public string Id { get; }

    /// <summary>Its name.</summary>
    public string Label { get; }
}
