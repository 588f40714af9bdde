using System.Globalization;

namespace AzureIaaS.Simulation;

/// <summary>A table of a model's file, read key by key; what is left over was misspelt, and is refused.</summary>
internal sealed class ModelSection
{
    private readonly Dictionary<string, ModelNode> _left;
    private readonly List<string> _known = [];
    private readonly string _path;
    private readonly string? _file;
    private readonly ISet<string> _given;

    public ModelSection(ModelNode node, string path, string? file, ISet<string> given)
    {
        (_path, _file, _given, Line) = (path, file, given, node.Line);
        if (node.Entries is null)
            throw ModelError.At(file, node.Line, $"{(path.Length == 0 ? "The model" : path)} is {node.Kind}, and has to be a table.", "Write it as @{ Name = value } or { \"Name\": value }.");
        _left = new Dictionary<string, ModelNode>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in node.Entries)
        {
            if (!_left.TryAdd(key, value))
                throw ModelError.At(file, value.Line, $"'{key}' is there twice.", "Keep one of them.");
        }
    }

    public int Line { get; }

    /// <summary>Whether a key is there.</summary>
    public bool Has(string key)
    {
        _known.Add(key);
        return _left.ContainsKey(key);
    }

    /// <summary>Takes a key's value; null when it is not there.</summary>
    public ModelNode? Take(string key)
    {
        _known.Add(key);
        if (!_left.Remove(key, out var node))
            return null;
        _given.Add(_path.Length == 0 ? key : $"{_path}.{key}");
        return node;
    }

    public void Text(string key, Action<string> set) => With(key, "text", node => node.Value is string text ? text : node.Value is double d ? d.ToString(CultureInfo.InvariantCulture) : null, set);

    public void Number(string key, Action<double> set, double least, double most) => With(key, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"),
        node => Double(node) is { } value && value >= least && value <= most ? value : (double?)null, v => set(v!.Value));

    public void Whole(string key, Action<int> set, int least = 0, int most = int.MaxValue) => With(key, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least:N0} to {most:N0}"),
        node => Double(node) is { } value && value >= least && value <= most && value == Math.Floor(value) ? (int)value : (int?)null, v => set(v!.Value));

    public void Size(string key, Action<long> set) => With(key, "a size such as 64GB",
        node => node.Value is string text && ByteSize.TryParse(text, out var bytes) ? bytes : Double(node) is >= 1 and < 1e18 and var value ? (long)value : (long?)null, v => set(v!.Value));

    public void Flag(string key, Action<bool> set) => With(key, "true or false", node => node.Value as bool?, v => set(v!.Value));

    public void Time(string key, Action<TimeSpan> set) => With(key, "a time such as 15 min",
        node => node.Value is string text && TimeText.TryParse(text, out var seconds) && seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null, v => set(v!.Value));

    public void Choice<T>(string key, Action<T> set)
        where T : struct, Enum => With(key, "one of " + string.Join(", ", Enum.GetNames<T>()), node => node.Value is string text && Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : (T?)null, v => set(v!.Value));

    /// <summary>A law, or the mean of an exponential one where <paramref name="isFailure"/> says that a plain time is the time between failures.</summary>
    public void Law(string key, Action<Law> set, bool isFailure = false) => With(key, isFailure
        ? "a time between failures such as 2 y, exponential 2 y, weibull 2 y shape 0.7, or never" : "a time such as 15 min, or a law such as lognormal 4 h sigma 1", node => LawOf(node, isFailure), set);

    public IReadOnlyList<ModelSection> Tables(string key) => Take(key) is not { IsNothing: false } node ? []
        : [.. (node.Items ?? [node]).Select(item => Nested(item, key))];

    public ModelSection? Table(string key) => Take(key) is { IsNothing: false } node ? new ModelSection(node, $"{_path}{(_path.Length > 0 ? "." : "")}{key}", _file, _given) : null;

    /// <summary>A table within this one that was taken already.</summary>
    public ModelSection Nested(ModelNode node, string key) => new(node, $"{_path}{(_path.Length > 0 ? "." : "")}{key}", _file, new HashSet<string>());

    /// <summary>Takes a key whose value says that there is none of it: nothing, false, or never.</summary>
    public bool None(string key)
    {
        if (!_left.TryGetValue(key, out var node) || !(node.IsNothing || node.Value is false || (node.Value is string text && text.ToUpperInvariant() is "NEVER" or "NONE")))
            return false;
        Take(key);
        return true;
    }

    /// <summary>One text or a list of them.</summary>
    public List<string> Texts(string key) => Take(key) is not { IsNothing: false } node ? []
        : [.. (node.Items ?? [node]).Select(n => n.Value as string ?? throw Wrong(n.Line, $"{Path(key)} is {n.Kind}, and has to be text.", "Give names, as 'Sql', 'Web'."))];

    /// <summary>Refuses what nobody asked for.</summary>
    public void End()
    {
        foreach (var (key, node) in _left)
        {
            var near = _known.MinBy(k => Distance(k, key))!;
            throw ModelError.At(_file, node.Line, $"{(_path.Length == 0 ? "A model" : _path)} has no '{key}'.",
                Distance(near, key) <= 3 ? $"Perhaps {near} was meant." : $"It has {string.Join(", ", _known.Distinct())}.");
        }
    }

    public IaaSException Wrong(int line, string message, string remedy) => ModelError.At(_file, line, message, remedy);

    private void With<T>(string key, string wanted, Func<ModelNode, T?> read, Action<T> set)
    {
        if (Take(key) is not { IsNothing: false } node)
            return;
        try
        {
            set(read(node) ?? throw Wrong(node.Line, $"{Path(key)} is {Shown(node)}, and has to be {wanted}.", "Correct the line."));
        }
        catch (ArgumentException e)
        {
            throw Wrong(node.Line, $"{Path(key)} is {Shown(node)}: {e.Message.Split(" (Parameter")[0]}", "Correct the line.");
        }
    }

    private Law? LawOf(ModelNode node, bool isFailure)
    {
        if (node.Entries is not null)
        {
            var table = new ModelSection(node, _path, _file, new HashSet<string>());
            Law? found = null;
            table.Text("File", file => found = ReadEmpirical(file, node.Line));
            table.End();
            return found;
        }

        if (node.Value is not string text || !Simulation.Law.TryParse(text, out var law))
            return null;
        return isFailure && law.IsFixed && !text.TrimStart().StartsWith("fixed", StringComparison.OrdinalIgnoreCase) ? Simulation.Law.Exponential(law.Mean) : law;
    }

    private Law ReadEmpirical(string name, int line)
    {
        const long Largest = 16 << 20;
        var path = System.IO.Path.GetFullPath(name, _file is null ? Environment.CurrentDirectory : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(_file))!);
        var file = new FileInfo(path);
        if (!file.Exists || file.Length > Largest)
            throw Wrong(line, file.Exists ? $"'{name}' is larger than {ByteSize.Format(Largest)}." : $"There is no file '{name}' beside the model.", "Name a text file with a time on each line.");
        var values = new List<double>();
        var number = 0;
        foreach (var row in File.ReadLines(path))
        {
            number++;
            if (row.Trim() is not { Length: > 0 } text || text[0] == '#')
                continue;
            if (!TimeText.TryParse(text, out var seconds))
                throw ModelError.At(path, number, $"'{(text.Length > 40 ? text[..40] : text)}' is no time.", "Write one time on each line: 90 s, 15 min, 2 h.");
            values.Add(seconds);
        }

        return Simulation.Law.Empirical(values);
    }

    private static double? Double(ModelNode node) => node.Value switch
    {
        double value => value,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) => value,
        _ => null,
    };

    private string Path(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static string Shown(ModelNode node) => node.Value switch
    {
        string text => $"'{(text.Length > 60 ? text[..60] + "…" : text)}'",
        double value => value.ToString("R", CultureInfo.InvariantCulture),
        bool value => value ? "true" : "false",
        _ => node.Kind,
    };

    // Levenshtein, for words.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1;
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + cost));
            }
        }

        return row[^1];
    }
}
