using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// A message of strongSwan's vici protocol, or a section of one: names with values, lists and sections, in their order. Bytes in, message out.
/// </summary>
internal sealed class ViciSection
{
    private const byte SectionStart = 1;
    private const byte SectionEnd = 2;
    private const byte KeyValue = 3;
    private const byte ListStart = 4;
    private const byte ListItem = 5;
    private const byte ListEnd = 6;
    private const int Deepest = 16;

    private readonly List<KeyValuePair<string, object>> _items = [];

    /// <summary>The sections in it.</summary>
    public IEnumerable<(string Name, ViciSection Section)> Sections =>
        _items.Where(i => i.Value is ViciSection).Select(i => (i.Key, (ViciSection)i.Value));

    public ViciSection Add(string name, string value) => AddItem(name, value);

    /// <summary>Adds a value that is no text; at most 65,535 bytes.</summary>
    public ViciSection Add(string name, ReadOnlyMemory<byte> value) => AddItem(name, value);

    public ViciSection Add(string name, IEnumerable<string> values) => AddItem(name, values.ToList());

    public ViciSection Add(string name, ViciSection section) => AddItem(name, section);

    /// <summary>A value; null when there is none of that name.</summary>
    public string? Text(string name) => _items.Find(i => i.Key == name && i.Value is string).Value as string;

    /// <summary>A number; 0 when there is none.</summary>
    public long Number(string name) => long.TryParse(Text(name), System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>A section; an empty one when there is none of that name.</summary>
    public ViciSection Section(string name) => _items.Find(i => i.Key == name && i.Value is ViciSection).Value as ViciSection ?? new ViciSection();

    /// <summary>A list; empty when there is none of that name.</summary>
    public IReadOnlyList<string> List(string name) => _items.Find(i => i.Key == name && i.Value is List<string>).Value as List<string> ?? [];

    /// <summary>Writes the message.</summary>
    public byte[] Encode()
    {
        using var stream = new MemoryStream();
        Write(stream);
        return stream.ToArray();
    }

    /// <summary>Reads a message.</summary>
    /// <param name="data">Its bytes.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public static ViciSection Decode(ReadOnlySpan<byte> data)
    {
        var at = 0;
        var message = Read(data, ref at, 0);
        return at == data.Length ? message : throw Malformed(at);
    }

    private static ViciSection Read(ReadOnlySpan<byte> data, ref int at, int depth)
    {
        if (depth > Deepest)
            throw Malformed(at);
        var section = new ViciSection();
        while (at < data.Length)
        {
            var kind = data[at++];
            switch (kind)
            {
                case SectionStart:
                    var name = ReadName(data, ref at);
                    section._items.Add(new(name, Read(data, ref at, depth + 1)));
                    break;
                case SectionEnd when depth > 0:
                    return section;
                case KeyValue:
                    section._items.Add(new(ReadName(data, ref at), ReadValue(data, ref at)));
                    break;
                case ListStart:
                    section._items.Add(new(ReadName(data, ref at), ReadList(data, ref at)));
                    break;
                default:
                    throw Malformed(at - 1);
            }
        }

        return depth == 0 ? section : throw Malformed(at);
    }

    private static List<string> ReadList(ReadOnlySpan<byte> data, ref int at)
    {
        var list = new List<string>();
        while (at < data.Length && data[at] == ListItem)
        {
            at++;
            list.Add(ReadValue(data, ref at));
        }

        return at < data.Length && data[at++] == ListEnd ? list : throw Malformed(at);
    }

    private static string ReadName(ReadOnlySpan<byte> data, ref int at) => at < data.Length ? ReadText(data, at + 1, data[at], ref at) : throw Malformed(at);

    private static string ReadValue(ReadOnlySpan<byte> data, ref int at) =>
        at + 2 <= data.Length ? ReadText(data, at + 2, BinaryPrimitives.ReadUInt16BigEndian(data[at..]), ref at) : throw Malformed(at);

    private static string ReadText(ReadOnlySpan<byte> data, int start, int length, ref int at)
    {
        if (start + length > data.Length)
            throw Malformed(at);
        at = start + length;
        return Encoding.UTF8.GetString(data.Slice(start, length));
    }

    private static FormatException Malformed(int at) => new($"The message of the IKE daemon makes no sense at byte {at}.");

    private ViciSection AddItem(string name, object value)
    {
        _items.Add(new(name, value));
        return this;
    }

    private void Write(MemoryStream stream)
    {
        foreach (var (name, value) in _items)
        {
            switch (value)
            {
                case ViciSection section:
                    WriteName(stream, SectionStart, name);
                    section.Write(stream);
                    stream.WriteByte(SectionEnd);
                    break;
                case List<string> list:
                    WriteName(stream, ListStart, name);
                    foreach (var item in list)
                    {
                        stream.WriteByte(ListItem);
                        WriteValue(stream, item);
                    }

                    stream.WriteByte(ListEnd);
                    break;
                case ReadOnlyMemory<byte> bytes:
                    WriteName(stream, KeyValue, name);
                    WriteValue(stream, bytes.Span);
                    break;
                default:
                    WriteName(stream, KeyValue, name);
                    WriteValue(stream, (string)value);
                    break;
            }
        }
    }

    private static void WriteName(MemoryStream stream, byte kind, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        stream.WriteByte(kind);
        stream.WriteByte(checked((byte)bytes.Length));
        stream.Write(bytes);
    }

    private static void WriteValue(MemoryStream stream, string value) => WriteValue(stream, Encoding.UTF8.GetBytes(value));

    private static void WriteValue(MemoryStream stream, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)bytes.Length));
        stream.Write(length);
        stream.Write(bytes);
    }
}
