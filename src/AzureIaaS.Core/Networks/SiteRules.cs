using System.Net;
using System.Net.Sockets;

namespace AzureIaaS.Networks;

/// <summary>What a site must be like to be joined to a network: every refusal happens here, before anything is made. Pure.</summary>
public static class SiteRules
{
    private const int MostSubnets = 32;
    private const int MostDnsServers = 3;
    private const int ShortestDpd = 9;
    private const int LongestDpd = 3600;
    private const int LongestIdentity = 255;

    /// <summary>Checks a site.</summary>
    /// <param name="site">The site; its suffix is brought into the usual form.</param>
    /// <param name="network">The network that it is joined to.</param>
    /// <param name="networks">All networks of the context.</param>
    /// <param name="sites">The sites there are already.</param>
    /// <exception cref="IaaSException">It cannot be joined; the message says why.</exception>
    public static void Check(Site site, VirtualNetwork network, IReadOnlyList<VirtualNetwork> networks, IReadOnlyList<Site> sites)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(network);
        if (MachineName.Problem(site.Name) is { } problem)
            throw Invalid("InvalidSiteName", $"A site cannot be called '{site.Name}': {problem}.", "Give another name with -Name.", site.Name);
        CheckPolicy(site);
        var subnets = CheckSubnets(site);
        CheckOverlaps(site, subnets, network, networks, sites);
        CheckAddresses(site, subnets);
        CheckIdentity(site);
        CheckNames(site, subnets, network, sites);
    }

    private static void CheckPolicy(Site site)
    {
        if (site.Policy.SaLifetimeSeconds is < IpsecPolicy.ShortestLifetimeSeconds or > IpsecPolicy.LongestLifetimeSeconds)
        {
            throw Invalid("InvalidLifetime", $"{site.Policy.SaLifetimeSeconds} seconds are no life for a tunnel's keys.",
                $"Give {IpsecPolicy.ShortestLifetimeSeconds} to {IpsecPolicy.LongestLifetimeSeconds} with -SaLifetimeSeconds.", site.Policy.SaLifetimeSeconds);
        }

        if (site.DpdTimeoutSeconds is < ShortestDpd or > LongestDpd)
        {
            throw Invalid("InvalidDpdTimeout", $"{site.DpdTimeoutSeconds} seconds are no time for dead-peer detection.",
                $"Give {ShortestDpd} to {LongestDpd} with -DpdTimeoutSeconds.", site.DpdTimeoutSeconds);
        }
    }

    private static List<IPNetwork> CheckSubnets(Site site)
    {
        if (site.Subnets.Count is 0 or > MostSubnets)
            throw Invalid("InvalidSubnet", $"The site has {site.Subnets.Count} subnets.", $"Give 1 to {MostSubnets} with -Subnet, such as 192.168.10.0/24.", site.Name);
        var subnets = new List<IPNetwork>();
        foreach (var text in site.Subnets)
        {
            if (!IPNetwork.TryParse(text, out var subnet) || subnet.ToString() != text || subnet.BaseAddress.AddressFamily != AddressFamily.InterNetwork || subnet.PrefixLength < 8)
            {
                throw Invalid("InvalidSubnet", $"'{text}' is no subnet of a site.",
                    "Give IPv4 subnets by their first address and a prefix from /8 to /32, such as 192.168.10.0/24.", text);
            }

            if (subnets.FindIndex(s => AddressPool.Overlap(s, subnet)) is >= 0 and var other)
                throw Overlap(text, subnets[other].ToString(), "another subnet of the same site", site);
            subnets.Add(subnet);
        }

        return subnets;
    }

    private static void CheckOverlaps(Site site, List<IPNetwork> subnets, VirtualNetwork network, IReadOnlyList<VirtualNetwork> networks, IReadOnlyList<Site> sites)
    {
        foreach (var subnet in subnets)
        {
            foreach (var near in networks.Where(n => n.Id == network.Id || network.Peers.Contains(n.Name)))
            {
                if (AddressPool.Overlap(near.ToIPNetwork(), subnet))
                    throw Overlap(subnet.ToString(), near.Subnet, $"network '{near.Name}'", site);
            }

            foreach (var other in sites.Where(s => s.Id != site.Id))
            {
                if (other.Subnets.FirstOrDefault(s => AddressPool.Overlap(IPNetwork.Parse(s), subnet)) is { } taken)
                    throw Overlap(subnet.ToString(), taken, $"site '{other.Name}'", site);
            }
        }

        // One gateway serves all sites, and tells networks apart by their addresses.
        foreach (var joined in networks.Where(n => n.Id != network.Id && sites.Any(s => s.NetworkId == n.Id)))
        {
            if (AddressPool.Overlap(joined.ToIPNetwork(), network.ToIPNetwork()))
                throw Overlap(network.Subnet, joined.Subnet, $"network '{joined.Name}', which has a site too", site);
        }
    }

    private static void CheckAddresses(Site site, List<IPNetwork> subnets)
    {
        foreach (var (text, parameter) in new[] { (site.GatewayAddress, "-GatewayAddress"), (site.LocalAddress, "-LocalAddress") })
        {
            if (!IPAddress.TryParse(text, out var address) || address.AddressFamily != AddressFamily.InterNetwork || address.ToString() != text)
                throw Invalid("InvalidGatewayAddress", $"'{text}' is no IPv4 address of a gateway.", $"Give one such as 203.0.113.7 with {parameter}.", text);
            if (subnets.Exists(s => s.Contains(address)))
            {
                throw Invalid("GatewayInsideSite", $"{text} lies in the site's own subnets, so that packets to the gateway would have to go through the tunnel that they make.",
                    $"Give the gateway's outside address with {parameter}, or smaller subnets with -Subnet.", text);
            }
        }

        if (site.GatewayAddress == site.LocalAddress)
            throw Invalid("InvalidGatewayAddress", $"{site.GatewayAddress} cannot be both gateways' address.", "Give the address of the site's gateway with -GatewayAddress.", site.GatewayAddress);
    }

    private static void CheckIdentity(Site site)
    {
        // A pattern would let in whoever else has a certificate of that issuer.
        if (site.GatewayIdentity is { } identity && (identity.Length is 0 or > LongestIdentity || identity.Any(c => c is < ' ' or > '~' or '*' or '%')))
        {
            throw Invalid("InvalidGatewayIdentity", $"'{identity}' is no identity of a gateway.",
                "Give an address, a DNS name or a whole distinguished name that is in its certificate with -GatewayIdentity, such as CN=vpn.contoso.example.", identity);
        }
    }

    private static void CheckNames(Site site, List<IPNetwork> subnets, VirtualNetwork network, IReadOnlyList<Site> sites)
    {
        site.DnsSuffix = site.DnsSuffix is { Length: > 0 } suffix ? DnsName.CheckSuffix(suffix) : null;
        if (site.DnsServers.Count > MostDnsServers || site.DnsServers.Any(s => !IPAddress.TryParse(s, out var server) || !subnets.Exists(n => n.Contains(server))))
        {
            throw Invalid("InvalidDnsServer", $"'{string.Join(", ", site.DnsServers)}' are no DNS servers in the site.",
                $"Give up to {MostDnsServers} addresses in the site's subnets with -DnsServer.", site.Name);
        }

        if (site.DnsSuffix is null != (site.DnsServers.Count == 0))
        {
            throw Invalid("DnsSuffixAlone", "A site's DNS suffix and its DNS servers belong together: the one says which names are asked for, the other whom.",
                "Give both -DnsSuffix and -DnsServer, or neither.", site.Name);
        }

        if (site.DnsSuffix is { } own && (own == network.DnsSuffix || sites.Any(s => s.Id != site.Id && s.NetworkId == network.Id && s.DnsSuffix == own)))
        {
            throw Invalid("DnsSuffixTaken", $"The names under {own} belong to network '{network.Name}' itself, or to another of its sites.",
                "Give the network a suffix of its own, such as cloud." + own + ".", own);
        }
    }

    private static IaaSException Overlap(string subnet, string other, string owner, Site site) => Invalid("SubnetsOverlap",
        $"{subnet} has addresses in common with {other}, {owner}: nobody could say which side such an address is on.",
        "Give subnets that are nobody else's; where both sides have the same, one of them must be renumbered, or translated by its gateway.", site.Name);

    private static IaaSException Invalid(string id, string message, string remedy, object target) => new(ErrorKind.InvalidArgument, id, message, remedy, target);
}
