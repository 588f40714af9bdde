using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>What a hive's file is; a transaction log begins with a copy of the hive's base block, of another type.</summary>
internal enum HiveFileType
{
    /// <summary>The hive itself.</summary>
    Primary = 0,

    /// <summary>A log of the old format (DIRT): the last write, by sectors.</summary>
    OldLog = 1,

    /// <summary>The same, as the first versions of Windows numbered it.</summary>
    VeryOldLog = 2,

    /// <summary>A log of the new format (HvLE, since Windows 8.1): one write after another.</summary>
    Log = 6,
}

/// <summary>The first sector of a hive or of a transaction log (HBASE_BLOCK).</summary>
internal sealed class HiveBaseBlock
{
    /// <summary>Its size in bytes; in a hive, the bins start further on.</summary>
    public const int Size = 512;

    /// <summary>Reads it.</summary>
    /// <param name="file">The file, not shorter than it.</param>
    public HiveBaseBlock(GuestFile file)
    {
        var bytes = new byte[Size];
        file.Read(0, bytes);
        IsHive = bytes.AsSpan().StartsWith("regf"u8) && Le.U32(bytes, 20) == 1 && Le.U32(bytes, 24) is >= 3 and <= 6;
        IsWhole = IsHive && Checksum(bytes) == Le.U32(bytes, 508);
        (Sequence, SecondSequence) = (Le.U32(bytes, 4), Le.U32(bytes, 8));
        LastWritten = Le.U64(bytes, 12);
        Type = (HiveFileType)Le.U32(bytes, 28);
        (RootCell, BinsLength) = (Le.U32(bytes, 36), Le.U32(bytes, 40));
    }

    /// <summary>Whether it is one of a version that is read.</summary>
    public bool IsHive { get; }

    /// <summary>Whether its checksum is right, too.</summary>
    public bool IsWhole { get; }

    /// <summary>The number of the write that was begun last.</summary>
    public uint Sequence { get; }

    /// <summary>The number of the write that was ended last.</summary>
    public uint SecondSequence { get; }

    /// <summary>When it was written, as a FILETIME.</summary>
    public ulong LastWritten { get; }

    /// <summary>What the file is.</summary>
    public HiveFileType Type { get; }

    /// <summary>Where the first key lies, in bytes from the start of the bins.</summary>
    public uint RootCell { get; }

    /// <summary>How long the bins are, in bytes.</summary>
    public uint BinsLength { get; }

    /// <summary>Whether a write was begun and not ended.</summary>
    public bool IsDirty => Sequence != SecondSequence;

    /// <summary>Its first 127 numbers, by exclusive or; never 0 or -1.</summary>
    private static uint Checksum(byte[] head)
    {
        uint sum = 0;
        for (var at = 0; at < 508; at += 4)
            sum ^= Le.U32(head, at);
        return sum switch
        {
            0 => 1,
            uint.MaxValue => uint.MaxValue - 1,
            _ => sum,
        };
    }
}
