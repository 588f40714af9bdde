using System.Buffers.Binary;
using AzureIaaS.Disks;

namespace AzureIaaS.Guests.FileSystems.Ext;

/// <summary>What a block of the journal is (journal_header_s, h_blocktype).</summary>
internal enum JournalBlockType
{
    /// <summary>Says where the blocks after it belong.</summary>
    Descriptor = 1,

    /// <summary>Ends a transaction.</summary>
    Commit = 2,

    /// <summary>Names blocks whose earlier contents in the log no longer count.</summary>
    Revoke = 5,
}

/// <summary>A block of the file system as the log has it.</summary>
/// <param name="At">Where it lies in the journal, in blocks.</param>
/// <param name="Sequence">The transaction's number.</param>
/// <param name="IsEscaped">Whether it began with the journal's magic number, which was taken out.</param>
/// <param name="Checksum">Its checksum, where the journal has such.</param>
internal readonly record struct JournaledBlock(uint At, uint Sequence, bool IsEscaped, uint Checksum);

/// <summary>A block of the journal that is none of data.</summary>
/// <param name="super">The journal's superblock.</param>
/// <param name="bytes">The block.</param>
internal sealed class JournalBlock(JournalSuperblock super, byte[] bytes)
{
    private const int HeaderSize = 12;
    private const int RevokeHeader = 16;
    private const int TailSize = 4;
    private const int CommitChecksumAt = 16;
    private const int UuidSize = 16;
    private const int Escaped = 1;
    private const int SameUuid = 2;
    private const int Last = 8;
    private const byte ChecksumCrc32 = 1;

    /// <summary>The block.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>What it is.</summary>
    public JournalBlockType Type => (JournalBlockType)Be.U32(bytes, 4);

    /// <summary>Whether it belongs to a transaction.</summary>
    /// <param name="sequence">The transaction's number.</param>
    public bool IsOf(uint sequence) => Be.U32(bytes, 0) == JournalSuperblock.Magic && Be.U32(bytes, 8) == sequence;

    /// <summary>Whether its checksum is right; those of transactions lie elsewhere.</summary>
    public bool IsWhole()
    {
        if (super.Checksums < 2)
            return true;
        var at = Type == JournalBlockType.Commit ? CommitChecksumAt : bytes.Length - TailSize;
        var copy = bytes.ToArray();
        copy.AsSpan(at, sizeof(uint)).Clear();
        return Crc32.Castagnoli(super.Seed, copy) == Be.U32(bytes, at);
    }

    /// <summary>A commit block: the checksum of its transaction's blocks (version 1); null where it has none.</summary>
    public uint? TransactionChecksum => super.Checksums == 1 && bytes[HeaderSize] == ChecksumCrc32 ? Be.U32(bytes, CommitChecksumAt) : null;

    /// <summary>A descriptor block's tags: the blocks whose contents follow it, in order.</summary>
    public IEnumerable<(long Block, bool IsEscaped, uint Checksum)> Tags()
    {
        var size = super.Checksums == 3 ? 16 : 8 + (super.Checksums == 2 ? 2 : 0) + (super.HasLongNumbers ? 4 : 0);
        var end = bytes.Length - (super.Checksums >= 2 ? TailSize : 0);
        for (var at = HeaderSize; at <= end - size;)
        {
            var flags = super.Checksums == 3 ? Be.U32(bytes, at + 4) : Be.U16(bytes, at + 6);
            var high = super.HasLongNumbers ? Be.U32(bytes, at + 8) : 0;
            yield return (Fields.Place(Be.U32(bytes, at) | ((ulong)high << 32)), (flags & Escaped) != 0, super.Checksums == 3 ? Be.U32(bytes, at + 12) : Be.U16(bytes, at + 4));
            if ((flags & Last) != 0)
                yield break;
            at += size + ((flags & SameUuid) != 0 ? 0 : UuidSize);
        }
    }

    /// <summary>A revoke block's blocks.</summary>
    public IEnumerable<long> Revoked()
    {
        var size = super.HasLongNumbers ? 8 : 4;
        var end = (int)Math.Min(Be.U32(bytes, HeaderSize), (uint)bytes.Length);
        for (var at = RevokeHeader; at <= end - size; at += size)
            yield return size == 8 ? Be.Place(bytes, at) : Be.U32(bytes, at);
    }

    /// <summary>Whether the contents of a block are those that its tag was written for.</summary>
    /// <param name="super">The journal's superblock.</param>
    /// <param name="block">Where it lies, and its checksum.</param>
    /// <param name="content">What lies there.</param>
    public static bool IsContent(JournalSuperblock super, JournaledBlock block, ReadOnlySpan<byte> content)
    {
        if (super.Checksums < 2)
            return true;
        Span<byte> sequence = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(sequence, block.Sequence);
        var sum = Crc32.Castagnoli(Crc32.Castagnoli(super.Seed, sequence), content);
        return super.Checksums == 3 ? sum == block.Checksum : (sum & ushort.MaxValue) == block.Checksum;
    }
}
