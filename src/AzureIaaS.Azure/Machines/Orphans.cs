using Azure.Core;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// What of ours is left behind and costs money: disks and network interfaces whose machine is no machine, and that no import of this computer is
/// about to make one of. An import on another computer cannot be seen from here, so each says which import it belongs to.
/// </summary>
internal sealed class Orphans(ManagedDisks disks, MachineAdapters adapters, MachineDirectory directory, ISagaStore sagas, ArmConnection connection)
{
    /// <summary>Lists them.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<Orphan>> ListAsync(CancellationToken cancellation)
    {
        var machines = (await directory.ListAsync(cancellation)).Select(f => f.Machine.Id).ToHashSet();
        var open = sagas.List(includeClosed: false).Select(s => s.Id).ToHashSet();
        var found = new List<Orphan>();
        foreach (var disk in await disks.ListAsync(cancellation))
        {
            if (!IsLeft(disk.Tags, machines, open) || disk.ManagedBy is not null)
                continue;
            found.Add(Describe(disk.Id, "Disk", disk.Tags, ManagedDisks.IsUploading(disk)
                ? "Its import has not ended, and none of this computer's is open for it."
                : "No machine of this module has it, and no machine at all is attached to it.", disk.DiskSizeBytes));
        }

        foreach (var adapter in await adapters.ListAsync(cancellation))
        {
            if (IsLeft(adapter.Tags, machines, open))
                found.Add(Describe(adapter.Id, adapter.ResourceType == NetworkResources.PublicAddresses ? "PublicIPAddress" : "NetworkInterface", adapter.Tags, "Its machine is no longer there.", null));
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
        if (orphan.Kind is "NetworkInterface" or "PublicIPAddress")
            await adapters.RemoveAsync(resource, notices, cancellation);
        else if (await disks.FindAsync(resource.Name, cancellation) is { } disk)
            await disks.RemoveAsync(disk, notices, cancellation);
    }

    private static bool IsLeft(IDictionary<string, string> tags, HashSet<Guid> machines, HashSet<Guid> open) =>
        AzureNames.IdIn(tags, AzureNames.VmTag) is { } vm && !machines.Contains(vm)
        && !(AzureNames.IdIn(tags, AzureNames.ImportTag) is { } import && open.Contains(import));

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
