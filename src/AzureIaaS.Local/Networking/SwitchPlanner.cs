using System.Net;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking;

/// <summary>Makes of what is remembered what a network's switch has to know.</summary>
internal static class SwitchPlanner
{
    /// <summary>What a packet may measure that goes through a tunnel over an ordinary Ethernet.</summary>
    private const int SiteMtu = 1400;

    /// <summary>Makes the plan of a network.</summary>
    /// <param name="store">What is remembered.</param>
    /// <param name="layout">Where the files are.</param>
    /// <param name="network">The network's id.</param>
    /// <returns>The plan; null when the network is not there any more.</returns>
    public static SwitchPlan? Make(IStateStore store, FabricLayout layout, Guid network)
    {
        if (store.Networks.Find(network) is not { } found)
            return null;
        var subnet = found.ToIPNetwork();
        var members = store.Networks.Members(network).Select(m => (Member: m, Stored: store.Machines.Find(m.Vm))).Where(m => IsOn(m.Member, m.Stored)).ToList();
        var sites = store.Sites.List().Where(s => s.NetworkId == network).ToList();
        var gateway = AddressPool.ToNumber(IPAddress.Parse(found.GatewayAddress));
        return new SwitchPlan
        {
            Network = found,
            Gateway = new PortIdentity(SlirpEgress.MacOf(gateway), gateway),
            Subnet = AddressPool.ToNumber(subnet.BaseAddress),
            Mask = MaskOf(subnet),
            DnsSuffix = found.DnsSuffix ?? "",
            Members = [.. members.Select(m => MemberOf(m.Member, m.Stored!, layout))],
            Peers = [.. found.Peers.Select(store.Networks.Find).OfType<VirtualNetwork>().Select(p => PeerOf(p, layout)), .. sites.SelectMany(s => PeersOf(s, layout))],
            SiteNames = [.. sites.Where(s => s.DnsSuffix is not null).Select(s => new SiteNames(s.DnsSuffix!, [.. s.DnsServers.Select(d => AddressPool.ToNumber(IPAddress.Parse(d)))]))],
            Forwards = members.Where(m => m.Stored!.Machine.State.IsActive()).SelectMany(ForwardsOf).ToHashSet(),
        };
    }

    /// <summary>The servers that names elsewhere are asked of.</summary>
    /// <param name="network">The network.</param>
    public static IReadOnlyList<DnsRoute> DnsRoutes(VirtualNetwork network)
    {
        if (network.Isolated)
            return [];
        IEnumerable<string> servers = network.DnsServers.Count > 0 ? network.DnsServers : SystemServers();
        return [new DnsRoute("", [.. servers.Select(s => IPAddress.TryParse(s, out var a) ? a : null).OfType<IPAddress>().Select(a => new IPEndPoint(a, DnsServer.Port))])];
    }

    /// <summary>A place that was taken by a join that was cut off is not yet the machine's.</summary>
    private static bool IsOn(NetworkMember member, StoredMachine? stored) =>
        stored?.Machine.NetworkAdapters.FirstOrDefault(a => a.Name == member.Adapter) is { } adapter && adapter.NetworkId == member.Network;

    private static SwitchMember MemberOf(NetworkMember member, StoredMachine stored, FabricLayout layout)
    {
        IReadOnlyList<PortPlace> places = [];
        if (stored.Machine.State.IsActive())
        {
            var slot = MachineNotes.Of(stored).Slot;
            places = [PlaceOf(layout.Machine(member.Vm, slot), member.Adapter), PlaceOf(layout.Machine(member.Vm, 1 - slot), member.Adapter)];
        }

        return new SwitchMember(member.Vm, member.Adapter, IdentityOf(member), member.HostName, places);
    }

    /// <summary>Who a member is.</summary>
    public static PortIdentity IdentityOf(NetworkMember member) => new(MacAddress.ToNumber(member.MacAddress), AddressPool.ToNumber(IPAddress.Parse(member.Address)));

    private static PortPlace PlaceOf(MachineFiles files, string adapter) => new(files.AdapterPeer(adapter), files.AdapterSocket(adapter));

    private static SwitchPeer PeerOf(VirtualNetwork network, FabricLayout layout)
    {
        var subnet = network.ToIPNetwork();
        return new SwitchPeer(network.Name, AddressPool.ToNumber(subnet.BaseAddress), MaskOf(subnet), layout.Network(network.Id).Peers);
    }

    /// <summary>To a switch, a site is a peer whose packets must be shorter, for the tunnel adds to them.</summary>
    private static IEnumerable<SwitchPeer> PeersOf(Site site, FabricLayout layout) => site.Subnets.Select(IPNetwork.Parse)
        .Select(s => new SwitchPeer(site.Name, AddressPool.ToNumber(s.BaseAddress), MaskOf(s), layout.Sites.Packets, SiteMtu));

    /// <summary>A machine on several networks publishes by the first, and a rehearsal's clone not at all: the original has the port.</summary>
    private static IEnumerable<Forward> ForwardsOf((NetworkMember Member, StoredMachine? Stored) member)
    {
        var machine = member.Stored!.Machine;
        return machine.IPAddress != member.Member.Address || machine.RehearsalOf is not null ? []
            : machine.PublishedPorts.Select(p => new Forward(AddressPool.ToNumber(IPAddress.Parse(p.HostAddress)), p.HostPort, AddressPool.ToNumber(IPAddress.Parse(machine.IPAddress)), p.Port, p.Udp));
    }

    /// <summary>A subnet's mask as a number.</summary>
    public static uint MaskOf(IPNetwork subnet) => subnet.PrefixLength == 0 ? 0 : uint.MaxValue << (32 - subnet.PrefixLength);

    /// <summary>This computer's own servers (resolv.conf(5)).</summary>
    private static List<string> SystemServers()
    {
        try
        {
            return [.. File.ReadLines("/etc/resolv.conf").Take(100).Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(w => w is ["nameserver", _, ..]).Select(w => w[1])];
        }
        catch (IOException)
        {
            return [];
        }
    }
}
