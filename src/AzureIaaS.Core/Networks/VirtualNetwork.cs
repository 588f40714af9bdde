using System.Net;

namespace AzureIaaS;

/// <summary>
/// A network of the context: a segment that its machines share, wherever they run. Its first address is the gateway's, where its switch answers
/// for addresses (DHCP) and names (DNS); the two after that are kept for the fabric's own, as in Azure.
/// </summary>
public sealed class VirtualNetwork
{
    /// <summary>The network's identity.</summary>
    public Guid Id { get; set; }

    /// <summary>The name, unique in its context in any case of letters.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its addresses, as an address and the length of the prefix: <c>10.20.0.0/24</c>.</summary>
    public string Subnet { get; set; } = "";

    /// <summary>The gateway's address, the first of the subnet; DHCP and DNS are served there.</summary>
    public string GatewayAddress { get; set; } = "";

    /// <summary>What a machine's name is followed by: <c>corp.contoso.example</c>; null where machines have no names on it.</summary>
    public string? DnsSuffix { get; set; }

    /// <summary>The servers that other names are asked of, where there is a way out; this computer's own when empty.</summary>
    public IList<string> DnsServers { get; set; } = [];

    /// <summary>Whether it has no way out: its machines reach each other and its peers, and nothing else.</summary>
    public bool Isolated { get; set; }

    /// <summary>The names of the networks that it exchanges packets with.</summary>
    public IList<string> Peers { get; set; } = [];

    /// <summary>The region of the cloud it is in; null on a fabric of one's own.</summary>
    public string? Region { get; set; }

    /// <summary>The network that this one stands for in a rehearsal; null for a network of its own right.</summary>
    public Guid? RehearsalOf { get; set; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>The names of the machines on it; filled when it is listed.</summary>
    public IList<string> Machines { get; set; } = [];

    /// <summary>How many more machines can join; filled when it is listed.</summary>
    public long FreeAddresses { get; set; }

    /// <summary>The process that is its switch; null while none runs. Filled when it is listed.</summary>
    public int? ProcessId { get; set; }

    /// <summary>The name of the context it belongs to.</summary>
    public string Context { get; set; } = "";

    /// <summary>The subnet, parsed.</summary>
    /// <exception cref="FormatException">It is no subnet.</exception>
    public IPNetwork ToIPNetwork() => IPNetwork.Parse(Subnet);

    /// <summary>The network's name.</summary>
    public override string ToString() => Name;
}
