using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Disks;

/// <summary>
/// A copy's journal as a file that only grows: for each block its index and digest. It is not synchronised to the disk with every line, for
/// a line proves nothing by itself: whoever resumes compares the block with it, and a line that is lost only means work done again.
/// </summary>
public sealed class FileCopyJournal : ICopyJournal, IDisposable
{
    private const int RecordSize = sizeof(long) + DiskDigest.HashSize;

    private readonly Dictionary<long, byte[]> _known = [];
    private readonly SafeFileHandle _file;
    private readonly object _gate = new();
    private long _length;

    /// <summary>Opens the journal.</summary>
    /// <param name="path">The file.</param>
    /// <param name="blocks">How many blocks the disk has.</param>
    /// <param name="resume">Whether the records that are there count.</param>
    public FileCopyJournal(string path, long blocks, bool resume)
    {
        _file = File.OpenHandle(path, resume ? FileMode.OpenOrCreate : FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        // A record that was cut off is written over.
        _length = RandomAccess.GetLength(_file) / RecordSize * RecordSize;
        Load(blocks);
    }

    /// <inheritdoc/>
    public bool TryGet(long block, Span<byte> digest)
    {
        if (!_known.TryGetValue(block, out var known))
            return false;
        known.CopyTo(digest);
        return true;
    }

    /// <inheritdoc/>
    public void Record(long block, ReadOnlySpan<byte> digest)
    {
        Span<byte> record = stackalloc byte[RecordSize];
        BinaryPrimitives.WriteInt64LittleEndian(record, block);
        digest.CopyTo(record[sizeof(long)..]);
        lock (_gate)
        {
            RandomAccess.Write(_file, record, _length);
            _length += RecordSize;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Load(long blocks)
    {
        var record = new byte[RecordSize];
        for (long at = 0; at < _length && RandomAccess.Read(_file, record, at) == RecordSize; at += RecordSize)
        {
            var block = BinaryPrimitives.ReadInt64LittleEndian(record);
            if (block >= 0 && block < blocks)
                _known[block] = record[sizeof(long)..];
        }
    }
}
