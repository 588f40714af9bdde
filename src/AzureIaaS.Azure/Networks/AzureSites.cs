using System.Globalization;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// Sites of a resource group. A site is its local network gateway, which is made first and removed last: whatever is cut off between, it is listed, and the
/// same again goes on. A network has one VPN gateway for all its sites; it is made with the first and removed with the last.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="resources">What carries them.</param>
/// <param name="networks">The networks they are joined to.</param>
internal sealed class AzureSites(ArmConnection connection, NetworkResources resources, AzureNetworks networks)
{
    private const string NoAddressYet = "255.255.255.255";   // for the rules, until Azure has given one

    private static readonly TimeSpan GatewayTakes = TimeSpan.FromMinutes(45);

    /// <summary>All sites in the order of their names.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<Site>> ListAsync(CancellationToken cancellation)
    {
        var sites = new List<Site>();
        foreach (var local in await OwnAsync(cancellation))
        {
            if (await resources.FindAsync(local.Id, cancellation) is { } whole)
                sites.Add(await DescribeAsync(whole.Data, cancellation));
        }

        return [.. sites.OrderBy(s => s.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Joins a site to a network; one that was cut off goes on.</summary>
    /// <param name="site">The site.</param>
    /// <param name="sharedKey">The shared key; null to have one made.</param>
    /// <param name="notices">Receives steps; making a gateway takes the better part of an hour.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on, and so does the same again.</param>
    /// <exception cref="IaaSException">Its name is taken, or something about it is not possible.</exception>
    public async Task<Site> AddAsync(Site site, string? sharedKey, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var key = SharedKey.Check(sharedKey ?? SharedKey.Make());
        var data = await networks.NeededAsync(site.NetworkId, cancellation);
        AzureNetworks.MustBeOurs(data);
        var own = resources.IdOf(NetworkResources.LocalGateways, site.Name);
        var range = await CheckAsync(site, own, data, cancellation);
        await resources.PutAsync(own, SiteMapping.LocalGatewayBody(site), TagsOf(site), notices, cancellation, region: data.Location.Name);
        var gateway = await EnsureGatewayAsync(data, range, notices, cancellation);
        await resources.PutAsync(
            resources.IdOf(NetworkResources.Connections, site.Name), SiteMapping.ConnectionBody(site, gateway, own, key), TagsOf(site), notices, cancellation, region: data.Location.Name);
        return await DescribeAsync((await resources.FindAsync(own, cancellation))!.Data, cancellation);
    }

    /// <summary>Ends a site's tunnel, and removes what was made for it; the network's gateway too when it was the last.</summary>
    /// <param name="id">The site's id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task RemoveAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var all = await OwnAsync(cancellation);
        if (all.Find(l => NetworkMapping.IdFor(l.Id) == id) is not { } local)
            return;
        var network = local.Tags[AzureNames.SiteTag];
        await resources.RemoveAsync(resources.IdOf(NetworkResources.Connections, local.Id.Name), notices, cancellation);
        if (!all.Exists(l => l.Id != local.Id && l.Tags[AzureNames.SiteTag].Equals(network, StringComparison.OrdinalIgnoreCase)))
            await RemoveGatewayAsync(network, notices, cancellation);
        await resources.RemoveAsync(local.Id, notices, cancellation);
    }

    /// <summary>A site's shared key: Azure alone has it.</summary>
    /// <param name="id">The site's id.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<string> ReadKeyAsync(Guid id, CancellationToken cancellation)
    {
        var local = (await OwnAsync(cancellation)).Find(l => NetworkMapping.IdFor(l.Id) == id)
            ?? throw new IaaSException(ErrorKind.NotFound, "SiteNotFound", $"There is no site {id}.", "Get-IaaSSite shows those there are; New-IaaSSite makes one.", id);
        var tunnel = resources.IdOf(NetworkResources.Connections, local.Id.Name);
        var answer = await Operations.GuardAsync(() => RawResource.GetAsync(connection.Client, tunnel, "sharedkey", ArmConnection.NetworkVersion, cancellation),
            $"Asking for the shared key of site {local.Id.Name}", Quiet.Notices, cancellation);
        return (string?)answer["value"] ?? throw new IaaSException(ErrorKind.Failed, "KeyNotGiven", $"Azure does not give the shared key of site {local.Id.Name}.", "Remove the site with Remove-IaaSSite and make it anew.", local.Id.Name);
    }

    /// <summary>VPN gateways of ours that no site is left of, with their addresses: they cost, and nobody uses them.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<GenericResourceData>> ListUnusedAsync(CancellationToken cancellation)
    {
        var gateways = await resources.ListAsync(NetworkResources.Gateways, cancellation);
        var addresses = await resources.ListAsync(NetworkResources.PublicAddresses, cancellation);
        var made = gateways.Concat(addresses).Where(r => r.Tags.ContainsKey(AzureNames.GatewayTag)).ToList();
        if (made.Count == 0)
            return [];
        var used = (await OwnAsync(cancellation)).Select(l => l.Tags[AzureNames.SiteTag]).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. made.Where(r => !used.Contains(r.Tags[AzureNames.GatewayTag]))];
    }

    /// <summary>Refuses what cannot be, and says which addresses the gateway's subnet has or is to have.</summary>
    private async Task<string> CheckAsync(Site site, ResourceIdentifier own, GenericResourceData data, CancellationToken cancellation)
    {
        if (site.LocalAddress.Length > 0)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure chooses the address of its VPN gateway.",
                "Leave -LocalAddress out; Get-IaaSSite shows it.", site.LocalAddress);
        }

        if (site.DnsSuffix is not null || site.DnsServers.Count > 0)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "In Azure, a site's names are asked for by the network, not by the gateway.",
                "Leave -DnsSuffix and -DnsServer out; New-IaaSNetwork -DnsServer names the site's servers.", site.Name);
        }

        var sites = await ListAsync(cancellation);
        var all = await networks.ListAsync(cancellation);
        var network = NetworkMapping.FromAzure(data);
        (site.Id, site.Network, site.LocalAddress, site.Created) = (NetworkMapping.IdFor(own), network.Name, NoAddressYet, connection.Time.GetUtcNow());
        SiteRules.Check(site, network, all, sites);
        site.LocalAddress = "";
        await CheckFreeAsync(site, own, sites, cancellation);
        foreach (var (type, name) in new[] { (NetworkResources.Gateways, AzureNames.Gateway(network.Name)), (NetworkResources.PublicAddresses, AzureNames.GatewayAddress(network.Name)) })
            await FindOursAsync(resources.IdOf(type, name), AzureNames.GatewayTag, network.Name, cancellation);
        return NetworkMapping.GatewayRangeOf(data)
            ?? SiteMapping.ChooseGatewayRange(all.Select(n => n.Subnet).Where(s => s.Length > 0).Append(NetworkMapping.SpaceOf(data)).Concat(sites.SelectMany(s => s.Subnets)).Concat(site.Subnets));
    }

    private async Task CheckFreeAsync(Site site, ResourceIdentifier own, IReadOnlyList<Site> sites, CancellationToken cancellation)
    {
        var former = sites.FirstOrDefault(s => s.Id == site.Id);
        var tunnel = await FindOursAsync(resources.IdOf(NetworkResources.Connections, site.Name), AzureNames.SiteTag, site.Network, cancellation);
        if (former is null)
        {
            await FindOursAsync(own, AzureNames.SiteTag, site.Network, cancellation);
            return;
        }

        // One that was cut off is the same if it is in the same place; what it is agreed on is said with the connection only.
        var isSame = former.Network == site.Network && former.GatewayAddress == site.GatewayAddress && former.Subnets.SequenceEqual(site.Subnets);
        var isWhole = tunnel is not null && (string?)NetworkMapping.Properties(tunnel.Data)["provisioningState"] != "Failed";
        if (isWhole || !isSame)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "SiteNameTaken", $"There is a site called '{site.Name}' already{(isWhole ? "" : ", of other subnets, gateway or network, that has not been finished")}.",
                "Give another name with -Name, or remove the other with Remove-IaaSSite.", site.Name);
        }

        site.Created = former.Created;
    }

    private async Task<ResourceIdentifier> EnsureGatewayAsync(GenericResourceData network, string range, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var name = network.Id.Name;
        var (gateway, address) = (resources.IdOf(NetworkResources.Gateways, AzureNames.Gateway(name)), resources.IdOf(NetworkResources.PublicAddresses, AzureNames.GatewayAddress(name)));
        if (await resources.WaitUntilMadeAsync(gateway, GatewayTakes, notices, cancellation) is { } found && (string?)NetworkMapping.Properties(found.Data)["provisioningState"] == "Succeeded")
            return gateway;
        var tags = new KeyValuePair<string, string>[] { new(AzureNames.GatewayTag, name) };
        await networks.SetGatewayRangeAsync(network, range, notices, cancellation);
        await resources.PutAsync(address, NetworkMapping.PublicAddressBody(), tags, notices, cancellation, sku: "Standard", region: network.Location.Name);
        notices.Report(Notice.Verbose($"The VPN gateway of network {name} is made; Azure takes about {GatewayTakes.TotalMinutes:0} minutes. If this is interrupted, the same command goes on."));
        await resources.PutAsync(gateway, SiteMapping.GatewayBody(network.Id, address), tags, notices, cancellation, usually: GatewayTakes, region: network.Location.Name);
        return gateway;
    }

    private async Task RemoveGatewayAsync(string network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var (gateway, address) = (resources.IdOf(NetworkResources.Gateways, AzureNames.Gateway(network)), resources.IdOf(NetworkResources.PublicAddresses, AzureNames.GatewayAddress(network)));
        foreach (var id in new[] { gateway, address })
        {
            if (await FindOursAsync(id, AzureNames.GatewayTag, network, cancellation) is not null)
                await resources.RemoveAsync(id, notices, cancellation, GatewayTakes / 3);
        }

        if (await resources.FindAsync(resources.IdOf(NetworkResources.Networks, network), cancellation) is { } found && NetworkMapping.IsAsMade(found.Data))
            await networks.SetGatewayRangeAsync(found.Data, null, notices, cancellation);
    }

    private async Task<GenericResource?> FindOursAsync(ResourceIdentifier id, string tag, string value, CancellationToken cancellation)
    {
        var found = await resources.FindAsync(id, cancellation);
        if (found is null || (found.Data.Tags.TryGetValue(tag, out var said) && said.Equals(value, StringComparison.OrdinalIgnoreCase)))
            return found;
        throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is something called '{id.Name}' ({id.ResourceType.Type}) already, and it was not made for this site.",
            "It is left alone. Give another name with -Name.", id.Name);
    }

    private async Task<List<GenericResourceData>> OwnAsync(CancellationToken cancellation) =>
        (await resources.ListAsync(NetworkResources.LocalGateways, cancellation)).FindAll(l => l.Tags.ContainsKey(AzureNames.SiteTag));

    private async Task<Site> DescribeAsync(GenericResourceData local, CancellationToken cancellation)
    {
        var network = local.Tags[AzureNames.SiteTag];
        var tunnel = await resources.FindAsync(resources.IdOf(NetworkResources.Connections, local.Id.Name), cancellation);
        var gateway = await resources.FindAsync(resources.IdOf(NetworkResources.Gateways, AzureNames.Gateway(network)), cancellation);
        var address = await resources.FindAsync(resources.IdOf(NetworkResources.PublicAddresses, AzureNames.GatewayAddress(network)), cancellation);
        return SiteMapping.FromAzure(local, tunnel?.Data, gateway?.Data, address?.Data, resources.IdOf(NetworkResources.Networks, network));
    }

    private static IEnumerable<KeyValuePair<string, string>> TagsOf(Site site) =>
        [new(AzureNames.SiteTag, site.Network), new(AzureNames.CreatedTag, site.Created.ToString("O", CultureInfo.InvariantCulture))];
}
