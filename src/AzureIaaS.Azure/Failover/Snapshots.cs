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
    private const int LookEvery = 6;   // of the shortest waits: a copy takes minutes

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
        var data = new SnapshotData(disk.Location)
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

    /// <summary>Copies a snapshot to another region, and waits until it is there. One that is there already is left as it is.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="region">The region.</param>
    /// <param name="operation">The operation that copies it.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops waiting; the same again goes on.</param>
    public async Task<SnapshotData> CopyAsync(SnapshotData snapshot, string region, Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var name = $"{snapshot.Name}-{region}";
        var copy = await FindAsync(name, cancellation);
        if (copy is null)
        {
            var data = new SnapshotData(new AzureLocation(region))
            {
                CreationData = new DiskCreationData(DiskCreateOption.CopyStart) { SourceResourceId = snapshot.Id },
                Incremental = true,   // what Azure can copy between regions
                Sku = new SnapshotSku { Name = SnapshotStorageAccountType.StandardLrs },
                OSType = snapshot.OSType,
                HyperVGeneration = snapshot.HyperVGeneration,
            };
            // Without the checkpoint's name: there is one checkpoint, wherever its snapshots are.
            foreach (var (key, value) in snapshot.Tags.Where(t => t.Key != AzureNames.CheckpointNameTag))
                data.Tags[key] = value;
            data.Tags[AzureNames.ImportTag] = operation.ToString();
            await _operations.ResultAsync<SnapshotResource>(
                async () => await connection.Group.GetSnapshots().CreateOrUpdateAsync(WaitUntil.Started, name, data, cancellation), $"Copying snapshot {snapshot.Name} to {region}", notices, cancellation);
        }

        return await WaitUntilCopiedAsync(name, region, notices, cancellation);
    }

    private async Task<SnapshotData> WaitUntilCopiedAsync(string name, string region, IProgress<Notice> notices, CancellationToken cancellation)
    {
        while (true)
        {
            var copy = await FindAsync(name, cancellation)
                ?? throw new IaaSException(ErrorKind.NotFound, "SnapshotGone", $"The copy '{name}' was removed while it was made.", "Try again.", name);
            if (copy.CopyCompletionError is { } error)
            {
                await RemoveAsync(copy.Id, Quiet.Notices, cancellation);   // it would stand in the way of the next
                throw new IaaSException(ErrorKind.Failed, "SnapshotCopyFailed", $"Azure could not copy '{name}' to {region}: {error.ErrorMessage}",
                    "What there was of the copy has been removed. Try again.", name);
            }

            if (copy.CompletionPercent is null or >= 100)
                return copy;
            notices.Report(Notice.Step($"Copying snapshot {name}", copy.CompletionPercent / 100));
            await Task.Delay(connection.ShortestWait * LookEvery, connection.Time, cancellation);
        }
    }

    private async Task<SnapshotData?> FindAsync(string name, CancellationToken cancellation) =>
        (await Operations.FindAsync(() => connection.Group.GetSnapshots().GetAsync(name, cancellation), $"Looking for snapshot {name}", cancellation))?.Data;

    /// <summary>Removes a snapshot; one that is gone already is no failure.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task RemoveAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation) => _operations.RunAsync(
        async () => await connection.Client.GetSnapshotResource(id).DeleteAsync(WaitUntil.Started, cancellation), $"Removing snapshot {id.Name}", notices, cancellation);
}
