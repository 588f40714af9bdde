namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>Puts transactions together from the operations in records (xlog_op_header): several are under way at once, and regions go on from record to record.</summary>
/// <param name="committed">Receives the items of each transaction that was committed, in that order.</param>
internal sealed class XfsLogTransactions(Action<IReadOnlyList<XfsLogItem>> committed)
{
    private const int HeaderSize = 12;
    private const uint TransactionMagic = 0x5452414E;   // "TRAN"
    private const int TransactionHeaderSize = 16;
    private const int MaxRegions = 257;   // XLOG_MAX_REGIONS_IN_ITEM
    private const long MaxPending = 64 << 20;
    private const byte OfTransaction = 0x69;
    private const byte OfLog = 0xAA;

    private readonly Dictionary<uint, Transaction> _open = [];
    private long _pending;

    [Flags]
    private enum Operation
    {
        Start = 0x01,
        Commit = 0x02,
        Continue = 0x04,
        WasContinued = 0x08,
        End = 0x10,
        Unmount = 0x20,
    }

    /// <summary>Takes a record's operations.</summary>
    /// <param name="record">The record.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public void Add(XfsLogRecord record)
    {
        var bytes = record.Content();
        var at = 0;
        for (var i = 0u; i < record.Operations && at < bytes.Length; i++)
        {
            var (id, length) = (Be.U32(bytes, at), Be.U32(bytes, at + 4));
            var header = Fields.Slice(bytes, at, HeaderSize);
            if (header[8] is not (OfTransaction or OfLog))
                throw Damaged();
            Take(id, (Operation)header[9], Fields.Slice(bytes, at + HeaderSize, length));
            at += HeaderSize + (int)length;
        }
    }

    private static FileSystemException Damaged() => new("a transaction in its log is damaged");

    private void Take(uint id, Operation operation, ReadOnlySpan<byte> bytes)
    {
        if (!_open.TryGetValue(id, out var transaction))
        {
            // What does not start one belongs to one that began before the oldest record that is needed.
            if (operation.HasFlag(Operation.Start))
                _open.Add(id, new Transaction());
            return;
        }

        operation &= ~Operation.End;
        if (operation.HasFlag(Operation.WasContinued))
            operation &= ~Operation.Continue;
        _pending += bytes.Length;
        if (_pending > MaxPending)
            throw new FileSystemException("its log has more in it than is read");
        switch (operation)
        {
            case 0 or Operation.Continue:
                transaction.Add(bytes);
                break;
            case Operation.WasContinued:
                transaction.GoOn(bytes);
                break;
            case Operation.Commit:
                _open.Remove(id);
                _pending -= transaction.Length;
                committed(transaction.Items());
                break;
            case Operation.Unmount:
                _open.Remove(id);
                _pending -= transaction.Length;
                break;
            default:
                throw Damaged();
        }
    }

    /// <summary>A transaction that is being read.</summary>
    private sealed class Transaction
    {
        private readonly List<XfsLogItem> _items = [];
        private int _headerLength;

        /// <summary>How many bytes it has.</summary>
        public long Length { get; private set; }

        /// <summary>Its items, once it is committed.</summary>
        public List<XfsLogItem> Items() => _items.TrueForAll(i => i.IsWhole) ? _items : throw Damaged();

        /// <summary>Adds a region.</summary>
        public void Add(ReadOnlySpan<byte> bytes)
        {
            Length += bytes.Length;
            if (bytes.IsEmpty)
                return;
            if (_headerLength == 0)
            {
                // Before all items, the transaction's own header; like any region it may go on in the next record.
                if (bytes.Length > TransactionHeaderSize || Le.U32(bytes, 0) != TransactionMagic)
                    throw Damaged();
                _headerLength = bytes.Length;
                return;
            }

            if (_items.Count == 0 || _items[^1].IsWhole)
            {
                int regions = Le.U16(bytes, 2);
                if (regions is 0 or > MaxRegions)
                    throw Damaged();
                _items.Add(new XfsLogItem(regions));
            }

            _items[^1].Regions.Add(bytes.ToArray());
        }

        /// <summary>Goes on with the last region.</summary>
        public void GoOn(ReadOnlySpan<byte> bytes)
        {
            Length += bytes.Length;
            if (_items.Count == 0)
            {
                _headerLength += bytes.Length;
                if (_headerLength > TransactionHeaderSize)
                    throw Damaged();
                return;
            }

            var regions = _items[^1].Regions;
            regions[^1] = [.. regions[^1], .. bytes];
        }
    }
}
