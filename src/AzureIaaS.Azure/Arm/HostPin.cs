using Azure.Core;
using Azure.Core.Pipeline;

namespace AzureIaaS.Azure.Arm;

/// <summary>
/// Keeps requests with a token at home: an operation's headers may name any address to ask at, and the token would go there. It stands before
/// the policy that adds the token.
/// </summary>
/// <param name="home">The resource manager's address.</param>
internal sealed class HostPin(Uri home) : HttpPipelineSynchronousPolicy
{
    public override void OnSendingRequest(HttpMessage message)
    {
        var uri = message.Request.Uri;
        if (uri.Scheme == home.Scheme && uri.Host is { } host && host.Equals(home.Host, StringComparison.OrdinalIgnoreCase) && uri.Port == home.Port)
            return;
        throw new IaaSException(ErrorKind.AccessDenied, "ForeignHost", $"An answer of {home.Host} sends on to {uri.Host}, which is none of its addresses; the request was not sent.",
            "If a proxy stands between, let it be set right; otherwise tell Azure's support. No token has left.", uri.Host);
    }
}
