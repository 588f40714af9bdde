using System.Globalization;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// The networks of a resource group: virtual networks with a subnet for machines and a security group that lets nobody in from outside. Those that others
/// have made are listed too, and machines can join them; they are never changed.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="resources">What carries them.</param>
internal sealed class AzureNetworks(ArmConnection connection, NetworkResources resources)
{
    private const int MostDnsServers = 20;
    private const string DefaultSpace = "10.96.0.0/16";
    private const string DefaultRange = "10.96.0.0/20";

    /// <summary>All networks but those of rehearsals, in the order of their names.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<VirtualNetwork>> ListAsync(CancellationToken cancellation) =>
        [.. (await resources.ListWholeAsync(NetworkResources.Networks, cancellation)).Select(NetworkMapping.FromAzure).Where(n => n.RehearsalOf is null).OrderBy(n => n.Name, StringComparer.OrdinalIgnoreCase)];

    /// <summary>One network by name; null when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VirtualNetwork?> FindAsync(string name, CancellationToken cancellation) =>
        AzureNames.Problem(name) is null && await resources.FindAsync(IdOf(name), cancellation) is { } found ? NetworkMapping.FromAzure(found.Data) : null;

    /// <summary>One network by its identity, which is made of its full name.</summary>
    /// <param name="id">Its identity.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">There is none.</exception>
    public async Task<GenericResourceData> NeededAsync(Guid id, CancellationToken cancellation)
    {
        var listed = (await resources.ListAsync(NetworkResources.Networks, cancellation)).Find(n => NetworkMapping.IdFor(n.Id) == id);
        return listed is not null && await resources.FindAsync(listed.Id, cancellation) is { } found ? found.Data : throw NotFound(id.ToString());
    }

    /// <summary>Makes a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    /// <exception cref="IaaSException">Its name is taken, or something about it is not possible.</exception>
    public async Task<VirtualNetwork> AddAsync(VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        Check(network);
        if (await resources.FindAsync(IdOf(network.Name), cancellation) is not null)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "NetworkNameTaken", $"There is a virtual network called '{network.Name}' in {connection.Scope.ResourceGroup} already.",
                "Give another name with -Name; or use the one that is there: machines can join it.", network.Name);
        }

        var peers = await PeersAsync(network.Name, network.Subnet, network.Peers, cancellation);
        network.Created = connection.Time.GetUtcNow();
        await PutAsync(network, network.Subnet, peers.Select(p => p.Id), notices, cancellation);
        foreach (var peer in peers)
            await PutPeersAsync(peer, NetworkMapping.FromAzure(peer).Peers.Append(network.Name), notices, cancellation);
        return (await FindAsync(network.Name, cancellation))!;
    }

    /// <summary>Changes which networks one exchanges packets with, on both sides.</summary>
    /// <param name="network">Its identity.</param>
    /// <param name="names">The others' names.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task<VirtualNetwork> SetPeersAsync(Guid network, IReadOnlyList<string> names, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var data = await NeededAsync(network, cancellation);
        var own = NetworkMapping.FromAzure(data);
        MustBeOurs(data);
        var wanted = await PeersAsync(own.Name, own.Subnet, names, cancellation);
        await PutPeersAsync(data, wanted.Select(w => w.Id.Name), notices, cancellation);
        foreach (var other in await resources.ListWholeAsync(NetworkResources.Networks, cancellation))
        {
            var (has, isWanted) = (NetworkMapping.FromAzure(other).Peers, wanted.Exists(w => w.Id == other.Id));
            if (other.Id == data.Id || isWanted == has.Contains(own.Name, StringComparer.OrdinalIgnoreCase))
                continue;
            MustBeOurs(other);
            await PutPeersAsync(other, isWanted ? has.Append(own.Name) : has.Where(p => !p.Equals(own.Name, StringComparison.OrdinalIgnoreCase)), notices, cancellation);
        }

        return (await FindAsync(own.Name, cancellation))!;
    }

    /// <summary>Removes a network that no machine is on, and its security group.</summary>
    /// <param name="network">Its identity.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task RemoveAsync(Guid network, CancellationToken cancellation)
    {
        var data = await NeededAsync(network, cancellation);
        var own = NetworkMapping.FromAzure(data);
        MustBeOurs(data);
        if (own.Machines.Count > 0)
        {
            throw new IaaSException(ErrorKind.InvalidState, "NetworkInUse", $"Machines are on network '{own.Name}': {string.Join(", ", own.Machines)}.",
                "Take them off with Exit-IaaSNetwork, then remove it.", own.Name);
        }

        if (NetworkMapping.GatewayRangeOf(data) is not null)
        {
            throw new IaaSException(ErrorKind.InvalidState, "NetworkInUse", $"Network '{own.Name}' has a VPN gateway for its sites.",
                "Remove its sites with Remove-IaaSSite, then the network.", own.Name);
        }

        if (own.Peers.Count > 0)
            await SetPeersAsync(network, [], Quiet.Notices, cancellation);
        await resources.RemoveAsync(data.Id, Quiet.Notices, cancellation);
        await resources.RemoveAsync(resources.IdOf(NetworkResources.SecurityGroups, own.Name), Quiet.Notices, cancellation);
    }

    /// <summary>The subnet of machines that were put on no network: one that the context names, or the group's own.</summary>
    /// <param name="region">The region; null for the context's. Each has one of its own.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Its full id.</returns>
    public async Task<string> DefaultSubnetAsync(string? region, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var isHome = region is null || region.Equals(connection.Scope.Location, StringComparison.OrdinalIgnoreCase);
        if (isHome && connection.Scope.Subnet is { Length: > 0 } given)
            return given;
        var name = isHome ? AzureNames.DefaultNetwork : AzureNames.StandIn(AzureNames.DefaultNetwork, region!);
        if (await resources.FindAsync(IdOf(name), cancellation) is { } found)
        {
            return NetworkMapping.SubnetIdOf(found.Data)
                ?? throw new IaaSException(ErrorKind.InvalidState, "NoSubnet", $"The virtual network '{name}' has no subnet for machines.", "Join-IaaSNetwork puts machines on another one.", found.Id.Name);
        }

        var network = new VirtualNetwork { Name = name, Subnet = DefaultRange, Created = connection.Time.GetUtcNow() };
        await PutAsync(network, DefaultSpace, [], notices, cancellation, region: region);
        return $"{IdOf(name)}/subnets/{AzureNames.DefaultSubnet}";
    }

    /// <summary>
    /// The network that stands in for another in another region: the same addresses, names and closed doors, without its peers and sites. One that somebody
    /// has prepared under that name is used as it is.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="region">The region.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The full id of its subnet for machines.</returns>
    /// <exception cref="IaaSException">A network of that name is somewhere else.</exception>
    public async Task<string> EnsureStandInAsync(VirtualNetwork network, string region, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var name = AzureNames.StandIn(network.Name, region);
        if (await resources.FindAsync(IdOf(name), cancellation) is { } found)
        {
            if (found.Data.Location.Name.Equals(region, StringComparison.OrdinalIgnoreCase) && NetworkMapping.SubnetIdOf(found.Data) is { } subnet)
                return subnet;
            throw new IaaSException(ErrorKind.InvalidState, "NoStandIn", $"The virtual network '{name}' is in {found.Data.Location.Name}, or has no subnet for machines.",
                $"Have one of that name made in {region}, or remove this one.", name);
        }

        var standIn = new VirtualNetwork
        {
            Name = name, Subnet = network.Subnet, Isolated = network.Isolated, DnsServers = network.DnsServers, Created = connection.Time.GetUtcNow(),
        };
        await PutAsync(standIn, network.Subnet, [], notices, cancellation, region: region);
        return $"{IdOf(name)}/subnets/{AzureNames.DefaultSubnet}";
    }

    /// <summary>Writes a network with its security group; the group first, so that the network is never open.</summary>
    /// <param name="network">The network.</param>
    /// <param name="space">All addresses of it.</param>
    /// <param name="peers">The ids of its peers.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="more">Tags beside the usual ones.</param>
    /// <param name="gatewayRange">The addresses of its VPN gateway's subnet; null for none.</param>
    /// <param name="region">The region; null for the context's.</param>
    public async Task PutAsync(
        VirtualNetwork network, string space, IEnumerable<ResourceIdentifier> peers, IProgress<Notice> notices, CancellationToken cancellation,
        IEnumerable<KeyValuePair<string, string>>? more = null, string? gatewayRange = null, string? region = null)
    {
        var tags = TagsOf(network).Concat(more ?? []).ToList();
        var security = resources.IdOf(NetworkResources.SecurityGroups, network.Name);
        if (await resources.FindAsync(security, cancellation) is null)
            await resources.PutAsync(security, NetworkMapping.SecurityBody(network.Isolated), tags, notices, cancellation, region: region);
        if (gatewayRange is not null)
            tags.Add(new(AzureNames.GatewayTag, gatewayRange));
        await resources.PutAsync(IdOf(network.Name), NetworkMapping.NetworkBody(network, space, gatewayRange, security.ToString(), peers), tags, notices, cancellation, region: region);
    }

    /// <summary>Gives a network the subnet of a VPN gateway, or takes it away; everything else of it stays.</summary>
    /// <param name="data">The network.</param>
    /// <param name="range">The subnet's addresses; null for none.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public Task SetGatewayRangeAsync(GenericResourceData data, string? range, IProgress<Notice> notices, CancellationToken cancellation) => range == NetworkMapping.GatewayRangeOf(data)
        ? Task.CompletedTask
        : PutAsync(NetworkMapping.FromAzure(data), NetworkMapping.SpaceOf(data), NetworkMapping.Peerings(NetworkMapping.Properties(data)).Select(p => new ResourceIdentifier(p)),
            notices, cancellation, gatewayRange: range, region: data.Location.Name);

    private Task PutPeersAsync(GenericResourceData data, IEnumerable<string> peers, IProgress<Notice> notices, CancellationToken cancellation) =>
        PutAsync(NetworkMapping.FromAzure(data), NetworkMapping.SpaceOf(data), peers.Distinct(StringComparer.OrdinalIgnoreCase).Select(IdOf), notices, cancellation,
            gatewayRange: NetworkMapping.GatewayRangeOf(data), region: data.Location.Name);

    private async Task<List<GenericResourceData>> PeersAsync(string name, string range, IEnumerable<string> names, CancellationToken cancellation)
    {
        var found = new List<GenericResourceData>();
        foreach (var peer in names.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            var data = (await resources.FindAsync(IdOf(peer), cancellation))?.Data ?? throw NotFound(peer);
            MustBeOurs(data);
            if (peer.Equals(name, StringComparison.OrdinalIgnoreCase)
                || (System.Net.IPNetwork.TryParse(NetworkMapping.SpaceOf(data), out var other) && AddressPool.Overlap(other, System.Net.IPNetwork.Parse(range))))
            {
                throw new IaaSException(ErrorKind.InvalidArgument, "PeersOverlap", $"Network '{name}' ({range}) and '{peer}' have addresses in common.", "Peers need subnets of their own.", peer);
            }

            found.Add(data);
        }

        return found;
    }

    private static void Check(VirtualNetwork network)
    {
        if (AzureNames.Problem(network.Name) is { } problem)
            throw Refused("InvalidNetworkName", $"A network in Azure cannot be called '{network.Name}': {problem}.", "Give another name with -Name.", network.Name);
        _ = new AddressPool(network.Subnet);
        if (network.DnsSuffix is { Length: > 0 })
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", $"Network '{network.Name}': names of its own (a private DNS zone) are not made in Azure by this version.",
                "Leave -DnsSuffix out; -DnsServer names servers of yours that know the names.", network.Name);
        }

        if (network.DnsServers.Count > MostDnsServers || network.DnsServers.FirstOrDefault(s => !System.Net.IPAddress.TryParse(s, out _)) is not null)
            throw Refused("InvalidDnsServer", $"'{string.Join(", ", network.DnsServers)}' are no DNS servers' addresses.", $"Give up to {MostDnsServers} addresses with -DnsServer, or none for Azure's own.", network.Name);
    }

    /// <summary>Refuses a network that is not ours to change.</summary>
    /// <param name="data">The network.</param>
    /// <exception cref="IaaSException">It was made, or added to, by others.</exception>
    public static void MustBeOurs(GenericResourceData data)
    {
        if (NetworkMapping.IsAsMade(data))
            return;
        throw new IaaSException(ErrorKind.AccessDenied, "NetworkNotOurs", $"The virtual network '{data.Id.Name}' was made, or added to, by others; it is not changed.",
            "Do it in the portal, or with whoever made it. Machines can join it all the same.", data.Id.Name);
    }

    private static IEnumerable<KeyValuePair<string, string>> TagsOf(VirtualNetwork network)
    {
        yield return new(AzureNames.NetworkTag, network.Name);
        yield return new(AzureNames.CreatedTag, network.Created.ToString("O", CultureInfo.InvariantCulture));
        if (network.Isolated)
            yield return new(AzureNames.IsolatedTag, "true");
        if (network.RehearsalOf is { } original)
            yield return new(AzureNames.RehearsalTag, original.ToString());
    }

    private ResourceIdentifier IdOf(string name) => resources.IdOf(NetworkResources.Networks, name);

    private static IaaSException Refused(string id, string message, string remedy, string target) => new(ErrorKind.InvalidArgument, id, message, remedy, target);

    private static IaaSException NotFound(string network) =>
        new(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{network}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", network);
}
