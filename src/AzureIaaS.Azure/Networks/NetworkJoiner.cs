using Azure;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// Puts machines on networks and takes them off. In Azure a virtual machine never leaves the network it was created on; a machine of ours is its disks,
/// so one that does not run goes elsewhere by having its virtual machine removed, and made anew by its next start.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="networks">Which networks there are.</param>
/// <param name="adapters">Their interfaces.</param>
/// <param name="ports">Their published ports.</param>
internal sealed class NetworkJoiner(ArmConnection connection, MachineDirectory directory, AzureNetworks networks, MachineAdapters adapters, PublishedPorts ports)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Puts a machine on a network; one that is there already stays as it is.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="network">The network's identity.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task JoinAsync(Guid vm, Guid network, JoinOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(vm, cancellation);
        var target = await networks.NeededAsync(network, cancellation);
        var subnet = NetworkMapping.SubnetIdOf(target) ?? throw new IaaSException(ErrorKind.InvalidState, "NoSubnet",
            $"The virtual network '{target.Id.Name}' has no subnet for machines.", "Have one made in it, or join another network.", target.Id.Name);
        var adapter = Check(found.Machine, target, options);
        var id = adapters.IdOf(found.Machine, adapter);
        var there = await adapters.FindOwnAsync(id, found.Machine, cancellation);
        var place = there is null ? default : NetworkMapping.PlaceOf(there.Data);
        if (place.Subnet?.Equals(subnet, StringComparison.OrdinalIgnoreCase) == true
            && (options.IPAddress is null || options.IPAddress == place.Address) && (!options.PublicAddress || place.PublicAddress is not null))
        {
            if (place is { PublicAddress: not null, Address: { } address })
                await ports.FollowAsync(found.Machine.Id, address, notices, cancellation);
            notices.Report(Notice.Verbose($"{found.Machine.Name} is on {target.Id.Name} already."));
            return;
        }

        await LeaveOthersAsync(found, target, notices, cancellation);
        var publicAddress = options.PublicAddress ? await adapters.EnsurePublicAsync(found.Machine, adapter, notices, cancellation)
            : place.PublicAddress is { } kept ? new ResourceIdentifier(kept) : null;
        await adapters.PutAsync(found.Machine, id, subnet, options.IPAddress, publicAddress, notices, cancellation);
        if (place.PublicAddress is not null && options.IPAddress is { } moved && moved != place.Address)
            await ports.FollowAsync(found.Machine.Id, moved, notices, cancellation);
    }

    /// <summary>Takes a machine off a network.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="network">The network's identity; null for the one it is on.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task ExitAsync(Guid vm, Guid? network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(vm, cancellation);
        var on = await PlacesAsync(found.Machine, cancellation);
        if (!on.Exists(p => network is null || p.Network == network))
        {
            notices.Report(Notice.Verbose($"{found.Machine.Name} is not on {(network is null ? "any network" : "that network")}."));
            return;
        }

        MachineRunner.MayDo(found.Machine, MachineRequest.Join);
        await LeaveAsync(found, on, notices, cancellation);
    }

    private async Task LeaveOthersAsync(FoundMachine found, GenericResourceData target, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var others = (await PlacesAsync(found.Machine, cancellation)).FindAll(p => p.Network != NetworkMapping.IdFor(target.Id));
        if (others.Count == 0)
            return;
        if (others.Find(o => o.Name != AzureNames.DefaultNetwork) is { Name: { } other })
        {
            throw new IaaSException(ErrorKind.InvalidState, "OneNetworkInAzure", $"{found.Machine.Name} is on network '{other}', and in Azure a machine is on one network only.",
                "Take it off first with Exit-IaaSNetwork; or let the networks exchange packets with Set-IaaSNetwork -Peer.", found.Machine.Name);
        }

        await LeaveAsync(found, others, notices, cancellation);
    }

    private async Task LeaveAsync(
        FoundMachine found, List<(ResourceIdentifier Id, Guid Network, string Name, string? PublicAddress)> places, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (found.Vm is not null)
        {
            if (found.Machine.State.IsActive())
            {
                throw new IaaSException(ErrorKind.InvalidState, "VmIs" + found.Machine.State,
                    $"{found.Machine.Name} is {found.Machine.State.ToString().ToLowerInvariant()}, and in Azure a machine cannot leave its network while it has its place.",
                    "Stop-IaaSVm first; its next start makes its virtual machine anew on the other network.", found.Machine.Name);
            }

            if (await directory.FindVmAsync(found.Machine, cancellation) is { } vm)
                await _operations.RunAsync(async () => await vm.DeleteAsync(WaitUntil.Started, null, cancellation), $"Removing virtual machine {found.Machine.Name} (its disks stay)", notices, cancellation);
        }

        if (places.Exists(p => p.PublicAddress is not null))
            await ports.CloseAsync(found.Machine.Id, notices, cancellation);
        foreach (var place in places)
        {
            await adapters.RemoveAsync(place.Id, notices, cancellation);
            if (place.PublicAddress is { } address)
                await adapters.RemoveAsync(new ResourceIdentifier(address), notices, cancellation);
        }
    }

    private async Task<List<(ResourceIdentifier Id, Guid Network, string Name, string? PublicAddress)>> PlacesAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        var found = new List<(ResourceIdentifier, Guid, string, string?)>();
        foreach (var adapter in machine.NetworkAdapters)
        {
            var id = adapters.IdOf(machine, adapter.Name);
            if (await adapters.FindOwnAsync(id, machine, cancellation) is { } one && NetworkMapping.PlaceOf(one.Data) is { Subnet: { } subnet } place)
                found.Add((id, NetworkMapping.IdFor(NetworkMapping.NetworkOf(subnet)), NetworkMapping.NetworkOf(subnet).Name, place.PublicAddress));
        }

        return found;
    }

    /// <summary>Refuses what cannot be, and says which interface joins.</summary>
    private static string Check(VirtualMachine machine, GenericResourceData target, JoinOptions options)
    {
        MachineRunner.MayDo(machine, MachineRequest.Join);
        if (options.MacAddress is not null)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure chooses the hardware addresses of interfaces.",
                "Leave -MacAddress out; software that is bound to the old address must be told the new one.", machine.Name);
        }

        if (options.IPAddress is { } address)
            new AddressPool(NetworkMapping.FromAzure(target).Subnet).Check(address);
        var names = machine.NetworkAdapters.Select(a => a.Name).DefaultIfEmpty("nic0").ToList();
        if (options.Adapter is not { } wanted)
            return names[0];
        return names.Find(n => n.Equals(wanted, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "AdapterNotFound", $"{machine.Name} has no adapter '{wanted}'.", $"It has {string.Join(", ", names)}.", wanted);
    }

    private async Task<FoundMachine> NeededAsync(Guid id, CancellationToken cancellation) => await directory.FindAsync(id, cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id} in {connection.Scope}.", "Get-IaaSVm shows those there are.", id);
}
