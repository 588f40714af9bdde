using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>A request, as the double sees it.</summary>
/// <param name="Method">The method.</param>
/// <param name="Uri">The whole address.</param>
/// <param name="Headers">The headers, by name in lower case.</param>
/// <param name="Body">The body.</param>
public sealed record Request(string Method, Uri Uri, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Path => System.Uri.UnescapeDataString(Uri.AbsolutePath).TrimEnd('/');

    public string? Query(string name) => Uri.Query.TrimStart('?').Split('&').Select(p => p.Split('=', 2))
        .Where(p => p[0].Equals(name, StringComparison.OrdinalIgnoreCase)).Select(p => p.Length > 1 ? System.Uri.UnescapeDataString(p[1]) : "").FirstOrDefault();
}

/// <summary>What the double answers.</summary>
/// <param name="Status">The status.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">The headers.</param>
public sealed record Answer(int Status, byte[] Body, Dictionary<string, string> Headers)
{
    public static Answer Of(int status, JsonNode? body = null, params (string Name, string Value)[] headers)
    {
        var all = headers.ToDictionary(h => h.Name, h => h.Value);
        if (body is not null)
            all["Content-Type"] = "application/json; charset=utf-8";
        return new Answer(status, body is null ? [] : System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()), all);
    }

    /// <summary>An error in the resource manager's shape.</summary>
    public static Answer Error(int status, string code, string message, params (string Name, string Value)[] headers) =>
        Of(status, new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } }, headers);
}
