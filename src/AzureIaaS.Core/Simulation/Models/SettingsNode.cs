using System.Collections;
using System.Globalization;

namespace AzureIaaS.Simulation;

/// <summary>Makes the tree of a model's file from tables in memory; a name with points stands for tables in tables.</summary>
internal static class SettingsNode
{
    private const int Deepest = 16;

    public static ModelNode Of(IDictionary settings, int depth = 0)
    {
        if (depth > Deepest)
            throw ModelError.At(null, 0, "The settings lie in each other too deep.", "Write them as @{ Failures = @{ Host = '3 y' } }.");
        var entries = new List<(string Key, ModelNode Node)>();
        foreach (DictionaryEntry entry in settings)
            Add(entries, Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? "", Value(entry.Value, depth));
        return new ModelNode(0) { Entries = entries };
    }

    private static void Add(List<(string Key, ModelNode Node)> entries, string name, ModelNode value)
    {
        var point = name.IndexOf('.', StringComparison.Ordinal);
        if (point < 0)
        {
            entries.Add((name, value));
            return;
        }

        var table = entries.FirstOrDefault(e => e.Key.Equals(name[..point], StringComparison.OrdinalIgnoreCase)).Node;
        if (table?.Entries is null)
        {
            table = new ModelNode(0) { Entries = [] };
            entries.Add((name[..point], table));
        }

        Add(table.Entries!, name[(point + 1)..], value);
    }

    private static ModelNode Value(object? value, int depth) => value switch
    {
        null => new ModelNode(0),
        bool truth => new ModelNode(0) { Value = truth },
        string text => new ModelNode(0) { Value = text },
        IDictionary table => Of(table, depth + 1),
        IEnumerable list => new ModelNode(0) { Items = [.. list.Cast<object?>().Select(i => Value(i, depth + 1))] },
        TimeSpan time => new ModelNode(0) { Value = time.ToString("c", CultureInfo.InvariantCulture) },
        Enum choice => new ModelNode(0) { Value = choice.ToString() },
        IConvertible number => new ModelNode(0) { Value = number.ToDouble(CultureInfo.InvariantCulture) },
        _ => new ModelNode(0) { Value = value.ToString() },
    };
}
