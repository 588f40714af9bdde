using System.Text;

namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>A name in a folder.</summary>
/// <param name="Name">The name.</param>
/// <param name="Reference">The file: 48 bits of its record's number, 16 of its sequence.</param>
internal readonly record struct NtfsEntry(string Name, ulong Reference);

/// <summary>Walks a folder's index of names ($I30): a B-tree whose root lies in the folder's record.</summary>
internal sealed class NtfsIndex
{
    /// <summary>The index's name.</summary>
    public const string Name = "$I30";

    private const int DosNamespace = 2;
    private const int HasSubnode = 1;
    private const int IsLast = 2;
    private const int MaxEntries = 1 << 20;

    private readonly byte[] _root;
    private readonly GuestFile? _allocation;
    private readonly int _blockSize;
    private readonly int _vcnSize;
    private readonly HashSet<long> _seen = [];

    /// <summary>Opens an index.</summary>
    /// <param name="root">The content of $INDEX_ROOT.</param>
    /// <param name="allocation">The content of $INDEX_ALLOCATION; null where the root holds all.</param>
    /// <param name="clusterSize">A cluster's size in bytes.</param>
    public NtfsIndex(byte[] root, GuestFile? allocation, int clusterSize)
    {
        (_root, _allocation) = (root, allocation);
        _blockSize = (int)Math.Min(Le.U32(root, 8), int.MaxValue);
        if (_blockSize is < 512 or > 65536 || (_blockSize & (_blockSize - 1)) != 0)
            throw new FileSystemException("a folder of it is damaged");
        _vcnSize = _blockSize >= clusterSize ? clusterSize : 512;
    }

    /// <summary>Every name in the folder, short DOS names left out.</summary>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public List<NtfsEntry> Entries()
    {
        var entries = new List<NtfsEntry>();
        var nodes = new Stack<long>();
        Walk(_root, 16, entries, nodes);
        while (nodes.TryPop(out var vcn))
        {
            // A right tree refers to every block once.
            if (_allocation is null || !_seen.Add(vcn) || vcn < 0 || vcn > _allocation.Length / _vcnSize)
                throw new FileSystemException("a folder of it is damaged");
            var block = new byte[_blockSize];
            _allocation.Read(vcn * _vcnSize, block);
            MultiSectorRecord.Restore(block, "INDX"u8);
            Walk(block, 24, entries, nodes);
        }

        return entries;
    }

    private static void Walk(byte[] node, int header, List<NtfsEntry> entries, Stack<long> nodes)
    {
        var at = header + (long)Le.U32(node, header);
        var end = Math.Min(header + (long)Le.U32(node, header + 4), node.Length);
        while (at <= end - 16)
        {
            var start = (int)at;
            var (length, keyLength, flags) = (Le.U16(node, start + 8), Le.U16(node, start + 10), Le.U32(node, start + 12));
            if (length < 16 || length > end - at || keyLength > length - 16)
                throw new FileSystemException("a folder of it is damaged");
            if ((flags & HasSubnode) != 0)
                nodes.Push((long)Le.U64(node, start + length - 8));
            if ((flags & IsLast) != 0)
                return;
            var key = Fields.Slice(node, start + 16, keyLength);
            var name = Encoding.Unicode.GetString(Fields.Slice(key, 66, Fields.Slice(key, 64, 1)[0] * 2));
            if (key[65] != DosNamespace)
                entries.Add(new NtfsEntry(name, Le.U64(node, start)));
            if (entries.Count > MaxEntries)
                throw new FileSystemException("a folder of it has more names than are read");
            at += length;
        }
    }
}
