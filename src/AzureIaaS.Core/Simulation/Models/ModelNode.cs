namespace AzureIaaS.Simulation;

/// <summary>A value of a model's file, with the line it is on: text, a number, a truth value, nothing, a list, or a table.</summary>
internal sealed class ModelNode(int line)
{
    public int Line { get; } = line;

    /// <summary>The text, number (as a decimal or a double) or truth value; null for nothing, a list or a table.</summary>
    public object? Value { get; init; }

    public List<ModelNode>? Items { get; init; }

    public List<(string Key, ModelNode Node)>? Entries { get; init; }

    public bool IsNothing => Value is null && Items is null && Entries is null;

    /// <summary>What it is, for messages.</summary>
    public string Kind => Entries is not null ? "a table" : Items is not null ? "a list" : Value switch
    {
        null => "nothing",
        bool => "true or false",
        string => "text",
        _ => "a number",
    };
}
