using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AzureIaaS.Azure.Tests.Replay;

/// <summary>One recorded exchange with the resource manager.</summary>
internal sealed partial record Recorded(string Method, string Uri, int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Path => Uri.Split('?')[0];

    /// <summary>The resource type in the path, with its provider; empty where there is none.</summary>
    public string Type
    {
        get
        {
            var parts = Path.Split('/');
            var at = Array.LastIndexOf(parts, "providers");
            return at < 0 || at + 2 >= parts.Length ? "" : $"{parts[at + 1]}/{parts[at + 2]}";
        }
    }

    /// <summary>Whether it is about one resource and not about all of a type, an action, or an operation.</summary>
    public bool IsResource
    {
        get
        {
            var parts = Path.Split('/');
            var at = Array.LastIndexOf(parts, "providers");
            return at > 4 && parts.Length == at + 4;
        }
    }

    public static Recorded Of(JsonNode exchange) => new(
        (string)exchange["method"]!, PathOf((string)exchange["uri"]!), (int)exchange["status"]!,
        exchange["headers"]?.AsObject().ToDictionary(h => h.Key, h => Home().Replace((string)(h.Value is JsonArray several ? several[0] : h.Value)!, "https://management.azure.com"), StringComparer.OrdinalIgnoreCase) ?? [],
        (string?)exchange["body"] ?? "");

    /// <summary>Some recorders have put themselves in the place of the resource manager.</summary>
    [GeneratedRegex("https?://localhost(:[0-9]+)?")]
    private static partial Regex Home();

    private static string PathOf(string uri) => uri.StartsWith('/') ? uri : new Uri(uri).PathAndQuery;

    public HttpResponseMessage ToResponse(HttpRequestMessage request)
    {
        var response = new HttpResponseMessage((HttpStatusCode)Status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body)), RequestMessage = request };
        foreach (var (name, value) in Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }
}

/// <summary>Answers one request, then those that follow from it, as they were recorded.</summary>
internal sealed class RecordedHandler(Recorded first, IEnumerable<Recorded> rest) : HttpMessageHandler
{
    private readonly Dictionary<string, Queue<Recorded>> _rest = rest.Where(r => r.Method == "GET").GroupBy(r => r.Path).ToDictionary(g => g.Key, g => new Queue<Recorded>(g), StringComparer.OrdinalIgnoreCase);
    private bool _begun;

    public int Requests { get; private set; }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests++;
        if (!_begun || first.Status >= 400)
        {
            _begun = true;
            return Task.FromResult(first.ToResponse(request));
        }

        var path = request.RequestUri!.AbsolutePath;
        if (!_rest.TryGetValue(path, out var answers))
            throw new InvalidOperationException($"Nothing was recorded for {path}.");
        return Task.FromResult((answers.Count > 1 ? answers.Dequeue() : answers.Peek()).ToResponse(request));
    }
}
