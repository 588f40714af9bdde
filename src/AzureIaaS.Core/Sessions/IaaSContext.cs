using System.Text.Json.Serialization;

namespace AzureIaaS.Sessions;

/// <summary>What runs a local machine.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HypervisorKind>))]
public enum HypervisorKind
{
    /// <summary>Real machines under QEMU.</summary>
    Qemu,

    /// <summary>No process at all: the state machine alone, for runbook tests in milliseconds.</summary>
    Simulated,
}

/// <summary>A named place where machines live. It holds no secret.</summary>
public sealed class IaaSContext
{
    /// <summary>The name of the context of whoever never connected.</summary>
    public const string DefaultName = "local";

    /// <summary>The provider of local fabrics.</summary>
    public const string LocalProvider = "Local";

    /// <summary>The provider of machines in Azure.</summary>
    public const string AzureProvider = "Azure";

    /// <summary>The context's name.</summary>
    public string Name { get; set; } = DefaultName;

    /// <summary>The provider: <c>Local</c> or <c>Azure</c>.</summary>
    public string Provider { get; set; } = LocalProvider;

    /// <summary>The fabric's folder, for a local context.</summary>
    public string Path { get; set; } = "";

    /// <summary>What runs its machines, for a local context.</summary>
    public HypervisorKind Hypervisor { get; set; }

    /// <summary>Where in Azure it is, for a context in Azure.</summary>
    public AzureScope? Azure { get; set; }

    /// <summary>Where its machines are: the fabric's folder, or the resource group.</summary>
    [JsonIgnore]
    public string Place => Azure?.ToString() ?? Path;

    /// <summary>Whether it is the one that commands use when none is named.</summary>
    [JsonIgnore]
    public bool IsCurrent { get; set; }

    /// <summary>The context's name.</summary>
    public override string ToString() => Name;
}
