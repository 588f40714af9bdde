using System.Globalization;
using System.Text;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Lvm;

/// <summary>A section of LVM's text format: names with a number, a text, a list of these, or a section.</summary>
internal sealed class LvmSection
{
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    /// <summary>The sections in it.</summary>
    public IEnumerable<(string Name, LvmSection Section)> Sections => _values.Where(v => v.Value is LvmSection).Select(v => (v.Key, (LvmSection)v.Value));

    /// <summary>A section; null where it is not there.</summary>
    public LvmSection? Section(string name) => _values.GetValueOrDefault(name) as LvmSection;

    /// <summary>A text; null where it is not there.</summary>
    public string? Text(string name) => _values.GetValueOrDefault(name) as string;

    /// <summary>A number; null where it is not there.</summary>
    public long? Number(string name) => _values.GetValueOrDefault(name) as long?;

    /// <summary>A list of texts and numbers; none where it is not there.</summary>
    public IReadOnlyList<object> List(string name) => _values.GetValueOrDefault(name) as List<object> ?? [];

    /// <summary>Adds a value.</summary>
    public void Set(string name, object value) => _values[name] = value;
}

/// <summary>Reads LVM's text format (lvm.conf(5), as the metadata areas hold it).</summary>
internal sealed class LvmText
{
    private const int MaxDepth = 8;

    private readonly string _text;
    private int _at;

    private LvmText(string text) => _text = text;

    /// <summary>Reads a text.</summary>
    /// <param name="bytes">The text; a zero ends it.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public static LvmSection Parse(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        var reader = new LvmText(Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]));
        return reader.Section(0);
    }

    private static FileSystemException Damaged() => new("the metadata of its volume group is damaged");

    private LvmSection Section(int depth)
    {
        if (depth > MaxDepth)
            throw Damaged();
        var section = new LvmSection();
        while (Peek() is var next && next != '}' && next != '\0')
        {
            var name = Word();
            if (Peek() == '{')
            {
                _at++;
                section.Set(name, Section(depth + 1));
                Expect('}');
            }
            else
            {
                Expect('=');
                section.Set(name, Peek() == '[' ? List() : Value());
            }
        }

        return depth == 0 && Peek() == '}' ? throw Damaged() : section;
    }

    private List<object> List()
    {
        Expect('[');
        var list = new List<object>();
        while (Peek() != ']')
        {
            list.Add(Value());
            if (Peek() == ',')
                _at++;
        }

        Expect(']');
        return list;
    }

    private object Value()
    {
        if (Peek() != '"')
            return long.TryParse(Word(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Damaged();
        var text = new StringBuilder();
        for (_at++; _at < _text.Length && _text[_at] != '"'; _at++)
        {
            if (_text[_at] == '\\')
                _at++;
            text.Append(_at < _text.Length ? _text[_at] : throw Damaged());
        }

        Expect('"');
        return text.ToString();
    }

    private string Word()
    {
        Peek();
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '_' or '-' or '+' or '.'))
            _at++;
        return _at > start ? _text[start.._at] : throw Damaged();
    }

    private void Expect(char wanted)
    {
        if (Peek() != wanted)
            throw Damaged();
        _at++;
    }

    /// <summary>The next character that means something; zero at the end.</summary>
    private char Peek()
    {
        while (_at < _text.Length && (char.IsWhiteSpace(_text[_at]) || _text[_at] == '#'))
        {
            if (_text[_at] == '#')
                _at = _text.IndexOf('\n', _at) is >= 0 and var end ? end : _text.Length;
            else
                _at++;
        }

        return _at < _text.Length ? _text[_at] : '\0';
    }
}
