using System.Globalization;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Failover;

/// <summary>
/// Checkpoints: a snapshot of each of a machine's disks, the one of the disk that it boots from last. That one carries the name; without it there is no checkpoint,
/// so one that was cut off is none.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="disks">Their disks.</param>
/// <param name="snapshots">The snapshots.</param>
/// <param name="sets">What makes disks of snapshots.</param>
internal sealed class Checkpoints(ArmConnection connection, MachineDirectory directory, ManagedDisks disks, Snapshots snapshots, DiskSets sets)
{
    /// <summary>Keeps the state of a machine's disks.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">The checkpoint's name.</param>
    /// <param name="memory">Whether the memory is wanted too.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; nothing is left of it.</param>
    public async Task<VmCheckpoint> CreateAsync(Guid id, string name, bool memory, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await CheckAsync(id, memory, cancellation);
        await CheckFreeAsync(machine, name, cancellation);
        WarnOfMoments(machine, notices);
        return Of(machine, await TakeAsync(machine, machine.Id, Guid.NewGuid(), name, Guid.Empty, notices, cancellation))[0];
    }

    /// <summary>The machine, if a checkpoint of it can be taken at all.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="memory">Whether the memory is wanted too.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VirtualMachine> CheckAsync(Guid id, bool memory, CancellationToken cancellation)
    {
        if (memory)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure keeps no memory in snapshots.",
                "Leave -IncludeMemory out; stop the machine first for a state that is at rest.", id);
        }

        var machine = (await NeededAsync(id, cancellation)).Machine;
        MachineRunner.MayDo(machine, MachineRequest.Checkpoint);
        return machine;
    }

    /// <summary>Refuses a name that a checkpoint of the machine has.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="name">The name.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task CheckFreeAsync(VirtualMachine machine, string name, CancellationToken cancellation)
    {
        if (Of(machine, await snapshots.ListAsync(cancellation)).Exists(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            throw new IaaSException(ErrorKind.AlreadyExists, "CheckpointNameTaken", $"{machine.Name} has a checkpoint '{name}' already.", "Give another name.", name);
    }

    /// <summary>Says that the snapshots of several disks are not of one moment.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="notices">Receives the warning.</param>
    public static void WarnOfMoments(VirtualMachine machine, IProgress<Notice> notices)
    {
        if (machine is { State: MachineState.Running, Disks.Count: > 1 })
            notices.Report(Notice.Warning($"{machine.Name} runs, and its {machine.Disks.Count} disks are kept one after another, not at one moment. Stop it first if they depend on each other."));
    }

    /// <summary>Takes a machine back to a checkpoint.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    public async Task RestoreAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        MachineRunner.MayDo(found.Machine, MachineRequest.Restore);
        var from = await NeededAsync(found.Machine, checkpoint, cancellation);
        var set = DiskSets.NewName();
        var operation = found.Machine.Origin?.Operation ?? Guid.Empty;
        try
        {
            await sets.CreateAsync(found.Machine, from, set, found.Machine.Zone, operation, notices, cancellation);
        }
        catch
        {
            await sets.RemoveAsync(found.Machine.Id, set, Quiet.Notices);
            throw;
        }

        await sets.PutInPlaceAsync(found.Machine, set, force: false, notices, CancellationToken.None);
        await sets.RemoveFormerAsync(found.Machine.Id, set, notices);
    }

    /// <summary>Forgets a checkpoint; one that is gone already is no failure.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task RemoveAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var own = (await snapshots.ListAsync(cancellation)).Where(s => AzureNames.IdIn(s.Tags, AzureNames.VmTag) == id && AzureNames.IdIn(s.Tags, AzureNames.CheckpointTag) == checkpoint);
        // The one with the name goes last, so that what was cut off is a checkpoint still, and can be removed again.
        foreach (var snapshot in own.OrderBy(s => s.Tags.ContainsKey(AzureNames.CheckpointNameTag) ? 1 : 0))
            await snapshots.RemoveAsync(snapshot.Id, notices, cancellation);
    }

    /// <summary>Writes on a machine which checkpoints it has.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task DescribeAsync(VirtualMachine machine, CancellationToken cancellation) => machine.Checkpoints = Of(machine, await snapshots.ListAsync(cancellation));

    /// <summary>The last checkpoint whose snapshots are all in a region; null when there is none.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="region">The region.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VmCheckpoint?> LastAsync(VirtualMachine machine, string region, CancellationToken cancellation)
    {
        var all = await snapshots.ListAsync(cancellation);
        return Of(machine, all).LastOrDefault(c => IsWhole(machine, SnapshotsOf(c.Id, region, all)));
    }

    /// <summary>The snapshots of a checkpoint in a region.</summary>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="region">The region.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<SnapshotData>> SnapshotsAsync(Guid checkpoint, string region, CancellationToken cancellation) =>
        SnapshotsOf(checkpoint, region, await snapshots.ListAsync(cancellation));

    /// <summary>Copies a checkpoint's snapshots to another region; those that are there already stay as they are.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="region">The region.</param>
    /// <param name="operation">The operation that copies them.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops waiting; the same again goes on.</param>
    public async Task CopyAsync(VirtualMachine machine, Guid checkpoint, string region, Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (IsWhole(machine, await SnapshotsAsync(checkpoint, region, cancellation)))
            return;
        foreach (var snapshot in await NeededAsync(machine, checkpoint, cancellation))
            await snapshots.CopyAsync(snapshot, region, operation, notices, cancellation);
    }

    /// <summary>A checkpoint of that name that is to be in a region too, and is not wholly there yet; null when there is none.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="name">The checkpoint's name.</param>
    /// <param name="region">The region.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VmCheckpoint?> FindUncopiedAsync(VirtualMachine machine, string name, string region, CancellationToken cancellation)
    {
        var all = await snapshots.ListAsync(cancellation);
        var meant = all.Where(s => s.Tags.TryGetValue(AzureNames.CopyToTag, out var to) && to == region);
        return Of(machine, meant).Find(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && !IsWhole(machine, SnapshotsOf(c.Id, region, all)));
    }

    /// <summary>One checkpoint of a machine; null when it is gone, or was never whole.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VmCheckpoint?> FindAsync(VirtualMachine machine, Guid checkpoint, CancellationToken cancellation) =>
        Of(machine, await snapshots.ListAsync(cancellation)).Find(c => c.Id == checkpoint);

    /// <summary>Takes the snapshots of a checkpoint; where one fails, those before it are removed again.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="owner">Whose they are: the machine's, or those of a clone.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="operation">The operation that takes them.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="copyTo">The region that it is to be in too; null for none.</param>
    public async Task<IReadOnlyList<SnapshotData>> TakeAsync(
        VirtualMachine machine, Guid owner, Guid checkpoint, string name, Guid operation, IProgress<Notice> notices, CancellationToken cancellation, string? copyTo = null)
    {
        var taken = new List<SnapshotData>();
        try
        {
            foreach (var disk in machine.Disks.Reverse())
            {
                var data = (await disks.NeededAsync(disk, cancellation)).Data;
                var tags = new Dictionary<string, string>
                {
                    [AzureNames.VmTag] = owner.ToString(),
                    [AzureNames.ImportTag] = operation.ToString(),
                    [AzureNames.CheckpointTag] = checkpoint.ToString(),
                    [AzureNames.DiskTag] = disk.Name,
                    [AzureNames.SkuTag] = data.Sku?.Name?.ToString() ?? "",
                };
                if (disk.Name == machine.Disks[0].Name)
                {
                    tags[AzureNames.CheckpointNameTag] = name;
                    if (copyTo is not null)
                        tags[AzureNames.CopyToTag] = copyTo;
                    tags[AzureNames.CpuTag] = machine.Cpu.ToString(CultureInfo.InvariantCulture);
                    tags[AzureNames.MemoryTag] = machine.Memory.ToString(CultureInfo.InvariantCulture);
                }

                taken.Add(await snapshots.TakeAsync(AzureNames.Snapshot(machine.Name, disk.Name, checkpoint), data, tags, notices, cancellation));
            }

            return taken;
        }
        catch
        {
            foreach (var snapshot in taken)
                await snapshots.RemoveAsync(snapshot.Id, Quiet.Notices, CancellationToken.None);
            throw;
        }
    }

    /// <summary>The whole checkpoints of a machine among snapshots, oldest first.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="all">The snapshots.</param>
    public static List<VmCheckpoint> Of(VirtualMachine machine, IEnumerable<SnapshotData> all) =>
    [
        .. all.Where(s => AzureNames.IdIn(s.Tags, AzureNames.VmTag) == machine.Id && s.Tags.ContainsKey(AzureNames.CheckpointNameTag))
            .Select(s => new VmCheckpoint
            {
                Id = AzureNames.IdIn(s.Tags, AzureNames.CheckpointTag) ?? Guid.Empty,
                Name = s.Tags[AzureNames.CheckpointNameTag],
                Created = s.TimeCreated ?? default,
                Cpu = (int)AzureMapping.Number(s.Tags, AzureNames.CpuTag),
                Memory = AzureMapping.Number(s.Tags, AzureNames.MemoryTag),
                VmId = machine.Id,
                VmName = machine.Name,
            })
            .OrderBy(c => c.Created),
    ];

    private static List<SnapshotData> SnapshotsOf(Guid checkpoint, string region, IEnumerable<SnapshotData> all) =>
        [.. all.Where(s => AzureNames.IdIn(s.Tags, AzureNames.CheckpointTag) == checkpoint && s.Location.Name.Equals(region, StringComparison.OrdinalIgnoreCase))];

    /// <summary>Whether there is a snapshot of each disk, and none is still being copied.</summary>
    private static bool IsWhole(VirtualMachine machine, IReadOnlyList<SnapshotData> own) =>
        machine.Disks.All(d => own.Any(s => s.Tags.TryGetValue(AzureNames.DiskTag, out var name) && name == d.Name && (s.CompletionPercent ?? 100) >= 100));

    private async Task<IReadOnlyList<SnapshotData>> NeededAsync(VirtualMachine machine, Guid checkpoint, CancellationToken cancellation)
    {
        var region = connection.RegionOf(machine);
        var own = SnapshotsOf(checkpoint, region, await snapshots.ListAsync(cancellation));
        return IsWhole(machine, own) ? own
            : throw new IaaSException(ErrorKind.NotFound, "CheckpointNotFound", $"{machine.Name} has no checkpoint {checkpoint}, or not all of its snapshots are in {region}.",
                "Get-IaaSVmCheckpoint shows those there are.", checkpoint);
    }

    private async Task<FoundMachine> NeededAsync(Guid id, CancellationToken cancellation) => await directory.FindAsync(id, cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id} in {connection.Scope}.", "Get-IaaSVm shows those there are.", id);
}
