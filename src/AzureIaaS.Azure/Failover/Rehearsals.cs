using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Azure;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure.Failover;

/// <summary>A rehearsal that is to be held.</summary>
/// <param name="Vm">The machine's id.</param>
/// <param name="CloneId">The clone's id.</param>
/// <param name="Zone">The zone that the clone is started in; null for the machine's own.</param>
/// <param name="Report">The id of its report.</param>
internal sealed record RehearsalPlan(Guid Vm, Guid CloneId, string? Zone, Guid Report)
{
    /// <summary>The region that the clone is started in; null for the machine's own.</summary>
    public string? Region { get; init; }

    /// <summary>The machine's checkpoint there that the clone is made of; null where snapshots are taken for it.</summary>
    public Guid? Checkpoint { get; init; }
}

/// <summary>
/// Rehearsals: snapshots of the machine's disks, a clone on disks made of them, in a network of its own that has the same addresses and no way out; started, checked,
/// and removed with everything that was made for it. The machine is not touched. In another region the clone is made of the machine's last checkpoint there, as in
/// earnest; where there is none, of snapshots that are copied for it. Everything of it carries the clone's id, so that it is found again
/// wherever the rehearsal was cut off.
/// </summary>
internal sealed class Rehearsals(
    ArmConnection connection, IStateStore store, ManagedDisks disks, Snapshots snapshots, Checkpoints checkpoints, DiskSets sets,
    AzureNetworks networks, NetworkResources resources, MachineAdapters adapters, MachineRunner runner)
{
    /// <summary>The saga's name in the store.</summary>
    public const string Kind = "AzureRehearsal";

    /// <summary>The saga's name in the store, in another region.</summary>
    public const string RegionKind = "AzureRegionRehearsal";

    private const string CloneRange = "10.96.0.0/24";

    private readonly Operations _operations = new(connection);
    private readonly SagaRunner _sagas = new(store.Sagas, connection.Time);

    private sealed record Work(RehearsalPlan Plan, Guid Operation, FailoverRecorder? Recorder, FailoverOptions Options, IVmProvider? Provider, IProgress<Notice> Notices)
    {
        public VirtualMachine? Original { get; set; }
    }

    private Saga<Work> SagaOf(RehearsalPlan plan) => plan.Region is null
        ? new(Kind, 1, [SagaStep.OwningUndo<Work>("discard at last", (w, _) => DiscardAsync(w)), new("snapshot", SnapshotAsync), .. Rest()])
        : new(RegionKind, 1, [SagaStep.OwningUndo<Work>("discard at last", (w, _) => DiscardAsync(w)), .. Copied(plan), .. Rest()]);

    private IEnumerable<SagaStep<Work>> Copied(RehearsalPlan plan) => plan.Checkpoint is null ? [new("snapshot", SnapshotAsync), new("copy", CopyAsync)] : [];

    private IEnumerable<SagaStep<Work>> Rest() =>
    [
        new("clone", CloneAsync),
        new("enclose", EncloseAsync),
        new("start", StartAsync),
        new("check", CheckAsync),
        new("discard", (w, _) => DiscardAsync(w)),
    ];

    /// <summary>Rehearses a failover.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="region">The region to rehearse in; null for the machine's own.</param>
    /// <param name="options">How, and what is checked.</param>
    /// <param name="recorder">Receives steps and checks.</param>
    /// <param name="provider">Where the clone is checked.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; everything is cleared away.</param>
    public async Task RehearseAsync(
        VirtualMachine machine, string? region, FailoverOptions options, FailoverRecorder recorder, IVmProvider provider, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var there = region is null ? null : await checkpoints.LastAsync(machine, region, cancellation);
        var plan = new RehearsalPlan(machine.Id, Guid.NewGuid(), region is null ? options.TargetHost : null, recorder.Report.Id) { Region = region, Checkpoint = there?.Id };
        Describe(recorder.Report, region, there);
        var operation = Guid.NewGuid();
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation));
        store.Sagas.Create(new SagaRecord(operation, SagaOf(plan).Kind, 1, machine.Name, machine.Id.ToString("N"), JsonSerializer.Serialize(plan, FailoverJson.Default.RehearsalPlan), connection.Time.GetUtcNow()), reserveName: false);
        var work = new Work(plan, operation, recorder, options, provider, notices) { Original = machine };
        try
        {
            await _sagas.RunAsync(SagaOf(plan), operation, work, null, cancellation);
        }
        catch (Exception e) when (e is OperationCanceledException or IaaSException && store.Sagas.Find(operation) is { IsOpen: true })
        {
            // What only passing trouble has cut off is not taken up: a rehearsal is begun anew.
            await _sagas.UndoAsync(SagaOf(plan), operation, work with { Recorder = null }, null);
            throw;
        }
    }

    /// <summary>Clears away a rehearsal that was cut off; its lock is held.</summary>
    /// <param name="record">The operation.</param>
    public async Task UndoAsync(SagaRecord record)
    {
        var plan = JsonSerializer.Deserialize(record.Parameters, FailoverJson.Default.RehearsalPlan)!;
        await _sagas.UndoAsync(SagaOf(plan), record.Id, new Work(plan, record.Id, null, new FailoverOptions(), null, Quiet.Notices), null);
        FailoverService.EndCutOff(store, plan.Report, connection.Time);
    }

    /// <summary>What the clone goes on from.</summary>
    private void Describe(FailoverReport report, string? region, VmCheckpoint? there)
    {
        if (there is null)
        {
            (report.Rpo, report.RpoStatement) = (TimeSpan.Zero, region is null
                ? "The clone went on from the machine's disks as they were at that moment, as after the loss of its host."
                : $"The clone went on from the machine's disks as they were at that moment, copied to {region} for the rehearsal. In earnest they would have to be there before: Checkpoint-IaaSVm -CopyTo {region} does that.");
            return;
        }

        var age = connection.Time.GetUtcNow() - there.Created;
        (report.RecoveryPoint, report.Rpo) = (there.Created.ToString("O", CultureInfo.InvariantCulture), age);
        report.RpoStatement = $"The clone went on from checkpoint '{there.Name}', the last one in {region}; what was written in the {age.TotalMinutes:0} minutes since would be lost with the machine's region.";
    }

    private async Task SnapshotAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("snapshot");
        await checkpoints.TakeAsync(work.Original!, work.Plan.CloneId, work.Plan.CloneId, $"rehearsal of {work.Original!.Name}", work.Operation, work.Notices, cancellation);
        if (work.Recorder is { } recorder)
            recorder.Report.RecoveryPoint = connection.Time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
    }

    private async Task CopyAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("copy");
        await checkpoints.CopyAsync(work.Original!, work.Plan.CloneId, work.Plan.Region!, work.Operation, work.Notices, cancellation);
    }

    private async Task CloneAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("clone");
        var clone = CloneOf(work);
        var own = await checkpoints.SnapshotsAsync(work.Plan.Checkpoint ?? work.Plan.CloneId, connection.RegionOf(clone), cancellation);
        await sets.CreateAsync(clone, own, SetOf(work.Plan), clone.Zone, work.Operation, work.Notices, cancellation);
        await sets.PutInPlaceAsync(clone, SetOf(work.Plan), force: false, work.Notices, cancellation);
    }

    private async Task EncloseAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("enclose");
        var clone = CloneOf(work);
        var place = await PlaceOfAsync(work.Original!, cancellation);
        var network = new VirtualNetwork
        {
            Name = clone.Name, Subnet = place?.Network.Subnet ?? CloneRange, Isolated = true, RehearsalOf = place?.Network.Id ?? work.Plan.Vm, Created = connection.Time.GetUtcNow(),
        };
        await networks.PutAsync(network, network.Subnet, [], work.Notices, cancellation, AzureNames.TagsOf(clone, work.Operation), region: clone.Region);
        var subnet = $"{resources.IdOf(NetworkResources.Networks, clone.Name)}/subnets/{AzureNames.DefaultSubnet}";
        await adapters.PutAsync(clone, adapters.IdOf(clone, clone.NetworkAdapters[0].Name), subnet, place?.Address, null, work.Notices, cancellation);
    }

    private async Task StartAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("start");
        await runner.StartAsync(work.Plan.CloneId, work.Notices, cancellation);
        if (work.Recorder is { } recorder)
            recorder.Report.TargetHost = FailoverService.PlaceOf(connection, CloneOf(work));
    }

    private async Task CheckAsync(Work work, CancellationToken cancellation)
    {
        if (work.Recorder is not { } recorder)
            return;
        // What the snapshots cost would not be there in earnest: the recovery begins with the start, or elsewhere with the disks that are made of what is there.
        var started = recorder.Report.Steps.First(s => s.Name == (work.Plan.Region is null ? "start" : "clone")).Started;
        var clone = (await work.Provider!.FindAsync(work.Plan.CloneId, cancellation))!;
        if (await recorder.CheckAsync(work.Options.Checks, clone, work.Provider, cancellation))
            recorder.Report.Rto = connection.Time.GetUtcNow() - started;
    }

    /// <summary>Removes everything that carries the clone's id, in the order in which one lets go of the other.</summary>
    private async Task DiscardAsync(Work work)
    {
        work.Recorder?.Begin("discard");
        var (id, none) = (work.Plan.CloneId, CancellationToken.None);
        bool IsOf(IDictionary<string, string> tags) => AzureNames.IdIn(tags, AzureNames.VmTag) == id;
        await foreach (var vm in connection.Group.GetVirtualMachines().GetAllAsync(cancellationToken: none))
        {
            if (IsOf(vm.Data.Tags))
                await _operations.RunAsync(async () => await vm.DeleteAsync(WaitUntil.Started, true, none), $"Removing {vm.Data.Name}", work.Notices, none);
        }

        foreach (var adapter in (await adapters.ListAsync(none)).Where(a => IsOf(a.Tags)))
            await adapters.RemoveAsync(adapter.Id, work.Notices, none);
        foreach (var disk in (await disks.ListAsync(none)).Where(d => IsOf(d.Tags)))
        {
            if (await disks.FindAsync(disk.Name, none) is { } present)
                await disks.RemoveAsync(present, work.Notices, none);
        }

        // Copies first, for what they are copied from may be needed until they are there.
        foreach (var snapshot in (await snapshots.ListAsync(none)).Where(s => IsOf(s.Tags)).OrderBy(s => s.Location.Name == work.Plan.Region ? 0 : 1))
            await snapshots.RemoveAsync(snapshot.Id, work.Notices, none);
        foreach (var type in new[] { NetworkResources.Networks, NetworkResources.SecurityGroups })
        {
            foreach (var network in (await resources.ListAsync(type, none)).Where(n => IsOf(n.Tags)))
                await resources.RemoveAsync(network.Id, work.Notices, none);
        }
    }

    private async Task<(VirtualNetwork Network, string? Address)?> PlaceOfAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        if (machine.NetworkAdapters.FirstOrDefault()?.NetworkId is not { } id)
            return null;
        var network = NetworkMapping.FromAzure(await networks.NeededAsync(id, cancellation));
        return (network, machine.NetworkAdapters[0].IPAddress);
    }

    private static VirtualMachine CloneOf(Work work)
    {
        var (original, suffix) = (work.Original!, $"-drill-{work.Plan.CloneId.ToString("N")[..8]}");
        return new VirtualMachine
        {
            Id = work.Plan.CloneId,
            Name = (original.Name.Length + suffix.Length > AzureNames.LongestVmName ? original.Name[..(AzureNames.LongestVmName - suffix.Length)] : original.Name) + suffix,
            RehearsalOf = original.Id,
            Cpu = original.Cpu,
            Memory = original.Memory,
            Size = original.Size,
            OSType = original.OSType,
            Firmware = original.Firmware,
            Region = work.Plan.Region ?? original.Region,
            Zone = work.Plan.Region is null ? work.Plan.Zone ?? original.Zone : null,
            Disks = [.. original.Disks.Select(d => new VirtualDisk { Name = d.Name, Length = d.Length })],
            NetworkAdapters = [new NetworkAdapter { Name = "nic0" }],
            Origin = new ImportOrigin { Operation = work.Operation },
        };
    }

    private static string SetOf(RehearsalPlan plan) => plan.CloneId.ToString("N")[..8];
}

/// <summary>How the sagas' parameters are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RehearsalPlan))]
[JsonSerializable(typeof(ZonePlan))]
[JsonSerializable(typeof(CopyPlan))]
internal sealed partial class FailoverJson : JsonSerializerContext;
