using System.Security.Cryptography;
using System.Text.Json;
using AzureIaaS.Failover;

namespace AzureIaaS.Reports;

/// <summary>What makes a report evidence: a digest of everything it says.</summary>
public static class Evidence
{
    /// <summary>The SHA-256 of a failover report, of its JSON without the name that its context has here.</summary>
    /// <param name="report">The report.</param>
    /// <returns>64 hexadecimal digits.</returns>
    public static string Digest(FailoverReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        // Through JSON, so that what comes back from a store or a job has the same digest. Versions have no order of their own.
        var copy = JsonSerializer.Deserialize(JsonSerializer.Serialize(report, CoreJson.Default.FailoverReport), CoreJson.Default.FailoverReport)!;
        copy.Context = "";
        copy.Versions = new SortedDictionary<string, string>(copy.Versions, StringComparer.Ordinal);
        return Convert.ToHexString(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(copy, CoreJson.Default.FailoverReport))).ToLowerInvariant();
    }
}
