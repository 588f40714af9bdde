using System.Buffers.Binary;

namespace AzureIaaS.Guests.FileSystems.Ext;

/// <summary>
/// The journal of ext3 and ext4 (jbd2; kernel.org, Documentation/filesystems/ext4, "Journal"): what a mount would write back before anything is read, laid over
/// the volume instead. Nothing is written.
/// </summary>
internal sealed class Journal
{
    // More than the longest journal that mke2fs makes has blocks (1 GiB), and than it revokes.
    private const int MaxBlocks = 1 << 19;
    private const int MaxRevoked = 1 << 20;
    private const int FastCommitHead = 9;

    private readonly GuestFile _file;
    private readonly JournalSuperblock _super;
    private readonly int _blockSize;
    private readonly Dictionary<long, JournaledBlock> _blocks = [];
    private readonly Dictionary<long, uint> _revoked = [];

    /// <summary>Goes through the log's transactions, as far as they were ended.</summary>
    /// <param name="file">The journal.</param>
    /// <param name="blockSize">The file system's block size in bytes.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public Journal(GuestFile file, int blockSize)
    {
        (_file, _blockSize) = (file, blockSize);
        _super = new JournalSuperblock(file, blockSize);
        var next = _super.Start == 0 ? _super.Sequence : Scan();
        foreach (var (block, sequence) in _revoked)
        {
            // A block that was written again after it was revoked counts again.
            if (_blocks.TryGetValue(block, out var written) && (int)(written.Sequence - sequence) <= 0)
                _blocks.Remove(block);
        }

        HasFastCommits = _super.HasFastCommits && IsFastCommit(next);
    }

    /// <summary>Whether it ends with fast commits, which are not replayed.</summary>
    public bool HasFastCommits { get; }

    /// <summary>The volume as it is once the journal is replayed.</summary>
    /// <param name="volume">The volume as it is.</param>
    public Volume Over(Volume volume) => _blocks.Count == 0 ? volume : new Volume(volume.Length, (offset, buffer) => Read(volume, offset, buffer));

    private void Read(Volume volume, long offset, Span<byte> buffer)
    {
        var content = new byte[_blockSize];
        while (!buffer.IsEmpty)
        {
            var (block, within) = Math.DivRem(offset, _blockSize);
            var part = buffer[..(int)Math.Min(buffer.Length, _blockSize - within)];
            if (_blocks.TryGetValue(block, out var written))
            {
                ReadWritten(written, content);
                content.AsSpan((int)within, part.Length).CopyTo(part);
            }
            else
            {
                volume.Read(offset, part);
            }

            buffer = buffer[part.Length..];
            offset += part.Length;
        }
    }

    private void ReadWritten(JournaledBlock block, byte[] content)
    {
        _file.Read((long)block.At * _blockSize, content);
        if (!JournalBlock.IsContent(_super, block, content))
            throw new FileSystemException($"block {block.At} of its journal has a wrong checksum");
        if (block.IsEscaped)
            BinaryPrimitives.WriteUInt32BigEndian(content, JournalSuperblock.Magic);
    }

    /// <summary>Reads transaction after transaction, and gives the number of the one that is not there any more.</summary>
    private uint Scan()
    {
        var transaction = new Transaction(_super.Sequence);
        var at = _super.Start;
        for (uint seen = 0; seen < _super.End - _super.First;)
        {
            var block = new JournalBlock(_super, BlockAt(at));
            if (!block.IsOf(transaction.Sequence))
                break;
            var used = 1u;
            if (block.Type == JournalBlockType.Commit)
            {
                if (!block.IsWhole() || (block.TransactionChecksum is { } sum && sum != transaction.Checksum))
                    break;   // it was cut off while it was ended
                Apply(transaction);
                transaction = new Transaction(transaction.Sequence + 1);
            }
            else if (block.Type == JournalBlockType.Descriptor)
            {
                transaction.IsDamaged |= !block.IsWhole();
                used += AddTags(transaction, block, at);
            }
            else if (block.Type == JournalBlockType.Revoke)
            {
                transaction.IsDamaged |= !block.IsWhole();
                transaction.Revoked.AddRange(block.Revoked());
            }
            else
            {
                break;
            }

            if (_blocks.Count + transaction.Blocks.Count > MaxBlocks || _revoked.Count + transaction.Revoked.Count > MaxRevoked)
                throw new FileSystemException("its journal has more in it than is read");
            at = After(at, used);
            seen += used;
        }

        return transaction.Sequence;
    }

    private uint AddTags(Transaction transaction, JournalBlock descriptor, uint at)
    {
        if (_super.Checksums == 1)
            transaction.Add(descriptor.Bytes);
        var count = 0u;
        foreach (var (block, isEscaped, checksum) in descriptor.Tags())
        {
            var place = After(at, ++count);
            transaction.Blocks.Add((block, new JournaledBlock(place, transaction.Sequence, isEscaped, checksum)));
            if (_super.Checksums == 1)
                transaction.Add(BlockAt(place));
        }

        return count;
    }

    private void Apply(Transaction transaction)
    {
        if (transaction.IsDamaged)
            throw new FileSystemException($"the transaction {transaction.Sequence} of its journal is damaged");
        foreach (var (block, written) in transaction.Blocks)
            _blocks[block] = written;
        foreach (var block in transaction.Revoked)
            _revoked[block] = transaction.Sequence;
    }

    private bool IsFastCommit(uint sequence)
    {
        var head = BlockAt(_super.End);
        return Le.U16(head, 0) == FastCommitHead && Le.U16(head, 2) >= 8 && Le.U32(head, 8) == sequence;
    }

    private byte[] BlockAt(uint at)
    {
        var block = new byte[_blockSize];
        _file.Read((long)at * _blockSize, block);
        return block;
    }

    /// <summary>The log's block so many after another; it goes round.</summary>
    private uint After(uint at, uint count) => _super.First + (uint)(((long)at - _super.First + count) % (_super.End - _super.First));

    /// <summary>A transaction that is being read.</summary>
    private sealed class Transaction(uint sequence)
    {
        private const uint Polynomial = 0x04C11DB7;

        public uint Sequence => sequence;

        public List<(long Block, JournaledBlock Written)> Blocks { get; } = [];

        public List<long> Revoked { get; } = [];

        public bool IsDamaged { get; set; }

        /// <summary>CRC-32 of its descriptors and blocks, most significant bit first and without inversion at the end.</summary>
        public uint Checksum { get; private set; } = uint.MaxValue;

        public void Add(ReadOnlySpan<byte> block)
        {
            var crc = Checksum;
            foreach (var b in block)
            {
                crc ^= (uint)b << 24;
                for (var bit = 0; bit < 8; bit++)
                    crc = (crc & 0x8000_0000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            }

            Checksum = crc;
        }
    }
}
