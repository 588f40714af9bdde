using System.Globalization;
using Azure.Core;
using Azure.Core.Pipeline;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Arm;

/// <summary>Says when Azure asks to wait, for what and how long; a wait longer than anybody would sit through is refused. It stands within the retries.</summary>
internal sealed class ThrottleWatch : HttpPipelineSynchronousPolicy
{
    /// <summary>The longest wait that is sat through.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private static readonly AsyncLocal<IProgress<Notice>?> Listener = new();

    /// <summary>Has waits reported for as long as the result is not disposed, within the caller's flow.</summary>
    /// <param name="notices">Receives them.</param>
    public static IDisposable Report(IProgress<Notice> notices) => new Scope(notices);

    public override void OnReceivedResponse(HttpMessage message)
    {
        if (message.Response.Status is not (429 or 503))
            return;
        var wait = RetryAfter(message);
        var bucket = message.Response.Headers.TryGetValue("x-ms-ratelimit-remaining-resource", out var value) ? $" ({value})" : "";
        if (wait > Longest)
        {
            throw new IaaSException(ErrorKind.Busy, "AzureThrottles", $"Azure takes no more requests of this kind for {wait.TotalSeconds:0} seconds{bucket}.",
                "Try again later, with fewer machines at once (-ThrottleLimit); what was begun goes on by Resume-IaaSOperation.") { IsPassing = true };
        }

        Listener.Value?.Report(Notice.Step($"Azure asks to wait {Math.Max(1, wait.TotalSeconds):0} s{bucket}"));
    }

    private static TimeSpan RetryAfter(HttpMessage message) =>
        message.Response.Headers.TryGetValue("Retry-After", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.Zero;

    private sealed class Scope : IDisposable
    {
        private readonly IProgress<Notice>? _former = Listener.Value;

        public Scope(IProgress<Notice> notices) => Listener.Value = notices;

        public void Dispose() => Listener.Value = _former;
    }
}
