using System.Net.Sockets;
using System.Text.RegularExpressions;
using Azure;
using Azure.Identity;

namespace AzureIaaS.Azure.Arm;

/// <summary>Turns what Azure and its packages throw into sentences with what to do. The one place that knows their words.</summary>
internal static partial class ArmErrors
{
    /// <summary>Whether an exception is Azure's or the network's, and not a fault of ours.</summary>
    /// <param name="e">The exception.</param>
    public static bool IsExpected(Exception e) => e is RequestFailedException or AuthenticationFailedException or HttpRequestException or IOException or TaskCanceledException
        || (e is AggregateException aggregate && aggregate.InnerExceptions.Count > 0 && aggregate.InnerExceptions.All(IsExpected));

    /// <summary>Puts an exception into a sentence.</summary>
    /// <param name="e">The exception.</param>
    /// <param name="doing">What was being done: "Creating disk x".</param>
    public static IaaSException Translate(Exception e, string doing) => e switch
    {
        CredentialUnavailableException => new(ErrorKind.AccessDenied, "NotSignedIn", $"{doing}: nobody is signed in to Azure here: {FirstLine(e.Message)}",
            "Sign in with 'az login', or choose another way with Connect-IaaS -Azure -SignIn.", null, e) { IsPassing = true },
        AuthenticationFailedException => new(ErrorKind.AccessDenied, "SignInFailed", $"{doing}: Azure refused to sign in: {FirstLine(e.Message)}",
            "Check the tenant (-Tenant), the credential, and this computer's clock; then sign in again.", null, e) { IsPassing = true },
        RequestFailedException { Status: > 0 } failed => Of(failed, doing),
        AggregateException { InnerException: { } inner } => Translate(inner, doing),
        _ => new(ErrorKind.Failed, "AzureUnreachable", $"{doing}: Azure could not be reached: {Deepest(e)}.",
            "Check the network, the name service and the proxy (HTTPS_PROXY); what was begun goes on by Resume-IaaSOperation.", null, e) { IsPassing = true },
    };

    private static IaaSException Of(RequestFailedException e, string doing)
    {
        var code = e.ErrorCode ?? "";
        var text = $"{doing}: {Said(e)}";
        return e.Status switch
        {
            401 => new(ErrorKind.AccessDenied, "TokenRefused", text, "Sign in again, to the tenant that the subscription belongs to (-Tenant); see that this computer's clock is right.", null, e) { IsPassing = true },
            403 => Forbidden(e, text),
            404 => new(ErrorKind.NotFound, code.Length > 0 ? code : "AzureNotFound", text, "Get-IaaSContext shows where the context is; perhaps somebody removed it.", null, e),
            429 => new(ErrorKind.Busy, "AzureThrottles", text, "Try again later, with fewer machines at once (-ThrottleLimit).", null, e) { IsPassing = true },
            412 => new(ErrorKind.Busy, "ChangedMeanwhile", text, "Somebody else has changed it at the same moment; try again.", null, e),
            _ => ByCode(e, code, text),
        };
    }

    private static IaaSException ByCode(RequestFailedException e, string code, string text) => code switch
    {
        "AllocationFailed" or "ZonalAllocationFailed" or "OverconstrainedAllocationRequest" or "OverconstrainedZonalAllocationRequest" => new(ErrorKind.NoCapacity, code, text,
            "Azure has no room for this size at this place now: try again later, or another size (Set-IaaSVm -Size), zone or region.", null, e),
        "SkuNotAvailable" => new(ErrorKind.NoCapacity, code, text, "The region or the subscription does not offer this size: choose another with -Size, or another region.", null, e),
        "OperationNotAllowed" when IsQuota(e) => QuotaOf(e, text),
        "QuotaExceeded" or "ResourceQuotaExceeded" => QuotaOf(e, text),
        "AttachDiskWhileBeingDetached" or "ConflictingUserInput" or "AnotherOperationInProgress" or "RetryableError" => new(ErrorKind.Busy, code, text, "Wait a minute and try again.", null, e),
        "InvalidVhd" => new(ErrorKind.InvalidData, code, text, "Undo-IaaSOperation removes the disk; then import again.", null, e),
        _ => new(e.Status == 409 ? ErrorKind.InvalidState : ErrorKind.Failed, code.Length > 0 ? code : "AzureFailed", text,
            "What Azure says is above. What was begun goes on by Resume-IaaSOperation.", null, e) { IsPassing = e.Status >= 500 },
    };

    /// <summary>A quota and a throttled machine have the same code; the one is a conflict, the other says that it was too often.</summary>
    private static bool IsQuota(RequestFailedException e) => e.Status is 409 or 403 or 200 && e.Message.Contains("quota", StringComparison.OrdinalIgnoreCase);

    private static IaaSException QuotaOf(RequestFailedException e, string text) => new(ErrorKind.NoCapacity, "QuotaExceeded", text,
        "Ask for a higher quota in the portal (Subscriptions, Usage + quotas), choose a smaller or another size with -Size, or stop machines that are not needed.", null, e);

    private static IaaSException Forbidden(RequestFailedException e, string text)
    {
        var action = Action().Match(e.Message);
        return new IaaSException(ErrorKind.AccessDenied, "AzureForbids", text,
            action.Success
                ? $"Whoever is signed in lacks the action {action.Groups[1].Value}; docs/azure.md has a role with all that are needed."
                : "Have a role assigned that allows it; docs/azure.md has one with all actions that are needed.", null, e);
    }

    /// <summary>Azure's own words, without the headers that the packages put after them.</summary>
    private static string Said(RequestFailedException e)
    {
        var said = FirstLine(e.Message);
        return e.ErrorCode is { Length: > 0 } code && !said.Contains(code, StringComparison.Ordinal) ? $"{said} ({code})" : said;
    }

    private static string FirstLine(string text) => Signature().Replace(text.Split('\n', 2)[0].Trim(), "sig=***");

    private static string Deepest(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e is SocketException socket ? socket.SocketErrorCode.ToString() : FirstLine(e.Message).TrimEnd('.');
    }

    [GeneratedRegex("action '([^']+)'", RegexOptions.CultureInvariant)]
    private static partial Regex Action();

    [GeneratedRegex("sig=[^&\\s\"']+", RegexOptions.CultureInvariant)]
    private static partial Regex Signature();
}
