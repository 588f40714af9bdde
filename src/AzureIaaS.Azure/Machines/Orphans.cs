using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Failover;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// What of ours is left behind and costs money: what was made for a machine that is no machine, the disks that a machine went on with before a failover, and what a
/// rehearsal has left; unless an operation of this computer is about it. An operation on another computer cannot be seen from here, so each says which it belongs to.
/// </summary>
internal sealed class Orphans(
    ManagedDisks disks, Snapshots snapshots, MachineAdapters adapters, PublishedPorts ports, NetworkResources networks, AzureSites sites, MachineDirectory directory, ISagaStore sagas, ArmConnection connection)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Lists them; what holds others comes before what it holds.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<Orphan>> ListAsync(CancellationToken cancellation)
    {
        var machines = (await directory.ListAsync(cancellation)).ToDictionary(f => f.Machine.Id, f => f.Machine);
        var open = sagas.List(includeClosed: false).Select(s => s.Id).ToHashSet();
        bool IsLeft(IDictionary<string, string> tags) => IsFree(tags, open) && !machines.ContainsKey(AzureNames.IdIn(tags, AzureNames.VmTag)!.Value);
        var found = new List<Orphan>();
        foreach (var vm in await ListRehearsalsAsync(cancellation))
        {
            if (IsFree(vm.Tags, open))
                found.Add(Describe(vm.Id, "VirtualMachine", vm.Tags, "A rehearsal that was cut off has left it.", null));
        }

        foreach (var (id, rule) in (await ports.ListAsync(cancellation)).Where(r => !machines.ContainsKey(PortRules.OwnerOf(r.Rule)!.Value)))
            found.Add(Describe(id, "SecurityRule", new Dictionary<string, string> { [AzureNames.VmTag] = PortRules.OwnerOf(rule)!.Value.ToString() }, "It lets others in to a machine that is no longer there.", null));
        foreach (var adapter in (await adapters.ListAsync(cancellation)).Where(a => IsLeft(a.Tags)))
            found.Add(Describe(adapter.Id, adapter.ResourceType == NetworkResources.PublicAddresses ? "PublicIPAddress" : "NetworkInterface", adapter.Tags, "Its machine is no longer there.", null));
        foreach (var disk in (await disks.ListAsync(cancellation)).Where(d => d.ManagedBy is null && IsFree(d.Tags, open)))
        {
            if (ReasonFor(disk, machines) is { } reason)
                found.Add(Describe(disk.Id, "Disk", disk.Tags, reason, disk.DiskSizeBytes));
        }

        foreach (var snapshot in (await snapshots.ListAsync(cancellation)).Where(s => IsLeft(s.Tags)))
            found.Add(Describe(snapshot.Id, "Snapshot", snapshot.Tags, "Its machine is no longer there.", snapshot.DiskSizeBytes));
        foreach (var (type, kind) in new[] { (NetworkResources.Networks, "VirtualNetwork"), (NetworkResources.SecurityGroups, "NetworkSecurityGroup") })
        {
            foreach (var network in (await networks.ListAsync(type, cancellation)).Where(n => IsLeft(n.Tags)))
                found.Add(Describe(network.Id, kind, network.Tags, "A rehearsal that was cut off has left it.", null));
        }

        foreach (var gateway in await sites.ListUnusedAsync(cancellation))
        {
            var kind = gateway.ResourceType == NetworkResources.Gateways ? "VirtualNetworkGateway" : "PublicIPAddress";
            found.Add(Describe(gateway.Id, kind, gateway.Tags, "No site is joined by it any more.", null));
        }

        return found;
    }

    /// <summary>Removes one, if it is one still.</summary>
    /// <param name="id">Its full id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RemoveAsync(string id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var orphan = (await ListAsync(cancellation)).FirstOrDefault(o => o.Id.Equals(id, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "OrphanNotFound", $"{id}: it is gone, or in use by now.", "Get-IaaSOrphan shows what is left behind.", id);
        var resource = new ResourceIdentifier(orphan.Id);
        switch (orphan.Kind)
        {
            case "Disk":
                if (await disks.FindAsync(resource.Name, cancellation) is { } disk)
                    await disks.RemoveAsync(disk, notices, cancellation);
                break;
            case "Snapshot":
                await snapshots.RemoveAsync(resource, notices, cancellation);
                break;
            case "VirtualMachine":
                await _operations.RunAsync(
                    async () => await connection.Client.GetVirtualMachineResource(resource).DeleteAsync(WaitUntil.Started, true, cancellation), $"Removing {resource.Name}", notices, cancellation);
                break;
            default:
                await networks.RemoveAsync(resource, notices, cancellation);
                break;
        }
    }

    private static bool IsFree(IDictionary<string, string> tags, HashSet<Guid> open) =>
        AzureNames.IdIn(tags, AzureNames.VmTag) is not null && !(AzureNames.IdIn(tags, AzureNames.ImportTag) is { } operation && open.Contains(operation));

    /// <summary>Why a disk that nothing is attached to is left behind; null when it is a machine's.</summary>
    private static string? ReasonFor(ManagedDiskData disk, Dictionary<Guid, VirtualMachine> machines)
    {
        if (!machines.TryGetValue(AzureNames.IdIn(disk.Tags, AzureNames.VmTag)!.Value, out var machine))
        {
            return disk.Tags.ContainsKey(AzureNames.StagedTag) ? "It is staged by another computer; if that is lost with its site, Complete-IaaSVmImport -SourceLost makes a machine of it."
                : ManagedDisks.IsUploading(disk) ? "Its import has not ended, and none of this computer's is open for it."
                : "No machine of this module has it, and no machine at all is attached to it.";
        }

        return machine.Disks.Any(d => d.Path.Equals(disk.Id.ToString(), StringComparison.OrdinalIgnoreCase)) ? null
            : $"{machine.Name} goes on with other disks since a failover or a restore; what was written on this one after its checkpoint is here only.";
    }

    private Task<List<VirtualMachineData>> ListRehearsalsAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<VirtualMachineData>();
            await foreach (var vm in connection.Group.GetVirtualMachines().GetAllAsync(cancellationToken: cancellation))
            {
                if (vm.Data.Tags.ContainsKey(AzureNames.RehearsalTag))
                    found.Add(vm.Data);
            }

            return found;
        },
        "Listing machines", Quiet.Notices, cancellation);

    private Orphan Describe(ResourceIdentifier id, string kind, IDictionary<string, string> tags, string reason, long? length) => new()
    {
        Id = id.ToString(),
        Name = id.Name,
        Kind = kind,
        VmId = AzureNames.IdIn(tags, AzureNames.VmTag),
        Operation = AzureNames.IdIn(tags, AzureNames.ImportTag),
        Length = length,
        Reason = $"{reason} It is in {connection.Scope.ResourceGroup}.",
    };
}
