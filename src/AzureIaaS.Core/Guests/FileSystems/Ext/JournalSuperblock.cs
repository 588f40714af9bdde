using AzureIaaS.Disks;

namespace AzureIaaS.Guests.FileSystems.Ext;

/// <summary>The journal's first block (journal_superblock_s; kernel.org, Documentation/filesystems/ext4, "Super Block" of the journal), its fields named as there.</summary>
internal sealed class JournalSuperblock
{
    /// <summary>What every block of the journal that is none of data begins with (JBD2_MAGIC_NUMBER).</summary>
    public const uint Magic = 0xC03B3998;

    private const int Size = 1024;
    private const int ChecksumAt = 252;
    private const uint Version1 = 3;
    private const uint Version2 = 4;
    private const uint CompatChecksum = 1;
    private const uint Incompat64Bit = 2;
    private const uint IncompatChecksumV2 = 8;
    private const uint IncompatChecksumV3 = 16;
    private const uint IncompatFastCommit = 32;
    private const uint KnownIncompat = 63;
    private const byte Crc32C = 4;
    private const uint DefaultFastCommits = 256;

    /// <summary>Reads it.</summary>
    /// <param name="file">The journal.</param>
    /// <param name="blockSize">The file system's block size in bytes, which is the journal's too.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public JournalSuperblock(GuestFile file, int blockSize)
    {
        var bytes = new byte[Size];
        file.Read(0, bytes);
        var type = Be.U32(bytes, 4);
        if (Be.U32(bytes, 0) != Magic || type is not (Version1 or Version2) || Be.U32(bytes, 12) != blockSize)
            throw new FileSystemException("the superblock of its journal is damaged");
        (Blocks, First, Sequence, Start) = (Be.U32(bytes, 16), Be.U32(bytes, 20), Be.U32(bytes, 24), Be.U32(bytes, 28));

        // Version 1 had no features.
        var (compat, incompat) = type == Version1 ? (0, 0) : (Be.U32(bytes, 36), Be.U32(bytes, 40));
        if ((incompat & ~KnownIncompat) != 0)
            throw new FileSystemException($"its journal uses features that are not read (0x{incompat:x})");
        HasLongNumbers = (incompat & Incompat64Bit) != 0;
        HasFastCommits = (incompat & IncompatFastCommit) != 0;
        Checksums = (incompat & IncompatChecksumV3) != 0 ? 3 : (incompat & IncompatChecksumV2) != 0 ? 2 : (compat & CompatChecksum) != 0 ? 1 : 0;
        if (Checksums >= 2)
        {
            if (bytes[80] != Crc32C)
                throw new FileSystemException("its journal has checksums of an unknown kind");
            var expected = Be.U32(bytes, ChecksumAt);
            bytes.AsSpan(ChecksumAt, 4).Clear();
            if (Crc32.Castagnoli(uint.MaxValue, bytes) != expected)
                throw new FileSystemException("the superblock of its journal has a wrong checksum");
        }

        Seed = Crc32.Castagnoli(uint.MaxValue, bytes.AsSpan(48, 16));
        var fast = HasFastCommits ? Be.U32(bytes, 84) is > 0 and var count ? count : DefaultFastCommits : 0;
        if (First == 0 || fast >= Blocks || First >= Blocks - fast || Blocks > file.Length / blockSize || (Start != 0 && (Start < First || Start >= Blocks - fast)))
            throw new FileSystemException("the superblock of its journal has numbers that cannot be");
        End = Blocks - fast;
    }

    /// <summary>How many blocks the journal has (s_maxlen).</summary>
    public uint Blocks { get; }

    /// <summary>The first block of the log (s_first).</summary>
    public uint First { get; }

    /// <summary>The first block after the log, where fast commits start.</summary>
    public uint End { get; }

    /// <summary>The number of the first transaction that is in the log (s_sequence).</summary>
    public uint Sequence { get; }

    /// <summary>The block where that starts; 0 where the log is empty (s_start).</summary>
    public uint Start { get; }

    /// <summary>Whether blocks' numbers have 64 bits.</summary>
    public bool HasLongNumbers { get; }

    /// <summary>Whether there may be fast commits: changes told by what they do, not by blocks.</summary>
    public bool HasFastCommits { get; }

    /// <summary>0 for none; 1 for those of whole transactions, 2 and 3 for those of each block.</summary>
    public int Checksums { get; }

    /// <summary>What the checksums of blocks start from.</summary>
    public uint Seed { get; }
}
