using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Failover;

/// <summary>The snapshots of a resource group's disks. Every call may be repeated.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class Snapshots(ArmConnection connection)
{
    private readonly Operations _operations = new(connection);

    /// <summary>All snapshots of the group that are ours.</summary>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<SnapshotData>> ListAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<SnapshotData>();
            await foreach (var snapshot in connection.Group.GetSnapshots().GetAllAsync(cancellation))
            {
                if (snapshot.Data.Tags.ContainsKey(AzureNames.VmTag))
                    found.Add(snapshot.Data);
            }

            return found;
        },
        "Listing snapshots", Quiet.Notices, cancellation);

    /// <summary>Takes a snapshot: only what has changed since the one before is paid for.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="tags">Its tags.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<SnapshotData> TakeAsync(
        string name, ManagedDiskData disk, IEnumerable<KeyValuePair<string, string>> tags, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var data = new SnapshotData(new AzureLocation(connection.Scope.Location))
        {
            CreationData = new DiskCreationData(DiskCreateOption.Copy) { SourceResourceId = disk.Id },
            Incremental = true,
            // A copy that lies in the disk's own zone would be lost with it.
            Sku = new SnapshotSku { Name = disk.Zones.Count > 0 ? SnapshotStorageAccountType.StandardZrs : SnapshotStorageAccountType.StandardLrs },
            OSType = disk.OSType,
            HyperVGeneration = disk.HyperVGeneration,
        };
        foreach (var (key, value) in tags)
            data.Tags[key] = value;
        var taken = await _operations.ResultAsync<SnapshotResource>(
            async () => await connection.Group.GetSnapshots().CreateOrUpdateAsync(WaitUntil.Started, name, data, cancellation), $"Taking snapshot {name}", notices, cancellation);
        return taken.Data;
    }

    /// <summary>Removes a snapshot; one that is gone already is no failure.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task RemoveAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation) => _operations.RunAsync(
        async () => await connection.Client.GetSnapshotResource(id).DeleteAsync(WaitUntil.Started, cancellation), $"Removing snapshot {id.Name}", notices, cancellation);
}
