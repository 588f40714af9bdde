namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>A device of a file system, by its superblock (btrfs_super_block), which every device has.</summary>
/// <param name="Volume">Its bytes.</param>
/// <param name="Superblock">Its superblock.</param>
internal sealed record BtrfsDevice(Volume Volume, byte[] Superblock)
{
    private const int SuperblockAt = 64 << 10;
    private const int SuperblockSize = 4096;
    private const int MagicAt = 0x40;

    /// <summary>Its number in the file system (dev_item.devid).</summary>
    public ulong Number => Le.U64(Superblock, 0xC9);

    /// <summary>How often the file system was written to when this superblock was.</summary>
    public ulong Generation => Le.U64(Superblock, 0x48);

    /// <summary>The file system's UUID.</summary>
    private ReadOnlySpan<byte> FileSystemId => Superblock.AsSpan(0x20, 16);

    /// <summary>Finds the devices of a file system.</summary>
    /// <param name="volume">One of them.</param>
    /// <param name="others">Other devices, of this file system or of others.</param>
    /// <exception cref="FileSystemException">It has no superblock.</exception>
    public static IReadOnlyList<BtrfsDevice> Find(Volume volume, IReadOnlyList<Volume> others)
    {
        var first = Read(volume) ?? throw new FileSystemException("its superblock is damaged");
        return [.. others.Where(o => o != volume && o.Length >= SuperblockAt + SuperblockSize).Select(Read).OfType<BtrfsDevice>()
            .Where(d => d.FileSystemId.SequenceEqual(first.FileSystemId)).Prepend(first).DistinctBy(d => d.Number)];
    }

    private static BtrfsDevice? Read(Volume volume)
    {
        var super = volume.Bytes(SuperblockAt, SuperblockSize);
        return super.AsSpan(MagicAt).StartsWith("_BHRfS_M"u8) ? new BtrfsDevice(volume, super) : null;
    }
}
