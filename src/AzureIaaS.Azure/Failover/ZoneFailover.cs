using System.Text.Json;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Networks;
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
internal sealed record ZonePlan(Guid Vm, Guid Checkpoint, string Set, string? Zone, Guid Report)
{
    /// <summary>The region it comes to; null where it stays in its own.</summary>
    public string? Region { get; init; }

    /// <summary>The network that it was on, for one that stands in for it in another region; null for none.</summary>
    public VirtualNetwork? Network { get; init; }

    /// <summary>The address that it had there.</summary>
    public string? Address { get; init; }
}

/// <summary>
/// The loss of a zone, or of a region: new disks in another one, made of the last checkpoint's snapshots; the old virtual machine removed, so that it cannot come back beside the
/// new one; the machine started on the new disks, with the address it had. The old disks stay, for what they hold is newer. To another region, the snapshots are
/// copied first where that has not been done, and a network stands in for the machine's.
/// </summary>
internal sealed class ZoneFailover(
    ArmConnection connection, IStateStore store, MachineDirectory directory, Checkpoints checkpoints, DiskSets sets, MachineRunner runner, AzureNetworks networks, MachineAdapters adapters,
    PublishedPorts ports)
{
    /// <summary>The saga's name in the store.</summary>
    public const string Kind = "AzureZoneFailover";

    /// <summary>The saga's name in the store, to another region.</summary>
    public const string RegionKind = "AzureRegionFailover";

    private readonly SagaRunner _sagas = new(store.Sagas, connection.Time);

    private sealed record Work(ZonePlan Plan, Guid Operation, FailoverRecorder? Recorder, IProgress<Notice> Notices)
    {
        /// <summary>Whether the machine goes on with the new disks: from then on there is only forward.</summary>
        public bool IsInPlace { get; set; }
    }

    private Saga<Work> SagaOf(ZonePlan plan) => plan.Region is null
        ? new(Kind, 1,
        [
            SagaStep.OwningUndo<Work>("remove disks at last", (w, _) => sets.RemoveAsync(w.Plan.Vm, w.Plan.Set, w.Notices)),
            new("disks", DisksAsync),
            new("fence", FenceAsync),
            new("start", StartAsync),
        ]) { IsPastUndo = w => w.IsInPlace }
        : new(RegionKind, 1,
        [
            SagaStep.OwningUndo<Work>("remove disks at last", (w, _) => sets.RemoveAsync(w.Plan.Vm, w.Plan.Set, w.Notices)),
            new("copy", CopyAsync),
            new("disks", DisksAsync),
            new("fence", FenceAsync),
            new("network", NetworkAsync),
            new("start", StartAsync),
        ]) { IsPastUndo = w => w.IsInPlace };

    /// <summary>Brings a machine back.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="zone">The zone to go to; null for none.</param>
    /// <param name="region">The region to go to; null to stay in its own.</param>
    /// <param name="recorder">Receives the steps.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; it is finished or undone by Resume- or Undo-IaaSOperation.</param>
    public async Task RunAsync(
        VirtualMachine machine, VmCheckpoint checkpoint, string? zone, string? region, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var plan = new ZonePlan(machine.Id, checkpoint.Id, DiskSets.NewName(), zone, recorder.Report.Id)
        {
            Region = region,
            Network = region is not null && machine.NetworkAdapters.FirstOrDefault()?.NetworkId is { } on ? NetworkMapping.FromAzure(await networks.NeededAsync(on, cancellation)) : null,
            Address = machine.NetworkAdapters.FirstOrDefault()?.IPAddress,
        };
        var operation = Guid.NewGuid();
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation));
        store.Sagas.Create(new SagaRecord(operation, SagaOf(plan).Kind, 1, machine.Name, machine.Id.ToString("N"), JsonSerializer.Serialize(plan, FailoverJson.Default.ZonePlan), connection.Time.GetUtcNow()), reserveName: false);
        await _sagas.RunAsync(SagaOf(plan), operation, new Work(plan, operation, recorder, notices), null, cancellation);
    }

    /// <summary>Ends a failover that was cut off; its lock is held. One that may have begun to take the machine over is finished, another is undone.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task EndAsync(SagaRecord record, CancellationToken cancellation)
    {
        var plan = JsonSerializer.Deserialize(record.Parameters, FailoverJson.Default.ZonePlan)!;
        var work = new Work(plan, record.Id, null, Quiet.Notices);
        var log = _sagas.Replay(SagaOf(plan), record.Id);
        if (log.Phase == SagaPhase.Forward && log.Events.Any(e => e.Step == "fence"))
            await _sagas.RunAsync(SagaOf(plan), record.Id, work, null, cancellation);
        else
            await _sagas.UndoAsync(SagaOf(plan), record.Id, work, null);
        FailoverService.EndCutOff(store, plan.Report, connection.Time);
    }

    private async Task CopyAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("copy");
        await checkpoints.CopyAsync(await NeededAsync(work, cancellation), work.Plan.Checkpoint, work.Plan.Region!, work.Operation, work.Notices, cancellation);
    }

    private async Task DisksAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("disks");
        var machine = await NeededAsync(work, cancellation);
        machine.Region = work.Plan.Region ?? machine.Region;
        var from = await checkpoints.SnapshotsAsync(work.Plan.Checkpoint, connection.RegionOf(machine), cancellation);
        await sets.CreateAsync(machine, from, work.Plan.Set, work.Plan.Zone, work.Operation, work.Notices, cancellation);
    }

    private async Task FenceAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("fence");
        var machine = await NeededAsync(work, cancellation);
        if (work.Plan.Region is not null)
            machine.AvailabilitySet = null;   // a set belongs to a region
        await sets.PutInPlaceAsync(machine, work.Plan.Set, force: true, work.Notices, cancellation);
        work.IsInPlace = true;
    }

    /// <summary>Interfaces belong to a region too: the old ones go, and one with the same address comes on the network that stands in.</summary>
    private async Task NetworkAsync(Work work, CancellationToken cancellation)
    {
        work.IsInPlace = true;
        work.Recorder?.Begin("network");
        var machine = await NeededAsync(work, cancellation);
        await ports.CloseAsync(machine.Id, work.Notices, cancellation);
        foreach (var former in (await adapters.ListAsync(cancellation)).Where(a => AzureNames.IdIn(a.Tags, AzureNames.VmTag) == machine.Id && !IsIn(a.Location.Name, work.Plan.Region!)))
            await adapters.RemoveAsync(former.Id, work.Notices, cancellation);
        var id = adapters.IdOf(machine, machine.NetworkAdapters[0].Name);
        if (work.Plan.Network is null || await adapters.FindOwnAsync(id, machine, cancellation) is not null)
            return;   // on no network of its own: the start finds the region's
        var subnet = await networks.EnsureStandInAsync(work.Plan.Network, work.Plan.Region!, work.Notices, cancellation);
        await adapters.PutAsync(machine, id, subnet, work.Plan.Address, null, work.Notices, cancellation);
    }

    private async Task StartAsync(Work work, CancellationToken cancellation)
    {
        work.IsInPlace = true;
        work.Recorder?.Begin("start elsewhere");
        await runner.StartAsync(work.Plan.Vm, work.Notices, cancellation);
    }

    private static bool IsIn(string location, string region) => location.Equals(region, StringComparison.OrdinalIgnoreCase);

    private async Task<VirtualMachine> NeededAsync(Work work, CancellationToken cancellation) => (await directory.FindAsync(work.Plan.Vm, cancellation))?.Machine
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", "The machine was removed while it was failed over.", "Get-IaaSVm shows those there are.", work.Plan.Vm);
}
