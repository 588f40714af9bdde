namespace AzureIaaS.Guests.FileSystems;

/// <summary>Names a file system (or what else fills a volume) by the magic number its specification gives it.</summary>
public static class FileSystemSignature
{
    private static readonly (int Offset, byte[] Magic, string Name)[] Known =
    [
        (0x438, [0x53, 0xEF], "ext"),
        (3, [.. "NTFS    "u8], "NTFS"),
        (3, [.. "EXFAT   "u8], "exFAT"),
        (3, [.. "ReFS\0\0\0\0"u8], "ReFS"),
        (3, [.. "-FVE-FS-"u8], "BitLocker"),
        (54, [.. "FAT12   "u8], "FAT"),
        (54, [.. "FAT16   "u8], "FAT"),
        (82, [.. "FAT32   "u8], "FAT"),
        (0, [.. "XFSB"u8], "XFS"),
        (0x10040, [.. "_BHRfS_M"u8], "Btrfs"),
        (512, [.. "LABELONE"u8], "LVM"),
        (0, [.. "LABELONE"u8], "LVM"),
        (1024, [.. "LABELONE"u8], "LVM"),
        (1536, [.. "LABELONE"u8], "LVM"),
        (4096, [0xFC, 0x4E, 0x2B, 0xA9], "Linux RAID"),
        (0, [0xFC, 0x4E, 0x2B, 0xA9], "Linux RAID"),
        (0, [.. "LUKS"u8, 0xBA, 0xBE], "LUKS"),
        (32, [.. "NXSB"u8], "APFS"),
        (1024, [.. "H+"u8], "HFS+"),
        (1024, [0x10, 0x20, 0xF5, 0xF2], "F2FS"),
        (0, [.. "hsqs"u8], "SquashFS"),
        (4086, [.. "SWAPSPACE2"u8], "swap"),
    ];

    /// <summary>Names what a volume holds.</summary>
    /// <param name="head">The volume's first bytes; 68 KiB tell all that is known.</param>
    /// <returns>The name, or null when nothing known is there.</returns>
    public static string? Recognise(ReadOnlySpan<byte> head)
    {
        foreach (var (offset, magic, name) in Known)
        {
            if (head.Length >= offset + magic.Length && head.Slice(offset, magic.Length).SequenceEqual(magic))
                return name;
        }

        return null;
    }
}
