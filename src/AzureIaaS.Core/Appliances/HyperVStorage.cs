using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using AzureIaaS.Disks;

namespace AzureIaaS.Appliances;

/// <summary>
/// The binary container that Hyper-V keeps configurations in since Windows Server 2016 (.vmcx): tables of keys with values, each naming the table and
/// offset of its parent. Microsoft has not published it; this is what its files show. Version 0x400; all checksums are CRC-32. What it holds is
/// the tree that the XML of earlier versions was, and is given out as such.
/// </summary>
internal sealed class HyperVStorage
{
    private const uint Signature = 0x01282014;
    private const uint LogSignature = 0x01110003;
    private const uint ObjectTableSignature = 0x01110001;
    private const int HeaderSize = 0x2E;
    private const int SecondHeader = 0x1000;
    private const int ObjectTable = 0x2000;
    private const int ObjectEntrySize = 18;
    private const int KeyTableHeaderSize = 10;
    private const int KeyHeaderSize = 21;
    private const byte KeyTableObject = 2;
    private const byte FreeKey = 1;
    private const byte UnknownKey = 2;
    private const int MostKeys = 200_000;
    private const int MostDepth = 64;

    private readonly string _path;
    private readonly byte[] _file;
    private readonly Dictionary<(int Table, uint Offset), Key> _keys = [];

    private sealed record Key(byte Type, bool IsElsewhere, int ParentTable, uint ParentOffset, string Name, int ValueAt, int End);

    private HyperVStorage(string path, byte[] file) => (_path, _file) = (path, file);

    /// <summary>Whether a file is such a container.</summary>
    /// <param name="head">Its first bytes.</param>
    public static bool IsAt(ReadOnlySpan<byte> head) => head.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(head) == Signature;

    /// <summary>Reads the tree.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="file">Its content.</param>
    /// <exception cref="IaaSException">It is damaged, of another version, or was copied while it was written.</exception>
    public static XElement Read(string path, byte[] file)
    {
        var storage = new HyperVStorage(path, file);
        storage.CheckHeader();
        storage.ReadTables();
        return storage.Tree();
    }

    private void CheckHeader()
    {
        var headers = new[] { 0, SecondHeader }.Where(IsHeader).ToList();
        if (headers.Count == 0)
            throw DescriptionFormat.Invalid(_path, "neither of its headers is whole");
        var at = headers.MaxBy(h => U16(h + 8));
        if (U32(at + 10) is var version && version != 0x400)
            throw DescriptionFormat.NotSupported(_path, $"its version is 0x{version:x}, and 0x400 is read", "Export the machine with Hyper-V of Windows Server 2016 or later.");
        var log = U64(at + 26);
        if (log > (ulong)_file.Length - 12 || U32((int)log) != LogSignature)
            throw DescriptionFormat.Invalid(_path, "its log is not where its header says");
        if (U32((int)log + 8) != 0)
        {
            throw DescriptionFormat.NotSupported(_path, "it was copied while Hyper-V was writing it: its log holds changes that are not in its tables",
                "Export the machine with Export-VM, or copy the file again while the machine is off.");
        }
    }

    private bool IsHeader(int at) => at + HeaderSize <= _file.Length && U32(at) == Signature && Crc(at, HeaderSize, 4) == U32(at + 4);

    private void ReadTables()
    {
        if (U32(ObjectTable) != ObjectTableSignature)
            throw DescriptionFormat.Invalid(_path, "its table of objects is not where it must be");
        var tables = new Dictionary<int, (int Sequence, int At, int Size)>();
        var count = Math.Min(U32(ObjectTable + 4), (uint)(_file.Length - ObjectTable - 8) / ObjectEntrySize);
        for (var i = 0; i < count; i++)
        {
            var entry = ObjectTable + 8 + (i * ObjectEntrySize);
            if (_file[entry] != KeyTableObject || _file[entry + 17] == 0)
                continue;
            var (at, size) = (U64(entry + 5), U32(entry + 13));
            if (Crc(entry, ObjectEntrySize, 1) != U32(entry + 1) || at > (ulong)_file.Length || size > (ulong)_file.Length - at || size < KeyTableHeaderSize)
                throw DescriptionFormat.Invalid(_path, $"object {i} of its table is damaged");
            var (index, sequence) = (U16((int)at + 2), U16((int)at + 4));
            if (U16((int)at) != 2 || Crc((int)at, KeyTableHeaderSize, 6) != U32((int)at + 6))
                throw DescriptionFormat.Invalid(_path, $"its table of keys at byte {at} is damaged");
            if (!tables.TryGetValue(index, out var known) || sequence > known.Sequence)
                tables[index] = (sequence, (int)at, (int)size);
        }

        foreach (var (index, table) in tables)
            ReadKeys(index, table.At, table.Size);
    }

    private void ReadKeys(int table, int at, int size)
    {
        for (long offset = KeyTableHeaderSize; offset + KeyHeaderSize <= size;)
        {
            var key = at + (int)offset;
            var length = U32(key + 2);
            if (length == 0)
                return;
            if (length < KeyHeaderSize || length > size - offset || _keys.Count >= MostKeys)
                throw DescriptionFormat.Invalid(_path, $"the key at byte {key} has {length} bytes, which its table has not");
            offset += length;
            if (_file[key] == FreeKey)
                continue;
            var (start, end) = (key + KeyHeaderSize, key + (int)length);
            var nameLength = _file[key + 20];
            if (nameLength == 0 || start + nameLength > end)
                throw DescriptionFormat.Invalid(_path, $"the key at byte {key} has no name");
            var name = Encoding.UTF8.GetString(_file, start, nameLength - 1);
            _keys[(table, (uint)(offset - length))] = new Key(_file[key], _file[key + 1] != 0, U16(key + 6), U32(key + 8), name, start + nameLength, end);
        }
    }

    private XElement Tree()
    {
        var elements = new Dictionary<(int, uint), XElement>();
        XElement? root = null;
        foreach (var place in _keys.Keys)
        {
            if (ElementAt(place, elements, 0) is { Parent: null } top && top.Name.LocalName == "configuration")
                root = top;
        }

        return root ?? throw DescriptionFormat.Invalid(_path, "it holds no configuration");
    }

    private XElement? ElementAt((int Table, uint Offset) place, Dictionary<(int, uint), XElement> elements, int depth)
    {
        if (elements.TryGetValue(place, out var known))
            return known;
        if (depth > MostDepth)
            throw DescriptionFormat.Invalid(_path, "its keys are nested in a circle, or deeper than any real ones");
        if (!_keys.TryGetValue(place, out var key) || key.Type == UnknownKey)
            return null;
        var element = new XElement(XmlConvert.EncodeLocalName(key.Name));
        if (ValueOf(key) is { } value)
            element.Value = value;
        if (key.ParentTable != 0)
        {
            if (ElementAt((key.ParentTable, key.ParentOffset), elements, depth + 1) is not { } parent)
                return null;   // what lay under a key that is free now
            parent.Add(element);
        }

        elements[place] = element;
        return element;
    }

    /// <summary>A value as the XML had it; null for a node, and for what is never looked at: bytes, and what is too long to lie in the table.</summary>
    private string? ValueOf(Key key)
    {
        var length = key.End - key.ValueAt;
        return key.Type switch
        {
            _ when key.IsElsewhere => null,
            3 when length >= 8 => BinaryPrimitives.ReadInt64LittleEndian(_file.AsSpan(key.ValueAt)).ToString(CultureInfo.InvariantCulture),
            4 when length >= 8 => U64(key.ValueAt).ToString(CultureInfo.InvariantCulture),
            6 when length >= 4 => TextAt(key.ValueAt, length),
            8 when length >= 4 => U32(key.ValueAt) != 0 ? "True" : "False",
            _ => null,
        };
    }

    private string TextAt(int at, int length)
    {
        var bytes = U32(at);
        if (bytes > length - 4)
            throw DescriptionFormat.Invalid(_path, $"the text at byte {at} is longer than its key");
        var text = Encoding.Unicode.GetString(_file, at + 4, (int)bytes & ~1).TrimEnd('\0');
        return string.Concat(text.Where(XmlConvert.IsXmlChar));
    }

    private uint Crc(int at, int length, int checksumAt)
    {
        var bytes = _file.AsSpan(at, length).ToArray();
        bytes.AsSpan(checksumAt, 4).Clear();
        return Crc32.Ieee(bytes);
    }

    private ushort U16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(at, 2));

    private uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(at, 4));

    private ulong U64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(at, 8));

    private ReadOnlySpan<byte> Slice(int at, int length) => at >= 0 && at <= _file.Length - length ? _file.AsSpan(at, length)
        : throw DescriptionFormat.Invalid(_path, $"it ends at byte {_file.Length}, and goes on at byte {at}");
}
