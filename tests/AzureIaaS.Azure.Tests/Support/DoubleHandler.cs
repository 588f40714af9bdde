using System.Net;
using AzureIaaS.ArmDouble;

namespace AzureIaaS.Azure.Tests.Support;

/// <summary>Brings requests to the double without a network; those to other hosts fail, and are remembered.</summary>
internal sealed class DoubleHandler(ArmDouble.Arm arm) : HttpMessageHandler
{
    public const string BlobHost = "disks.double";

    /// <summary>The hosts that were asked for and are none of the double's.</summary>
    public List<string> Strangers { get; } = [];

    /// <summary>Whether a token went with a request to a blob.</summary>
    public bool TokenReachedBlob { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var host = request.RequestUri!.Host;
        if (host is not ("management.azure.com" or BlobHost))
        {
            lock (Strangers)
                Strangers.Add(host);
            throw new HttpRequestException("no such host");
        }

        TokenReachedBlob |= host == BlobHost && request.Headers.Authorization is not null;
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var all = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? []);
        var headers = all.GroupBy(h => h.Key.ToLowerInvariant()).ToDictionary(h => h.Key, h => string.Join(',', h.SelectMany(v => v.Value)));
        var answer = await arm.HandleAsync(new Request(request.Method.Method, request.RequestUri, headers, body));
        var response = new HttpResponseMessage((HttpStatusCode)answer.Status) { Content = new ByteArrayContent(answer.Body), RequestMessage = request };
        foreach (var (name, value) in answer.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }
}
