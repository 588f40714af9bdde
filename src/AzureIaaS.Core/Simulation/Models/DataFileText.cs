using System.Globalization;
using System.Text;

namespace AzureIaaS.Simulation;

/// <summary>
/// Reads a model's .psd1: PowerShell's data language as far as data needs it. Tables, lists, text, numbers with their multipliers (<c>64GB</c>),
/// <c>$true</c>, <c>$false</c>, <c>$null</c> and comments; nothing that would have to be run.
/// </summary>
internal sealed class DataFileText
{
    private const int Deepest = 32;
    private const string Remedy = "A model is a table of data: @{ Name = 'value'; List = 1, 2 }. Nothing in it is run.";

    private readonly string _text;
    private readonly string _file;
    private int _at;
    private int _line = 1;
    private int _depth;

    private DataFileText(string text, string file) => (_text, _file) = (text, file);

    public static ModelNode Read(string text, string file)
    {
        var reader = new DataFileText(text, file);
        reader.SkipSpace(lines: true);
        if (reader._at == text.Length)
            throw reader.Wrong("The file is empty.");
        var node = reader.Value();
        reader.SkipSpace(lines: true);
        return reader._at == text.Length ? node : throw reader.Wrong($"'{reader.Here()}' follows the end of the model.");
    }

    private char Now => _at < _text.Length ? _text[_at] : '\0';

    private char Next => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    // One value, or several with commas between them, which are a list.
    private ModelNode Value()
    {
        var first = Single();
        SkipSpace(lines: false);
        if (Now != ',')
            return first;
        var items = new List<ModelNode> { first };
        while (Now == ',')
        {
            Take();
            SkipSpace(lines: true);
            items.Add(Single());
            SkipSpace(lines: false);
        }

        return new ModelNode(first.Line) { Items = items };
    }

    private ModelNode Single()
    {
        if (++_depth > Deepest)
            throw Wrong($"Tables lie in tables more than {Deepest} deep.");
        var line = _line;
        try
        {
            return (Now, Next) switch
            {
                ('@', '{') => Table(line),
                ('@', '(') => List(line),
                ('\'' or '"', _) => new ModelNode(line) { Value = Quoted() },
                ('$', _) => Constant(line),
                (>= '0' and <= '9' or '.' or '-' or '+', _) => Number(line),
                ('(' or '{' or '&', _) => throw Wrong($"'{Now}' begins a command, and a model is not run."),
                ('\0', _) => throw Wrong("The file ends where a value should be."),
                _ => throw Wrong($"'{Here()}' is no value. Text needs quotes."),
            };
        }
        finally
        {
            _depth--;
        }
    }

    private ModelNode Table(int line)
    {
        _at += 2;
        var entries = new List<(string, ModelNode)>();
        while (true)
        {
            SkipSeparators();
            if (Now == '}')
                break;
            if (Now == '\0')
                throw ModelError.At(_file, line, "The table that begins here has no end.", "Add the missing }.");
            var key = Now is '\'' or '"' ? Quoted() : Word();
            if (key.Length == 0)
                throw Wrong($"'{Here()}' is no name.");
            if (entries.Exists(e => e.Item1.Equals(key, StringComparison.OrdinalIgnoreCase)))
                throw Wrong($"'{key}' is there twice in a table.");
            SkipSpace(lines: false);
            if (Now != '=')
                throw Wrong($"After '{key}' there is no =.");
            Take();
            SkipSpace(lines: true);
            entries.Add((key, Value()));
            SkipSpace(lines: false);
            if (Now is not (';' or '\n' or '}' or '\0'))
                throw Wrong($"After the value of '{key}' comes '{Here()}'.");
        }

        Take();
        return new ModelNode(line) { Entries = entries };
    }

    private ModelNode List(int line)
    {
        _at += 2;
        var items = new List<ModelNode>();
        while (true)
        {
            SkipSeparators();
            if (Now == ')')
                break;
            if (Now == '\0')
                throw ModelError.At(_file, line, "The list that begins here has no end.", "Add the missing ).");
            var value = Value();
            // 1, 2 within @( ) are items of this list, not a list in it.
            if (value is { Items: { } several })
                items.AddRange(several);
            else
                items.Add(value);
        }

        Take();
        return new ModelNode(line) { Items = items };
    }

    private string Quoted()
    {
        var quote = Now;
        var began = _line;
        Take();
        var text = new StringBuilder();
        while (true)
        {
            if (Now == '\0')
                throw ModelError.At(_file, began, "The text that begins here has no end.", $"Add the missing {quote}.");
            if (Now == quote)
            {
                Take();
                if (Now != quote)
                    return text.ToString();
            }
            else if (quote == '"' && Now is '$' or '`')
            {
                throw Wrong($"'{Now}' in double quotes would have to be run.");
            }

            text.Append(Now);
            Take();
        }
    }

    private ModelNode Constant(int line)
    {
        Take();
        var word = Word();
        return word.ToUpperInvariant() switch
        {
            "TRUE" => new ModelNode(line) { Value = true },
            "FALSE" => new ModelNode(line) { Value = false },
            "NULL" => new ModelNode(line),
            _ => throw Wrong($"${word} is a variable, and a model has none."),
        };
    }

    private ModelNode Number(int line)
    {
        var start = _at;
        while (char.IsAsciiLetterOrDigit(Now) || Now is '.' || (Now is '-' or '+' && (_at == start || _text[_at - 1] is 'e' or 'E')))
            _at++;
        var word = _text[start.._at];
        if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return new ModelNode(line) { Value = number };
        return char.IsAsciiDigit(word[0]) && ByteSize.TryParse(word, out var bytes) ? new ModelNode(line) { Value = (double)bytes } : throw Wrong($"'{word}' is no number.");
    }

    private string Word()
    {
        var start = _at;
        while (char.IsLetterOrDigit(Now) || Now is '_' or '-' or '.')
            _at++;
        return _text[start.._at];
    }

    private void SkipSeparators()
    {
        do
        {
            SkipSpace(lines: true);
        }
        while (Now == ';' && Take());
    }

    private void SkipSpace(bool lines)
    {
        while (_at < _text.Length)
        {
            if (Now == '#')
            {
                while (Now is not ('\n' or '\0'))
                    _at++;
            }
            else if (Now == '<' && Next == '#')
            {
                var end = _text.IndexOf("#>", _at, StringComparison.Ordinal);
                if (end < 0)
                    throw Wrong("The comment that begins here has no end.");
                while (_at < end + 2)
                    Take();
            }
            else if (Now is ' ' or '\t' or '\r' or '\uFEFF' || (lines && Now == '\n'))
            {
                Take();
            }
            else
            {
                return;
            }
        }
    }

    private bool Take()
    {
        if (Now == '\n')
            _line++;
        _at++;
        return true;
    }

    private string Here() => _text[_at..Math.Min(_text.Length, _at + 12)].Split('\n')[0];

    private IaaSException Wrong(string message) => ModelError.At(_file, _line, message, Remedy);
}
