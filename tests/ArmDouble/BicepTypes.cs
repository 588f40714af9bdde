using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>The types of resources with their flags: finds properties that are unknown, read-only or missing in a request's body.</summary>
public sealed class BicepTypes
{
    private const int Required = 1;
    private const int ReadOnly = 2;
    private const int DeployTimeConstant = 8;   // in the path, not in the body

    private readonly JsonArray _types;

    /// <summary>Reads a file of types.</summary>
    public BicepTypes(string path) => _types = JsonNode.Parse(File.ReadAllText(path))!.AsArray();

    /// <summary>What is wrong with a resource's body, each with its place.</summary>
    /// <param name="resource">The resource with its version: <c>Microsoft.Compute/disks@2023-04-02</c>.</param>
    /// <param name="body">The body.</param>
    /// <param name="isPatch">Whether properties may be missing.</param>
    public IReadOnlyList<string> Problems(string resource, JsonNode body, bool isPatch = false)
    {
        var type = _types.FirstOrDefault(t => (string?)t!["$type"] == "ResourceType" && (string?)t["name"] == resource)
            ?? throw new ArgumentException($"{resource} is not among the types.", nameof(resource));
        var found = new List<string>();
        Check(Resolve(type["body"]!), body, "", isPatch, found);
        return found;
    }

    private JsonNode Resolve(JsonNode reference) => _types[int.Parse(((string)reference["$ref"]!)[2..], System.Globalization.CultureInfo.InvariantCulture)]!;

    private void Check(JsonNode type, JsonNode? value, string place, bool isPatch, List<string> found)
    {
        switch ((string)type["$type"]!)
        {
            case "ObjectType":
                CheckObject(type, value as JsonObject, place, isPatch, found);
                break;
            case "ArrayType" when value is JsonArray items:
                for (var i = 0; i < items.Count; i++)
                    Check(Resolve(type["itemType"]!), items[i], $"{place}[{i}]", isPatch, found);
                break;
            case "StringType" when value is not JsonValue v || v.GetValueKind() != System.Text.Json.JsonValueKind.String:
                found.Add($"{place} is no text");
                break;
            case "IntegerType" when value is not JsonValue v || v.GetValueKind() != System.Text.Json.JsonValueKind.Number:
                found.Add($"{place} is no number");
                break;
            case "BooleanType" when value is not JsonValue v || v.GetValueKind() is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False):
                found.Add($"{place} is neither true nor false");
                break;
            case "ArrayType":
                found.Add($"{place} is no list");
                break;
        }
    }

    private void CheckObject(JsonNode type, JsonObject? value, string place, bool isPatch, List<string> found)
    {
        if (value is null)
        {
            found.Add($"{place} is no object");
            return;
        }

        var properties = type["properties"]!.AsObject();
        foreach (var (name, child) in value)
        {
            var known = properties.FirstOrDefault(p => p.Key == name);
            if (known.Value is null)
            {
                if (type["additionalProperties"] is { } any)
                    Check(Resolve(any), child, $"{place}.{name}", isPatch, found);
                else
                    found.Add($"{place}.{name} is unknown");
                continue;
            }

            if (((int)known.Value["flags"]! & ReadOnly) != 0)
                found.Add($"{place}.{name} is read-only");
            Check(Resolve(known.Value["type"]!), child, $"{place}.{name}", isPatch, found);
        }

        foreach (var (name, property) in properties)
        {
            var flags = (int)property!["flags"]!;
            if (!isPatch && (flags & Required) != 0 && (flags & DeployTimeConstant) == 0 && !value.ContainsKey(name))
                found.Add($"{place}.{name} is missing");
        }
    }
}
