using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>A member of a network, as its switch knows it.</summary>
/// <param name="Vm">The machine's id; empty for a guest of the fabric's own.</param>
/// <param name="Adapter">The adapter's name.</param>
/// <param name="Identity">Its addresses.</param>
/// <param name="HostName">Its name, one label.</param>
/// <param name="Places">Where its frames come from and go to; the first is where it is now. None while it does not run.</param>
internal sealed record SwitchMember(Guid Vm, string Adapter, PortIdentity Identity, string HostName, IReadOnlyList<PortPlace> Places);

/// <summary>Another network that packets are exchanged with.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Subnet">Its first address.</param>
/// <param name="Mask">Its mask.</param>
/// <param name="Socket">Where its switch takes packets; for a site, its gateway.</param>
/// <param name="Mtu">The longest packet that goes there.</param>
internal sealed record SwitchPeer(string Name, uint Subnet, uint Mask, string Socket, int Mtu = Frame.Longest - Frame.Header);

/// <summary>A port of this computer that leads to a member.</summary>
/// <param name="HostAddress">This computer's address.</param>
/// <param name="HostPort">The port there.</param>
/// <param name="Address">The member's address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Udp">Whether it is UDP.</param>
internal readonly record struct Forward(uint HostAddress, int HostPort, uint Address, int Port, bool Udp);

/// <summary>
/// All that a switch has to know, at one moment. It never changes: what has changed comes as a new one, so that the switch's thread waits for no
/// database.
/// </summary>
internal sealed record SwitchPlan
{
    /// <summary>The network.</summary>
    public required VirtualNetwork Network { get; init; }

    /// <summary>The gateway.</summary>
    public required PortIdentity Gateway { get; init; }

    /// <summary>The subnet's first address.</summary>
    public required uint Subnet { get; init; }

    /// <summary>The subnet's mask.</summary>
    public required uint Mask { get; init; }

    /// <summary>The suffix of names; empty for none.</summary>
    public required string DnsSuffix { get; init; }

    /// <summary>The members.</summary>
    public IReadOnlyList<SwitchMember> Members { get; init; } = [];

    /// <summary>The networks that packets are exchanged with.</summary>
    public IReadOnlyList<SwitchPeer> Peers { get; init; } = [];

    /// <summary>The names that are asked of sites.</summary>
    public IReadOnlyList<SiteNames> SiteNames { get; init; } = [];

    /// <summary>The ports of this computer that lead to members.</summary>
    public IReadOnlySet<Forward> Forwards { get; init; } = new HashSet<Forward>();

    /// <summary>Whether any member runs.</summary>
    public bool HasRunning => Members.Any(m => m.Places.Count > 0);

    /// <summary>The member with an address; null when there is none.</summary>
    public SwitchMember? Find(uint address) => ByAddress.GetValueOrDefault(address);

    private Dictionary<uint, SwitchMember> ByAddress => _byAddress ??= Members.ToDictionary(m => m.Identity.Address);

    private Dictionary<uint, SwitchMember>? _byAddress;

    /// <summary>Whether an address is one of the network's own.</summary>
    public bool IsOwn(uint address) => (address & Mask) == Subnet;
}
