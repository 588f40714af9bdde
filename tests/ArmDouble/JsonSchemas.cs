using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AzureIaaS.ArmDouble;

/// <summary>
/// The published JSON schemas of a resource provider (draft-04): values that are none of those there are, numbers out of range, alternatives of which none
/// holds. They let unknown properties pass; <see cref="BicepTypes"/> does not.
/// </summary>
public sealed class JsonSchemas
{
    private const string Common = "https://schema.management.azure.com/schemas/common/definitions.json";

    // What the schema of sizes says of itself: there are many more than it lists.
    private const string OpenList = "The enum data type is currently deprecated";

    private static readonly HashSet<string> WithoutEffect = ["description", "default", "format", "title", "id", "$schema", "definitions", "resourceDefinitions"];

    private readonly JsonNode _schemas;
    private readonly JsonNode _common;

    /// <summary>Reads the schemas of a provider, and what all of them share.</summary>
    public JsonSchemas(string path, string common) => (_schemas, _common) = (JsonNode.Parse(File.ReadAllText(path))!, JsonNode.Parse(File.ReadAllText(common))!);

    /// <summary>What is wrong with a resource's body, each with its place.</summary>
    /// <param name="type">The resource's type: <c>Microsoft.Compute/disks</c>; of one within another, <c>Microsoft.Compute/virtualMachines/runCommands</c>.</param>
    /// <param name="version">The version that is spoken; it is in the address, and the schema wants it in the body.</param>
    /// <param name="body">The body.</param>
    /// <param name="isPatch">Whether properties may be missing.</param>
    public IReadOnlyList<string> Problems(string type, string version, JsonNode body, bool isPatch = false)
    {
        var name = type[(type.IndexOf('/') + 1)..].Replace('/', '_');
        var schema = _schemas["resourceDefinitions"]![name] ?? throw new ArgumentException($"{type} is not among the schemas.", nameof(type));
        var whole = body.DeepClone().AsObject();
        (whole["name"], whole["type"], whole["apiVersion"]) = ("x", type, version);
        return Check(schema, whole, "", isPatch);
    }

    private List<string> Check(JsonNode schema, JsonNode? value, string place, bool isPatch)
    {
        var found = new List<string>();
        if (((string?)schema["description"])?.Contains(OpenList, StringComparison.Ordinal) == true)
            return Kind(value) == JsonValueKind.String ? [] : [$"{place} is no string"];
        foreach (var (keyword, rule) in schema.AsObject())
        {
            if (WithoutEffect.Contains(keyword))
                continue;
            switch (keyword)
            {
                case "$ref":
                    found.AddRange(Check(Resolve((string)rule!), value, place, isPatch));
                    break;
                case "type" when !IsOf((string)rule!, value):
                    return [$"{place} is no {(string)rule!}"];   // whatever else is said of it, is said of another type
                case "enum" when !rule!.AsArray().Any(r => JsonNode.DeepEquals(r, value)):
                    found.Add($"{place} is none of {string.Join(", ", rule.AsArray().Take(8))}");
                    break;
                case "oneOf" or "anyOf":
                    found.AddRange(CheckAlternatives(rule!.AsArray(), value, place, isPatch, keyword == "oneOf"));
                    break;
                case "required" when !isPatch && value is JsonObject o:
                    found.AddRange(rule!.AsArray().Where(r => !o.ContainsKey((string)r!)).Select(r => $"{place}.{r} is missing"));
                    break;
                case "properties" when value is JsonObject o:
                    found.AddRange(o.Where(p => rule![p.Key] is not null).SelectMany(p => Check(rule![p.Key]!, p.Value, $"{place}.{p.Key}", isPatch)));
                    break;
                case "additionalProperties" when value is JsonObject o:
                    found.AddRange(CheckOthers(schema, rule!, o, place, isPatch));
                    break;
                case "items" when value is JsonArray items:
                    found.AddRange(items.SelectMany((item, i) => Check(rule!, item, $"{place}[{i}]", isPatch)));
                    break;
                case "minimum" when Number(value) < Number(rule):
                case "maximum" when Number(value) > Number(rule):
                    found.Add($"{place} is out of range ({keyword} {rule})");
                    break;
                case "minLength" when Length(value) < (int)rule!:
                case "maxLength" when Length(value) > (int)rule!:
                    found.Add($"{place} is too {(keyword == "minLength" ? "short" : "long")} ({rule})");
                    break;
                case "pattern" when value is JsonValue v && v.TryGetValue<string>(out var text) && !Regex.IsMatch(text, (string)rule!, RegexOptions.None, TimeSpan.FromSeconds(5)):
                    found.Add($"{place} does not match {rule}");
                    break;
                case "type" or "enum" or "required" or "properties" or "additionalProperties" or "items" or "minimum" or "maximum" or "minLength" or "maxLength" or "pattern":
                    break;   // it holds, or says nothing of such a value
                default:
                    throw new NotSupportedException($"{place}: the keyword '{keyword}' is not understood.");
            }
        }

        return found;
    }

    private List<string> CheckAlternatives(JsonArray alternatives, JsonNode? value, string place, bool isPatch, bool onlyOne)
    {
        var all = alternatives.Select(a => Check(a!, value, place, isPatch)).ToList();
        var holding = all.Count(a => a.Count == 0);
        // The last alternative is as a rule a template's expression, which no request has.
        return holding == 0 ? all[0] : onlyOne && holding > 1 ? [$"{place} is several things at once"] : [];
    }

    private IEnumerable<string> CheckOthers(JsonNode schema, JsonNode rule, JsonObject value, string place, bool isPatch)
    {
        var others = value.Where(p => schema["properties"]?[p.Key] is null);
        return rule is JsonObject any ? others.SelectMany(p => Check(any, p.Value, $"{place}.{p.Key}", isPatch))
            : (bool)rule ? [] : others.Select(p => $"{place}.{p.Key} is unknown");
    }

    private JsonNode Resolve(string reference)
    {
        var parts = reference.Split('#');
        var root = parts[0] switch { "" => _schemas, Common => _common, _ => throw new NotSupportedException($"The schema {parts[0]} is not there.") };
        return parts[1].Trim('/').Split('/').Aggregate(root, (node, name) => node[name] ?? throw new ArgumentException($"{reference} is not there."));
    }

    private static bool IsOf(string type, JsonNode? value) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => Kind(value) == JsonValueKind.String,
        "boolean" => Kind(value) is JsonValueKind.True or JsonValueKind.False,
        "number" => Kind(value) == JsonValueKind.Number,
        "integer" => Kind(value) == JsonValueKind.Number && value!.AsValue().TryGetValue<long>(out _),
        _ => throw new NotSupportedException($"The type '{type}' is not understood."),
    };

    private static JsonValueKind? Kind(JsonNode? value) => value is JsonValue v ? v.GetValueKind() : null;

    private static double? Number(JsonNode? value) => Kind(value) == JsonValueKind.Number ? value!.GetValue<double>() : null;

    private static int? Length(JsonNode? value) => Kind(value) == JsonValueKind.String ? value!.GetValue<string>().Length : null;
}
