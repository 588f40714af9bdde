using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Tests.Guests.Registry;

/// <summary>Writes registry hives, cell by cell, with each kind of list and value that Windows writes.</summary>
internal sealed class HiveBuilder
{
    private const int Base = 4096;
    private const int SegmentSize = 16344;

    private readonly List<byte> _cells = [.. new byte[32]];
    private readonly Node _root = new("ROOT");

    /// <summary>How subkeys are listed: lf, lh, li, or ri over lh.</summary>
    public string Lists { get; init; } = "lh";

    public bool IsDirty { get; init; }

    /// <summary>Sets a value: text, texts, a number of 32 or 64 bits, or bytes.</summary>
    public HiveBuilder Set(string path, string name, object value)
    {
        var node = Add(path);
        node.Values.RemoveAll(v => v.Name == name);
        node.Values.Add((name, value));
        return this;
    }

    public Node Add(string path)
    {
        var node = _root;
        foreach (var part in path.Split('\\', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = node.Children.Find(c => c.Name.Equals(part, StringComparison.OrdinalIgnoreCase));
            if (next is null)
                node.Children.Add(next = new Node(part));
            node = next;
        }

        return node;
    }

    public byte[] Build()
    {
        var root = Write(_root, -1, isRoot: true);
        var length = (_cells.Count + 4095) / 4096 * 4096;
        if (length > _cells.Count)
        {
            var free = new byte[length - _cells.Count];
            BinaryPrimitives.WriteInt32LittleEndian(free, free.Length);
            _cells.AddRange(free);
        }

        var file = new byte[Base + length];
        _cells.CopyTo(file, Base);
        "hbin"u8.CopyTo(file.AsSpan(Base));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(Base + 8), length);
        "regf"u8.CopyTo(file);
        foreach (var (at, value) in new[] { (4, 5), (8, IsDirty ? 4 : 5), (20, 1), (24, 5), (32, 1), (36, root), (40, length), (44, 1) })
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        Seal(file);
        return file;
    }

    public static void Seal(byte[] file)
    {
        uint sum = 0;
        for (var at = 0; at < 508; at += 4)
            sum ^= BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(508), sum);
    }

    private int Write(Node node, int parent, bool isRoot = false)
    {
        var isLatin = node.Name.All(c => c < 256);
        var name = isLatin ? Encoding.Latin1.GetBytes(node.Name) : Encoding.Unicode.GetBytes(node.Name);
        var cell = new byte[76 + name.Length];
        "nk"u8.CopyTo(cell);
        BinaryPrimitives.WriteUInt16LittleEndian(cell.AsSpan(2), (ushort)((isLatin ? 0x20 : 0) | (isRoot ? 0x0C : 0)));
        name.CopyTo(cell, 76);
        BinaryPrimitives.WriteUInt16LittleEndian(cell.AsSpan(72), (ushort)name.Length);
        var at = Cell(cell);
        void Set(int field, int value) => BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_cells)[(at + 4 + field)..], value);
        foreach (var field in new[] { 28, 32, 40, 44, 48 })
            Set(field, -1);
        Set(16, parent);
        if (node.Children.Count > 0)
        {
            var children = node.Children.OrderBy(c => c.Name, StringComparer.OrdinalIgnoreCase).Select(c => (c.Name, At: Write(c, at))).ToList();
            Set(20, children.Count);
            Set(28, Lists == "ri" ? List("ri", children.Chunk(7).Select(c => ("", List("lh", c))).ToArray()) : List(Lists, [.. children]));
        }

        if (node.Values.Count > 0)
        {
            var list = node.Values.SelectMany(v => BitConverter.GetBytes(Write(v.Name, v.Value))).ToArray();
            Set(36, node.Values.Count);
            Set(40, Cell(list));
        }

        if (isRoot)
        {
            var descriptor = new byte[20];
            (descriptor[0], descriptor[3]) = (1, 0x80);
            var security = new byte[20 + descriptor.Length];
            "sk"u8.CopyTo(security);
            BinaryPrimitives.WriteInt32LittleEndian(security.AsSpan(12), 1);
            BinaryPrimitives.WriteInt32LittleEndian(security.AsSpan(16), descriptor.Length);
            descriptor.CopyTo(security, 20);
            var place = Cell(security);
            BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_cells)[(place + 8)..], place);
            BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_cells)[(place + 12)..], place);
            Set(44, place);
        }

        return at;
    }

    private int List(string kind, (string Name, int At)[] keys)
    {
        var bytes = new List<byte>([.. Encoding.ASCII.GetBytes(kind), .. BitConverter.GetBytes((ushort)keys.Length)]);
        foreach (var (name, at) in keys)
        {
            bytes.AddRange(BitConverter.GetBytes(at));
            if (kind == "lf")
                bytes.AddRange(Encoding.Latin1.GetBytes(name.PadRight(4, '\0')[..4]));
            if (kind == "lh")
                bytes.AddRange(BitConverter.GetBytes(name.ToUpperInvariant().Aggregate(0u, (hash, c) => (hash * 37) + c)));
        }

        return Cell([.. bytes]);
    }

    private int Write(string name, object value)
    {
        var (type, data) = value switch
        {
            string text => (1, Encoding.Unicode.GetBytes(text + "\0")),
            string[] texts => (7, Encoding.Unicode.GetBytes(string.Concat(texts.Select(t => t + "\0")) + "\0")),
            int number => (4, BitConverter.GetBytes(number)),
            long number => (11, BitConverter.GetBytes(number)),
            byte[] bytes => (3, bytes),
            _ => throw new ArgumentException("no such value", nameof(value)),
        };
        var latin = Encoding.Latin1.GetBytes(name);
        var cell = new byte[20 + latin.Length];
        "vk"u8.CopyTo(cell);
        BinaryPrimitives.WriteUInt16LittleEndian(cell.AsSpan(2), (ushort)latin.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(cell.AsSpan(4), (uint)data.Length | (data.Length <= 4 ? 0x8000_0000 : 0));
        BinaryPrimitives.WriteInt32LittleEndian(cell.AsSpan(12), type);
        BinaryPrimitives.WriteUInt16LittleEndian(cell.AsSpan(16), 1);
        latin.CopyTo(cell, 20);
        if (data.Length <= 4)
            data.CopyTo(cell, 8);
        else
            BinaryPrimitives.WriteInt32LittleEndian(cell.AsSpan(8), data.Length <= SegmentSize ? Cell(data) : Segments(data));
        return Cell(cell);
    }

    private int Segments(byte[] data)
    {
        var places = data.Chunk(SegmentSize).Select(c => Cell([.. c, 0, 0, 0, 0])).ToList();
        var cell = new byte[8];
        "db"u8.CopyTo(cell);
        BinaryPrimitives.WriteUInt16LittleEndian(cell.AsSpan(2), (ushort)places.Count);
        BinaryPrimitives.WriteInt32LittleEndian(cell.AsSpan(4), Cell([.. places.SelectMany(BitConverter.GetBytes)]));
        return Cell(cell);
    }

    /// <summary>Adds a cell in use and returns its place.</summary>
    private int Cell(byte[] content)
    {
        var at = _cells.Count;
        var size = (content.Length + 4 + 7) / 8 * 8;
        _cells.AddRange(BitConverter.GetBytes(-size));
        _cells.AddRange(content);
        _cells.AddRange(new byte[size - 4 - content.Length]);
        return at;
    }

    internal sealed class Node(string name)
    {
        public string Name => name;

        public List<Node> Children { get; } = [];

        public List<(string Name, object Value)> Values { get; } = [];
    }
}
