using System.Text.Json;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure.Failover;

/// <summary>A machine that is to come back from its last checkpoint.</summary>
/// <param name="Vm">The machine's id.</param>
/// <param name="Checkpoint">The checkpoint's id.</param>
/// <param name="Set">The name of the set of disks that are made of it.</param>
/// <param name="Zone">The zone it comes to; null for none.</param>
/// <param name="Report">The id of its report.</param>
internal sealed record ZonePlan(Guid Vm, Guid Checkpoint, string Set, string? Zone, Guid Report);

/// <summary>
/// The loss of a zone: new disks in another one, made of the last checkpoint's snapshots; the old virtual machine removed, so that it cannot come back beside the
/// new one; the machine started on the new disks, with the address it had. The old disks stay, for what they hold is newer.
/// </summary>
internal sealed class ZoneFailover(ArmConnection connection, IStateStore store, MachineDirectory directory, Snapshots snapshots, DiskSets sets, MachineRunner runner)
{
    /// <summary>The saga's name in the store.</summary>
    public const string Kind = "AzureZoneFailover";

    private readonly SagaRunner _sagas = new(store.Sagas, connection.Time);

    private sealed record Work(ZonePlan Plan, Guid Operation, FailoverRecorder? Recorder, IProgress<Notice> Notices)
    {
        /// <summary>Whether the machine goes on with the new disks: from then on there is only forward.</summary>
        public bool IsInPlace { get; set; }
    }

    private Saga<Work> Saga => new(Kind, 1,
    [
        SagaStep.OwningUndo<Work>("remove disks at last", (w, _) => sets.RemoveAsync(w.Plan.Vm, w.Plan.Set, w.Notices)),
        new("disks", DisksAsync),
        new("fence", FenceAsync),
        new("start", StartAsync),
    ]) { IsPastUndo = w => w.IsInPlace };

    /// <summary>Brings a machine back.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="zone">The zone to go to; null for none.</param>
    /// <param name="recorder">Receives the steps.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; it is finished or undone by Resume- or Undo-IaaSOperation.</param>
    public async Task RunAsync(VirtualMachine machine, VmCheckpoint checkpoint, string? zone, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var plan = new ZonePlan(machine.Id, checkpoint.Id, DiskSets.NewName(), zone, recorder.Report.Id);
        var operation = Guid.NewGuid();
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation));
        store.Sagas.Create(new SagaRecord(operation, Kind, 1, machine.Name, machine.Id.ToString("N"), JsonSerializer.Serialize(plan, FailoverJson.Default.ZonePlan), connection.Time.GetUtcNow()), reserveName: false);
        await _sagas.RunAsync(Saga, operation, new Work(plan, operation, recorder, notices), null, cancellation);
    }

    /// <summary>Ends a failover that was cut off; its lock is held. One that may have begun to take the machine over is finished, another is undone.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task EndAsync(SagaRecord record, CancellationToken cancellation)
    {
        var plan = JsonSerializer.Deserialize(record.Parameters, FailoverJson.Default.ZonePlan)!;
        var work = new Work(plan, record.Id, null, Quiet.Notices);
        var log = _sagas.Replay(Saga, record.Id);
        if (log.Phase == SagaPhase.Forward && log.Events.Any(e => e.Step == "fence"))
            await _sagas.RunAsync(Saga, record.Id, work, null, cancellation);
        else
            await _sagas.UndoAsync(Saga, record.Id, work, null);
        FailoverService.EndCutOff(store, plan.Report, connection.Time);
    }

    private async Task DisksAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("disks");
        var machine = await NeededAsync(work, cancellation);
        var from = (await snapshots.ListAsync(cancellation)).FindAll(s => AzureNames.IdIn(s.Tags, AzureNames.CheckpointTag) == work.Plan.Checkpoint);
        await sets.CreateAsync(machine, from, work.Plan.Set, work.Plan.Zone, work.Operation, work.Notices, cancellation);
    }

    private async Task FenceAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("fence");
        await sets.PutInPlaceAsync(await NeededAsync(work, cancellation), work.Plan.Set, force: true, work.Notices, cancellation);
        work.IsInPlace = true;
    }

    private async Task StartAsync(Work work, CancellationToken cancellation)
    {
        work.IsInPlace = true;
        work.Recorder?.Begin("start elsewhere");
        await runner.StartAsync(work.Plan.Vm, work.Notices, cancellation);
    }

    private async Task<VirtualMachine> NeededAsync(Work work, CancellationToken cancellation) => (await directory.FindAsync(work.Plan.Vm, cancellation))?.Machine
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", "The machine was removed while it was failed over.", "Get-IaaSVm shows those there are.", work.Plan.Vm);
}
