using System.Text.Json.Nodes;
using AzureIaaS.ArmDouble;

namespace AzureIaaS.Azure.Tests.Support;

/// <summary>What is kept beside the project: types, recordings.</summary>
internal static class SharedAzure
{
    public static string? Folder { get; } = Find();

    public static string Needed
    {
        get
        {
            Skip.If(Folder is null, "../shared/azure is not there.");
            return Folder!;
        }
    }

    /// <summary>The types of the versions that are spoken; none where the folder is not there.</summary>
    public static IEnumerable<KeyValuePair<string, BicepTypes>> Types => Folder is null
        ? []
        : Directory.EnumerateFiles(Path.Combine(Folder, "bicep-types"), "*.json").Select(f => KeyValuePair.Create(Path.GetFileNameWithoutExtension(f), Loaded(f)));

    /// <summary>The schemas of the versions that are spoken, by provider and version; none where the folder is not there.</summary>
    public static IReadOnlyDictionary<string, JsonSchemas> Schemas => LazySchemas.Value;

    private static readonly Lazy<IReadOnlyDictionary<string, JsonSchemas>> LazySchemas = new(() =>
    {
        if (Folder is null)
            return new Dictionary<string, JsonSchemas>();
        var folder = Path.Combine(Folder, "schemas");
        return new[] { ("2023-04-02", "Microsoft.Compute"), ("2023-07-01", "Microsoft.Compute"), (Azure.Arm.ArmConnection.NetworkVersion, "Microsoft.Network") }.ToDictionary(
            s => $"{s.Item2}@{s.Item1}",
            s => new JsonSchemas(Directory.EnumerateFiles(Path.Combine(folder, s.Item1), s.Item2 + ".*").Single(), Path.Combine(folder, "common-definitions.json")));
    });

    /// <summary>All recorded exchanges.</summary>
    public static IEnumerable<JsonNode> Exchanges() => Directory.EnumerateFiles(Path.Combine(Needed, "recordings"), "*.json")
        .SelectMany(f => JsonNode.Parse(File.ReadAllText(f))!["exchanges"]!.AsArray().Select(e => e!));

    private static readonly Dictionary<string, BicepTypes> Cache = [];

    private static BicepTypes Loaded(string file)
    {
        lock (Cache)
            return Cache.TryGetValue(file, out var types) ? types : Cache[file] = new BicepTypes(file);
    }

    private static string? Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar)))
        {
            if (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
                continue;
            var shared = Path.Combine(folder, "..", "shared", "azure");
            return Directory.Exists(shared) ? Path.GetFullPath(shared) : null;
        }

        return null;
    }
}
