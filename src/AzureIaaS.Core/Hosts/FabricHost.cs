using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>The state of a host.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HostState>))]
public enum HostState
{
    /// <summary>It takes machines.</summary>
    Up,

    /// <summary>It is being emptied for maintenance, and takes no machine.</summary>
    Draining,

    /// <summary>It is lost: nothing runs on it, and it takes no machine.</summary>
    Down,
}

/// <summary>
/// A host of the fabric: where machines run. Hosts of one fault domain share power and a switch, and fail together; hosts of one update domain
/// are maintained together.
/// </summary>
public sealed class FabricHost
{
    /// <summary>The name, unique in its fabric in any case of letters.</summary>
    public string Name { get; set; } = "";

    /// <summary>The number of its fault domain, from 0.</summary>
    public int FaultDomain { get; set; }

    /// <summary>The number of its update domain, from 0.</summary>
    public int UpdateDomain { get; set; }

    /// <summary>How many virtual processors it offers.</summary>
    public int Cpu { get; set; }

    /// <summary>How much memory it offers, in bytes.</summary>
    public long Memory { get; set; }

    /// <summary>Its state.</summary>
    public HostState State { get; set; }

    /// <summary>Why it is in this state, as a sentence; null where that needs no explanation.</summary>
    public string? StateReason { get; set; }

    /// <summary>How many virtual processors are taken; filled when it is listed.</summary>
    public int CpuUsed { get; set; }

    /// <summary>How much memory is taken, in bytes; filled when it is listed.</summary>
    public long MemoryUsed { get; set; }

    /// <summary>The names of the machines that have their place on it; filled when it is listed.</summary>
    public IList<string> Machines { get; set; } = [];

    /// <summary>The name of the context it belongs to.</summary>
    public string Context { get; set; } = "";

    /// <summary>The host's name.</summary>
    public override string ToString() => Name;
}
