using System.Text.Json;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure.Failover;

/// <summary>A checkpoint that is to be in another region too.</summary>
/// <param name="Vm">The machine's id.</param>
/// <param name="Checkpoint">The checkpoint's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Region">The other region.</param>
internal sealed record CopyPlan(Guid Vm, Guid Checkpoint, string Name, string Region);

/// <summary>
/// Checkpoints that are kept in another region too: taken, then copied there. One that was cut off in its copy is an operation; and a tag says where it was to be, so
/// that the same request goes on with it from any computer.
/// </summary>
internal sealed class CheckpointCopies(ArmConnection connection, IStateStore store, MachineDirectory directory, Checkpoints checkpoints, Snapshots snapshots)
{
    /// <summary>The saga's name in the store.</summary>
    public const string Kind = "AzureCheckpointCopy";

    private readonly SagaRunner _sagas = new(store.Sagas, connection.Time);

    private sealed record Work(CopyPlan Plan, Guid Operation, IProgress<Notice> Notices)
    {
        /// <summary>Whether nothing that it has copied is wanted, not even what is whole.</summary>
        public bool IsGivenUp { get; init; }
    }

    private Saga<Work> Definition => new(Kind, 1,
    [
        SagaStep.OwningUndo<Work>("remove copies at last", RemoveAsync),
        new("take", TakeAsync),
        new("copy", CopyAsync),
    ]);

    /// <summary>Takes a checkpoint and copies it to another region; goes on with the copy of one that was cut off there.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">The checkpoint's name.</param>
    /// <param name="memory">Whether the memory is wanted too.</param>
    /// <param name="region">The other region.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops waiting; the same again, or Resume-IaaSOperation, goes on.</param>
    public async Task<VmCheckpoint> CreateAsync(Guid id, string name, bool memory, string region, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await checkpoints.CheckAsync(id, memory, cancellation);
        if (region.Equals(connection.RegionOf(machine), StringComparison.OrdinalIgnoreCase))
            throw new IaaSException(ErrorKind.InvalidArgument, "SameRegion", $"{machine.Name} is in {region} already.", "Name another region with -CopyTo.", region);
        foreach (var former in store.Sagas.List(includeClosed: false).Where(s => s.Kind == Kind && PlanOf(s) is var p && p.Vm == id && p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && p.Region == region))
        {
            using var lockOfFormer = Lock(former.Id);
            if (await EndAsync(former, notices, cancellation) is { } ended)
                return ended;
        }

        var begun = await checkpoints.FindUncopiedAsync(machine, name, region, cancellation);
        if (begun is null)
        {
            await checkpoints.CheckFreeAsync(machine, name, cancellation);
            Checkpoints.WarnOfMoments(machine, notices);
        }
        else
        {
            WarnOfAge(begun, notices);
        }

        var plan = new CopyPlan(id, begun?.Id ?? Guid.NewGuid(), name, region);
        var operation = Guid.NewGuid();
        using var owner = Lock(operation);
        store.Sagas.Create(new SagaRecord(operation, Kind, 1, machine.Name, id.ToString("N"), JsonSerializer.Serialize(plan, FailoverJson.Default.CopyPlan), connection.Time.GetUtcNow()), reserveName: false);
        await _sagas.RunAsync(Definition, operation, new Work(plan, operation, notices), null, cancellation);
        return (await checkpoints.FindAsync(machine, plan.Checkpoint, cancellation))!;
    }

    /// <summary>Ends one that was cut off; its lock is held. A checkpoint that is one is copied; what is none is removed.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The checkpoint; null where nothing was left of it.</returns>
    public async Task<VmCheckpoint?> EndAsync(SagaRecord record, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var work = new Work(PlanOf(record), record.Id, notices);
        var machine = (await directory.FindAsync(work.Plan.Vm, cancellation))?.Machine;
        var checkpoint = machine is null ? null : await checkpoints.FindAsync(machine, work.Plan.Checkpoint, cancellation);
        if (checkpoint is null || _sagas.Replay(Definition, record.Id).Phase != SagaPhase.Forward)
        {
            await _sagas.UndoAsync(Definition, record.Id, work, null);
            return null;
        }

        WarnOfAge(checkpoint, notices);
        await _sagas.RunAsync(Definition, record.Id, work, null, cancellation);
        return checkpoint;
    }

    /// <summary>Gives one up; its lock is held. What it has copied is removed; a checkpoint that is one stays, for it is the machine's like any other.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="notices">Receives steps, and that the checkpoint stays.</param>
    public async Task UndoAsync(SagaRecord record, IProgress<Notice> notices)
    {
        var work = new Work(PlanOf(record), record.Id, notices) { IsGivenUp = true };
        await _sagas.UndoAsync(Definition, record.Id, work, null);
        var machine = (await directory.FindAsync(work.Plan.Vm, CancellationToken.None))?.Machine;
        if (machine is not null && await checkpoints.FindAsync(machine, work.Plan.Checkpoint, CancellationToken.None) is { } checkpoint)
            notices.Report(Notice.Warning($"Checkpoint '{checkpoint.Name}' of {checkpoint.VmName} stays, in the machine's own region alone; Remove-IaaSVmCheckpoint removes it."));
    }

    private static CopyPlan PlanOf(SagaRecord record) => JsonSerializer.Deserialize(record.Parameters, FailoverJson.Default.CopyPlan)!;

    /// <summary>Who asks again may think of the machine as it is now.</summary>
    private static void WarnOfAge(VmCheckpoint checkpoint, IProgress<Notice> notices) =>
        notices.Report(Notice.Warning($"Checkpoint '{checkpoint.Name}' of {checkpoint.VmName} was taken at {checkpoint.Created:u}, and its copy was cut off; that goes on, and no other state is taken."));

    private async Task TakeAsync(Work work, CancellationToken cancellation)
    {
        var machine = await NeededAsync(work.Plan, cancellation);
        if (await checkpoints.FindAsync(machine, work.Plan.Checkpoint, cancellation) is null)
            await checkpoints.TakeAsync(machine, machine.Id, work.Plan.Checkpoint, work.Plan.Name, work.Operation, work.Notices, cancellation, work.Plan.Region);
    }

    private async Task CopyAsync(Work work, CancellationToken cancellation) =>
        await checkpoints.CopyAsync(await NeededAsync(work.Plan, cancellation), work.Plan.Checkpoint, work.Plan.Region, work.Operation, work.Notices, cancellation);

    /// <summary>
    /// Removes copies that were begun, but for whole ones: another computer may have ended them. Of one that is given up, all that it has made itself, and nothing else.
    /// Where there is no checkpoint, all that there is of it goes.
    /// </summary>
    private async Task RemoveAsync(Work work, CancellationToken cancellation)
    {
        var plan = work.Plan;
        var machine = (await directory.FindAsync(plan.Vm, cancellation))?.Machine;
        var isCheckpoint = machine is not null && await checkpoints.FindAsync(machine, plan.Checkpoint, cancellation) is not null;
        foreach (var snapshot in (await snapshots.ListAsync(cancellation)).Where(s => AzureNames.IdIn(s.Tags, AzureNames.CheckpointTag) == plan.Checkpoint))
        {
            var isCopy = snapshot.Location.Name.Equals(plan.Region, StringComparison.OrdinalIgnoreCase);
            var isUnwanted = work.IsGivenUp ? AzureNames.IdIn(snapshot.Tags, AzureNames.ImportTag) == work.Operation : snapshot.CompletionPercent < 100;
            if (!isCheckpoint || (isCopy && isUnwanted))
                await snapshots.RemoveAsync(snapshot.Id, work.Notices, cancellation);
        }
    }

    private IDisposable Lock(Guid operation) => store.Locks.TryAcquire(SagaRunner.LockName(operation))
        ?? throw new IaaSException(ErrorKind.Busy, "OperationIsRunning", $"Operation {operation} is being worked on.", "Wait for that to end; Get-IaaSOperation shows it.", operation);

    private async Task<VirtualMachine> NeededAsync(CopyPlan plan, CancellationToken cancellation) => (await directory.FindAsync(plan.Vm, cancellation))?.Machine
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"The machine was removed while its checkpoint '{plan.Name}' was copied.", "Get-IaaSVm shows those there are.", plan.Vm);
}
