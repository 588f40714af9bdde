using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>Checkpoints of machines: decides what is possible, and runs the sagas.</summary>
internal sealed class Checkpoints(LocalServices services) : ICheckpointProvider
{
    private const int LongestName = 100;

    public Task<VmCheckpoint> CreateCheckpointAsync(Guid id, string name, bool memory, IProgress<Notice> notices, CancellationToken cancellation) =>
        CreateAsync(id, name, memory, null, notices, cancellation);

    public Task RemoveCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation) =>
        RemoveAsync(id, checkpoint, temporary: false, notices, cancellation);

    /// <summary>Takes a checkpoint.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="memory">Whether the memory is kept too.</param>
    /// <param name="temporary">The id of a rehearsal's checkpoint; null for one of the user's.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; nothing is left of it.</param>
    public async Task<VmCheckpoint> CreateAsync(Guid id, string name, bool memory, Guid? temporary, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        var machine = owned.Machine;
        if (machine.Checkpoints.FirstOrDefault(c => c.Id == temporary) is { } there)
            return there;   // of a former attempt
        MachineRunner.MustDo(machine, MachineRequest.Checkpoint, notices);
        CheckName(machine, name);
        CheckNotRehearsed(machine, temporary);
        CheckChains(owned, notices);
        var runs = machine.State == MachineState.Running;
        if (memory && !runs)
            notices.Report(Notice.Warning($"{machine.Name} does not run, so there is no memory to keep."));
        var checkpoint = new VmCheckpoint
        {
            Id = temporary ?? Guid.NewGuid(),
            Name = name,
            Created = services.Time.GetUtcNow(),
            ParentId = machine.CurrentCheckpoint,
            HasMemory = memory && runs,
            Cpu = machine.Cpu,
            Memory = machine.Memory,
            IsTemporary = temporary is not null,
            VmId = machine.Id,
            VmName = machine.Name,
        };
        if (checkpoint.HasMemory)
            CheckRoom(owned);
        notices.Report(Notice.Step($"Checkpointing {machine.Name}"));
        var layers = machine.Disks.Select(d => owned.Notes.TreeOf(d) is var t ? t.Next(t.Active, owned.Files.Folder) : null!).ToList();
        await CheckpointSaga.Create.RunAsync(new MachineWork<CheckpointPlan>(owned, new CheckpointPlan(checkpoint, layers), services, notices), null, cancellation);
        return checkpoint;
    }

    /// <summary>Forgets a checkpoint.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="temporary">Whether it is a rehearsal's own.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops merging.</param>
    public async Task RemoveAsync(Guid id, Guid checkpoint, bool temporary, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (owned.Machine.Checkpoints.All(c => c.Id != checkpoint))
        {
            if (!temporary)
                throw NotFound(owned.Machine, checkpoint);

            // A removal that failed may have left its layers.
            await LayerCleaner.CleanAsync(owned, services, notices, cancellation);
            return;
        }

        CheckNotRehearsed(owned.Machine, temporary ? checkpoint : null);
        if (owned.Notes.MemoryFile == owned.Files.Memory(checkpoint))
        {
            throw new IaaSException(ErrorKind.InvalidState, "CheckpointInUse", $"{owned.Machine.Name} is to go on with this checkpoint's memory.",
                "Resume-IaaSVm first, or discard that with Stop-IaaSVm -Force.", owned.Machine.Name);
        }

        notices.Report(Notice.Step($"Removing a checkpoint of {owned.Machine.Name}"));
        await CheckpointSaga.Remove.RunAsync(new MachineWork<RemovalPlan>(owned, new RemovalPlan(checkpoint), services, notices), null, cancellation);
    }

    public async Task<VirtualMachine> RestoreCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        MachineRunner.MustDo(owned.Machine, MachineRequest.Restore, notices);
        if (owned.Machine.Checkpoints.All(c => c.Id != checkpoint))
            throw NotFound(owned.Machine, checkpoint);
        CheckNotRehearsed(owned.Machine, null);
        notices.Report(Notice.Step($"Restoring {owned.Machine.Name}"));
        var kept = owned.Notes.CheckpointLayers[checkpoint];
        var layers = owned.Machine.Disks.Select(d => owned.Notes.TreeOf(d).Next(kept[d.Name], owned.Files.Folder)).ToList();
        await CheckpointSaga.Restore.RunAsync(new MachineWork<RestorePlan>(owned, new RestorePlan(checkpoint, layers), services, notices), null, cancellation);
        return owned.Machine;
    }

    private static void CheckName(VirtualMachine machine, string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > LongestName || name.Any(char.IsControl))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidCheckpointName", $"'{name}' cannot be a checkpoint's name.",
                $"Give 1 to {LongestName} characters, with -CheckpointName.", name);
        }

        if (machine.Checkpoints.Any(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "CheckpointNameTaken", $"{machine.Name} has a checkpoint '{name}' already.",
                "Give this one another name, or remove the other with Remove-IaaSVmCheckpoint.", name);
        }
    }

    /// <summary>A clone lies on the frozen layers; they must stay as they are so long.</summary>
    private static void CheckNotRehearsed(VirtualMachine machine, Guid? own)
    {
        if (machine.Checkpoints.Any(c => c.IsTemporary && c.Id != own))
        {
            throw new IaaSException(ErrorKind.Busy, "VmIsRehearsed", $"A failover of {machine.Name} is being rehearsed on its frozen disks.",
                "Wait for that to end; if it was cut off, Undo-IaaSOperation clears it away.", machine.Name);
        }
    }

    private static void CheckChains(OwnedMachine owned, IProgress<Notice> notices)
    {
        var longest = owned.Machine.Disks.Select(d => owned.Notes.TreeOf(d) is var t ? t.Chain(t.Active).Count : 0).DefaultIfEmpty(0).Max();
        if (longest >= DiskTree.LongestChain)
        {
            throw new IaaSException(ErrorKind.InvalidState, "TooManyCheckpoints", $"{owned.Machine.Name} has {longest} layers on one another, and more are not allowed.",
                "Remove checkpoints that are not needed with Remove-IaaSVmCheckpoint.", owned.Machine.Name);
        }

        if (longest >= DiskTree.LongChain)
            notices.Report(Notice.Warning($"{owned.Machine.Name} has {longest} layers on one another already; each makes its disks slower. Remove checkpoints that are not needed."));
    }

    private static void CheckRoom(OwnedMachine owned)
    {
        var free = new DriveInfo(owned.Files.Folder).AvailableFreeSpace;
        if (free < owned.Machine.Memory)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace", $"The memory of {owned.Machine.Name} may take {ByteSize.Format(owned.Machine.Memory)}, and {ByteSize.Format(free)} are free in {owned.Files.Folder}.",
                "Make room there, or take the checkpoint without the memory.", owned.Machine.Name);
        }
    }

    private static IaaSException NotFound(VirtualMachine machine, Guid checkpoint) => new(ErrorKind.NotFound, "CheckpointNotFound",
        $"{machine.Name} has no checkpoint {checkpoint}.", "Get-IaaSVmCheckpoint shows those it has.", machine.Name);
}
