using System.Text.Json;

namespace AzureIaaS.Simulation;

/// <summary>Reads a model's JSON, comments and trailing commas allowed.</summary>
internal static class JsonModelText
{
    private const int Deepest = 32;

    public static ModelNode Read(byte[] text, string file)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = Deepest });
        var lines = new LineCounter(text);
        try
        {
            if (!reader.Read())
                throw ModelError.At(file, 1, "The file is empty.", "A model begins with { and names Hosts and Machines.");
            var node = Node(ref reader, lines);
            if (reader.Read())
                throw ModelError.At(file, lines.At(reader.TokenStartIndex), "Something follows the end of the model.", "Take it away.");
            return node;
        }
        catch (JsonException e)
        {
            throw ModelError.At(file, (int)(e.LineNumber ?? 0) + 1, $"It is no JSON: {e.Message.Split(" LineNumber")[0]}", "Correct the line; quotes, commas and brackets are what is usually wrong.");
        }
    }

    private static ModelNode Node(ref Utf8JsonReader reader, LineCounter lines)
    {
        var line = lines.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var entries = new List<(string, ModelNode)>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = reader.GetString()!;
                    reader.Read();
                    entries.Add((key, Node(ref reader, lines)));
                }

                return new ModelNode(line) { Entries = entries };
            case JsonTokenType.StartArray:
                var items = new List<ModelNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Node(ref reader, lines));
                return new ModelNode(line) { Items = items };
            case JsonTokenType.String:
                return new ModelNode(line) { Value = reader.GetString() };
            case JsonTokenType.Number:
                return new ModelNode(line) { Value = reader.GetDouble() };
            case JsonTokenType.True or JsonTokenType.False:
                return new ModelNode(line) { Value = reader.GetBoolean() };
            default:
                return new ModelNode(line);
        }
    }

    // Tokens come in order, so lines are counted only once.
    private sealed class LineCounter(byte[] text)
    {
        private long _at;
        private int _line = 1;

        public int At(long index)
        {
            for (; _at < index; _at++)
                _line += text[_at] == '\n' ? 1 : 0;
            return _line;
        }
    }
}
