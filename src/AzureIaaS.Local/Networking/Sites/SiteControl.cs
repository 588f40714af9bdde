using System.Text.Json.Serialization;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>How it stands with one site, as its gateway knows.</summary>
internal sealed record SiteReport
{
    /// <summary>The site's id.</summary>
    public Guid Id { get; init; }

    public SiteState State { get; init; }

    public DateTimeOffset? Since { get; init; }

    public long BytesIn { get; init; }

    public long BytesOut { get; init; }

    public string? LastError { get; init; }

    /// <summary>Until when the list of revoked certificates that is in use is good; null where there is none.</summary>
    public DateTimeOffset? RevocationListUntil { get; init; }
}

/// <summary>What the gateway tells whoever connects to it: one line of JSON.</summary>
internal sealed record GatewayReport
{
    /// <summary>The gateway's process.</summary>
    public int ProcessId { get; init; }

    /// <summary>What encrypts packets; null while there is no IKE daemon.</summary>
    public IpsecEngine? Engine { get; init; }

    public IReadOnlyList<SiteReport> Sites { get; init; } = [];
}

/// <summary>How it is written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GatewayReport))]
[JsonSerializable(typeof(ProcessIdentity))]
internal sealed partial class SiteJson : JsonSerializerContext;
