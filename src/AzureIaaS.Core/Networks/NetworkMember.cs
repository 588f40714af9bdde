namespace AzureIaaS.Networks;

/// <summary>The place of a machine's adapter on a network: its address and name there, which are its own until it leaves.</summary>
public sealed record NetworkMember
{
    /// <summary>The network's id.</summary>
    public required Guid Network { get; init; }

    /// <summary>The machine's id.</summary>
    public required Guid Vm { get; init; }

    /// <summary>The adapter's name within the machine.</summary>
    public required string Adapter { get; init; }

    /// <summary>The adapter's hardware address.</summary>
    public required string MacAddress { get; init; }

    /// <summary>The address on the network; empty while it is to be chosen.</summary>
    public string Address { get; init; } = "";

    /// <summary>The name on the network, one DNS label.</summary>
    public string HostName { get; init; } = "";

    /// <summary>When the guest was last given its address at its own request; null while it never was.</summary>
    public DateTimeOffset? Leased { get; init; }
}
