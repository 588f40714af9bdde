using Azure;

namespace AzureIaaS.Azure.Upload;

/// <summary>What went wrong with a request to the blob service. It says everything but the address.</summary>
/// <param name="Status">The status; 0 when no answer came.</param>
/// <param name="Code">The service's word for it (x-ms-error-code).</param>
/// <param name="Cause">What prevented an answer; null where there was one.</param>
internal readonly record struct BlobTrouble(int Status, string Code, Exception? Cause)
{
    /// <summary>Whether the same request can succeed later, or with another signature.</summary>
    public bool IsPassing => IsStranger || Status is 0 or 408 or 429 or 500 or 502 or 503 or 504 || IsAccess || Code == "Crc64Mismatch";

    /// <summary>Whether it is a yes that the service never gives: something between has answered in its place, a proxy or a portal.</summary>
    private bool IsStranger => Status is >= 100 and < 400;

    /// <summary>Whether the signature was refused: expired, revoked, or from a clock that is off.</summary>
    public bool IsAccess => Status is 401 or 403;

    public static BlobTrouble Of(Response response) =>
        new(response.Status, response.Headers.TryGetValue("x-ms-error-code", out var code) ? code : "", null);

    public IaaSException ToException(string name, string doing)
    {
        // Messages of the layers below may hold the address, and the address is the key: only their kind is told.
        var what = Status == 0 ? $"no answer came ({Kind(Cause)})"
            : IsStranger ? $"something on the way answered {Status} in the storage service's place"
            : $"the storage service answered {Status}{(Code.Length > 0 ? $" {Code}" : "")}";
        var message = $"{name}: {doing} failed: {what}.";
        const string resume = "Resume-IaaSOperation goes on where it was; Undo-IaaSOperation gives it up, and nothing of it stays.";
        if (IsAccess)
        {
            return new IaaSException(ErrorKind.AccessDenied, "DiskAccessRefused", message,
                $"Access to the disk has ended or was taken away, or this computer's clock is off. {resume}", name) { IsPassing = true };
        }

        return Status is 404 or 409 or 412
            ? new IaaSException(ErrorKind.InvalidState, "DiskNotWritable", message, $"Somebody else has removed or locked the disk. {resume}", name) { IsPassing = true }
            : new IaaSException(ErrorKind.Failed, Status == 0 ? "StorageUnreachable" : "StorageFailed", message, $"Check the network. {resume}", name) { IsPassing = IsPassing };
    }

    private static string Kind(Exception? cause)
    {
        while (cause is AggregateException { InnerException: { } inner })
            cause = inner;
        while (cause?.InnerException is { } deeper)
            cause = deeper;
        return cause switch
        {
            System.Net.Sockets.SocketException socket => socket.SocketErrorCode.ToString(),
            OperationCanceledException => "timed out",
            null => "unknown",
            _ => cause.GetType().Name,
        };
    }
}
