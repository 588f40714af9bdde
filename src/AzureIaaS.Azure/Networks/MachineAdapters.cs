using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>The network interfaces of machines, and their public addresses. Where a machine is on a network is written nowhere else.</summary>
/// <param name="resources">What carries them.</param>
/// <param name="networks">The networks they are on.</param>
internal sealed class MachineAdapters(NetworkResources resources, AzureNetworks networks)
{
    private const string First = "nic0";

    /// <summary>
    /// Makes sure that a machine has its interfaces. Those that are missing come to the network of those that are there, for in Azure all
    /// interfaces of a machine are on one network; or to the one that the group has for machines on none.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>Their ids, in order.</returns>
    public async Task<IReadOnlyList<ResourceIdentifier>> EnsureAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var all = new List<(ResourceIdentifier Id, GenericResource? Found)>();
        foreach (var name in NamesOf(machine))
        {
            var id = IdOf(machine, name);
            all.Add((id, await FindOwnAsync(id, machine, cancellation)));
        }

        var subnet = all.Select(a => a.Found is { } found ? NetworkMapping.PlaceOf(found.Data).Subnet : null).FirstOrDefault(s => s is not null);
        foreach (var (id, found) in all)
        {
            if (found is null)
                await PutAsync(machine, id, subnet ??= await networks.DefaultSubnetAsync(machine.Region, notices, cancellation), null, null, notices, cancellation);
        }

        return [.. all.Select(a => a.Id)];
    }

    /// <summary>Makes an interface, or puts it elsewhere.</summary>
    /// <param name="machine">Its machine.</param>
    /// <param name="id">Its id.</param>
    /// <param name="subnet">The full id of its subnet.</param>
    /// <param name="address">Its address; null to have one chosen.</param>
    /// <param name="publicAddress">The id of its public address; null for none.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task PutAsync(
        VirtualMachine machine, ResourceIdentifier id, string subnet, string? address, ResourceIdentifier? publicAddress, IProgress<Notice> notices, CancellationToken cancellation) =>
        resources.PutAsync(id, NetworkMapping.AdapterBody(subnet, address, publicAddress), AzureNames.TagsOf(machine, machine.Origin?.Operation ?? Guid.Empty), notices, cancellation, region: machine.Region);

    /// <summary>Makes sure that an interface has a public address to be given.</summary>
    /// <param name="machine">Its machine.</param>
    /// <param name="adapter">The interface's name within the machine.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="IaaSException">Something that is not this machine's has its name.</exception>
    public async Task<ResourceIdentifier> EnsurePublicAsync(VirtualMachine machine, string adapter, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var id = resources.IdOf(NetworkResources.PublicAddresses, AzureNames.PublicAddress(machine.Name, adapter));
        if (await FindOwnAsync(id, machine, cancellation) is null)
        {
            await resources.PutAsync(id, NetworkMapping.PublicAddressBody(), AzureNames.TagsOf(machine, machine.Origin?.Operation ?? Guid.Empty), notices, cancellation, sku: "Standard", region: machine.Region);
        }

        return id;
    }

    /// <summary>Writes on a machine where its interfaces are.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task DescribeAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        foreach (var adapter in machine.NetworkAdapters)
        {
            var place = await resources.FindAsync(IdOf(machine, adapter.Name), cancellation) is { } found ? NetworkMapping.PlaceOf(found.Data) : default;
            var network = place.Subnet is { } subnet ? NetworkMapping.NetworkOf(subnet) : null;
            (adapter.Network, adapter.NetworkId, adapter.IPAddress) = (network?.Name, network is null ? null : NetworkMapping.IdFor(network), place.Address);
            adapter.PublicIPAddress = place.PublicAddress is { } id && await resources.FindAsync(new ResourceIdentifier(id), cancellation) is { } address
                ? (string?)NetworkMapping.Properties(address.Data)["ipAddress"] : null;
        }

        machine.IPAddress = machine.NetworkAdapters.Select(a => a.IPAddress).FirstOrDefault(a => a is not null);
    }

    /// <summary>Refuses a machine whose interfaces' names are taken by something else.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">One is.</exception>
    public async Task CheckFreeAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        foreach (var name in NamesOf(machine))
            await FindOwnAsync(IdOf(machine, name), machine, cancellation);
    }

    /// <summary>An interface of a machine; null when it is not there.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is not this machine's.</exception>
    public async Task<GenericResource?> FindOwnAsync(ResourceIdentifier id, VirtualMachine machine, CancellationToken cancellation)
    {
        var found = await resources.FindAsync(id, cancellation);
        if (found is null || AzureNames.IdIn(found.Data.Tags, AzureNames.VmTag) == machine.Id)
            return found;
        throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is something called '{id.Name}' ({id.ResourceType.Type}) already, and it was not made for this machine.",
            "It is left alone. Give this machine another name with -Name; if it was left behind, Get-IaaSOrphan shows it.", id.Name);
    }

    /// <summary>All interfaces and public addresses of the group that are ours.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<GenericResourceData>> ListAsync(CancellationToken cancellation)
    {
        // Interfaces first: an address that one has cannot be removed.
        var adapters = await resources.ListAsync(NetworkResources.Adapters, cancellation);
        var addresses = await resources.ListAsync(NetworkResources.PublicAddresses, cancellation);
        return [.. adapters.Concat(addresses).Where(r => r.Tags.ContainsKey(AzureNames.VmTag))];
    }

    /// <summary>Removes an interface or a public address; one that is gone already is no failure.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task RemoveAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation) => resources.RemoveAsync(id, notices, cancellation);

    /// <summary>The id of an interface.</summary>
    /// <param name="machine">Its machine.</param>
    /// <param name="adapter">Its name within the machine.</param>
    public ResourceIdentifier IdOf(VirtualMachine machine, string adapter) => resources.IdOf(NetworkResources.Adapters, AzureNames.Adapter(machine.Name, adapter));

    private static IEnumerable<string> NamesOf(VirtualMachine machine) => machine.NetworkAdapters.Select(a => a.Name).DefaultIfEmpty(First);
}
