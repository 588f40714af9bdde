using System.Text.Json;
using System.Text.Json.Serialization;
using AzureIaaS.Disks.Qcow2;
using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Networking;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Failover;

/// <summary>A rehearsal that is to be held.</summary>
/// <param name="Vm">The machine's id.</param>
/// <param name="Checkpoint">The id of the temporary checkpoint that its clone lies on.</param>
/// <param name="CloneId">The clone's id.</param>
/// <param name="TargetHost">The host that the clone is to start on; null to let placement choose.</param>
internal sealed record RehearsalPlan(Guid Vm, Guid Checkpoint, Guid CloneId, string? TargetHost);

/// <summary>
/// Rehearsals: the machine's disks are frozen at one moment and go on in new layers; a clone on layers of its own is started on networks of its own, checked,
/// and discarded; then the machine's layers are merged. The machine is owned only while it is frozen and merged, so it may be stopped, moved or
/// killed meanwhile. Cut off anywhere, the clone is discarded and the layers are merged by whoever comes next.
/// </summary>
internal sealed class Rehearsals(LocalServices services, Checkpoints checkpoints)
{
    /// <summary>The saga's name in the store.</summary>
    public const string Kind = "Rehearsal";

    private sealed record Work(RehearsalPlan Plan, FailoverRecorder? Recorder, FailoverOptions Options, IVmProvider? Provider, IProgress<Notice> Notices);

    private Saga<Work> Saga => new(Kind, 1,
    [
        SagaStep.OwningUndo<Work>("thaw at last", (w, _) => ThawAsync(w)),
        new("freeze", FreezeAsync),
        SagaStep.OwningUndo<Work>("discard at last", (w, _) => DiscardAsync(w)),
        new("clone", CloneAsync),
        new("start", StartAsync),
        new("check", CheckAsync),
        new("discard", (w, _) => DiscardAsync(w)),
        new("thaw", (w, _) => ThawAsync(w)),
    ]);

    /// <summary>Rehearses a failover of a machine.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="options">How, and what is checked.</param>
    /// <param name="recorder">Receives the steps and the checks.</param>
    /// <param name="provider">Where the clone is checked.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; everything is cleared away.</param>
    /// <returns>Null: the checks have been made.</returns>
    public async Task<VirtualMachine?> RehearseAsync(
        VirtualMachine machine, FailoverOptions options, FailoverRecorder recorder, IVmProvider provider, IProgress<Notice> notices, CancellationToken cancellation)
    {
        (recorder.Report.Rpo, recorder.Report.RpoStatement) = (TimeSpan.Zero, "The clone went on from the machine's disks as they were at one moment, as after the loss of its host.");
        var plan = new RehearsalPlan(machine.Id, Guid.NewGuid(), Guid.NewGuid(), options.TargetHost);
        var operation = Guid.NewGuid();
        using var owner = services.Store.Locks.TryAcquire(SagaRunner.LockName(operation));
        services.Store.Sagas.Create(new SagaRecord(operation, Kind, 1, machine.Name, machine.Id.ToString("N"), JsonSerializer.Serialize(plan, RehearsalJson.Default.RehearsalPlan), services.Time.GetUtcNow()), reserveName: false);
        var work = new Work(plan, recorder, options, provider, notices);
        try
        {
            await services.Sagas.RunAsync(Saga, operation, work, null, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await services.Sagas.UndoAsync(Saga, operation, work with { Recorder = null }, null);
            throw;
        }

        return null;
    }

    /// <summary>Clears away rehearsals that were cut off.</summary>
    /// <param name="notices">Receives what is done.</param>
    public async Task RecoverAsync(IProgress<Notice> notices)
    {
        foreach (var record in services.Store.Sagas.List(includeClosed: false).Where(r => r.Kind == Kind))
        {
            using var owner = services.Store.Locks.TryAcquire(SagaRunner.LockName(record.Id));
            if (owner is null)
                continue;
            notices.Report(Notice.Verbose($"A rehearsal of {record.VmName} was cut off; it is cleared away."));
            await UndoAsync(record);
        }
    }

    /// <summary>Clears a rehearsal away; its lock is held.</summary>
    /// <param name="record">The operation.</param>
    public async Task UndoAsync(SagaRecord record)
    {
        var plan = JsonSerializer.Deserialize(record.Parameters, RehearsalJson.Default.RehearsalPlan)!;
        var work = new Work(plan, null, new FailoverOptions(), null, SilentNotices.Instance);
        await services.Sagas.UndoAsync(Saga, record.Id, work, null);
    }

    private async Task FreezeAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("freeze");
        var checkpoint = await checkpoints.CreateAsync(work.Plan.Vm, $"rehearsal {work.Plan.CloneId:N}"[..20], memory: false, work.Plan.Checkpoint, work.Notices, cancellation);
        if (work.Recorder is { } recorder)
            recorder.Report.RecoveryPoint = checkpoint.Created.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task ThawAsync(Work work)
    {
        work.Recorder?.Begin("merge");
        if (services.Store.Machines.Find(work.Plan.Vm) is not null)
            await checkpoints.RemoveAsync(work.Plan.Vm, work.Plan.Checkpoint, temporary: true, work.Notices, CancellationToken.None);
    }

    private Task CloneAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("clone");
        var original = services.Store.Machines.Find(work.Plan.Vm)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", "The machine was removed while its rehearsal began.", "Get-IaaSVm shows those there are.", work.Plan.Vm);
        var notes = MachineNotes.Of(original);
        var files = services.Layout.Machine(work.Plan.CloneId);
        PrivateFolder.Create(files.Folder);
        CopyVariables(services.Layout.Machine(work.Plan.Vm).FirmwareVariables, files.FirmwareVariables);
        var (disks, trees) = CloneDisks(original.Machine, notes, work.Plan.Checkpoint, files);
        var clone = new VirtualMachine
        {
            Id = work.Plan.CloneId,
            Name = $"{original.Machine.Name}~{work.Plan.CloneId.ToString("N")[..8]}",
            State = MachineState.Deallocated,
            RehearsalOf = original.Machine.Id,
            Cpu = original.Machine.Cpu,
            Memory = original.Machine.Memory,
            Firmware = original.Machine.Firmware,
            Disks = disks,
            Created = services.Time.GetUtcNow(),
        };
        RehearsalNetworks.Enclose(services.Store.Networks, original.Machine, clone);
        var cloneNotes = new MachineNotes { MachineType = notes.MachineType }.WithTrees(trees);
        services.Store.Machines.Add(clone, cloneNotes.ToJson());
        return Task.CompletedTask;
    }

    private static (List<VirtualDisk> Disks, List<DiskTree> Trees) CloneDisks(VirtualMachine original, MachineNotes notes, Guid checkpoint, MachineFiles files)
    {
        var (disks, trees) = (new List<VirtualDisk>(), new List<DiskTree>());
        var frozen = notes.CheckpointLayers[checkpoint];
        foreach (var disk in original.Disks)
        {
            var below = notes.TreeOf(disk).Chain(frozen[disk.Name]);
            var top = new DiskLayer($"{disk.Name}-clone", Path.Combine(files.Folder, $"{disk.Name}-clone.qcow2"), "qcow2", below[^1].Name);
            File.Delete(top.File);
            Qcow2Overlay.Create(top.File, disk.Length, below[^1].File, below[^1].Format);
            trees.Add(new DiskTree(disk.Name, top.Name, 1, [.. below, top]));
            disks.Add(new VirtualDisk { Name = disk.Name, Path = top.File, Format = top.Format, Length = disk.Length, LogicalSectorSize = disk.LogicalSectorSize, Controller = disk.Controller });
        }

        return (disks, trees);
    }

    private async Task StartAsync(Work work, CancellationToken cancellation)
    {
        work.Recorder?.Begin("start");
        using var owned = await services.Keeper.OwnAsync(work.Plan.CloneId, cancellation);
        var need = PlacementNeed.Of(owned.Machine) with { Only = work.Plan.TargetHost };
        await services.Runner.StartAsync(owned, need, attempt: 0, work.Notices, cancellation);
        if (work.Recorder is { } recorder)
            recorder.Report.TargetHost = owned.Machine.Host;
    }

    private async Task CheckAsync(Work work, CancellationToken cancellation)
    {
        if (work.Recorder is not { } recorder)
            return;
        var clone = (await work.Provider!.FindAsync(work.Plan.CloneId, cancellation))!;
        var started = recorder.Report.Steps.First(s => s.Name == "start").Started;
        using var endpoint = await services.Networks.OpenEndpointAsync(clone, work.Options.EndpointPort, cancellation);
        var good = await recorder.CheckAsync(work.Options.Checks, clone, work.Provider, cancellation);

        // What freezing cost would not be there in earnest: the recovery begins with the start.
        if (good)
            recorder.Report.Rto = services.Time.GetUtcNow() - started;
    }

    private async Task DiscardAsync(Work work)
    {
        work.Recorder?.Begin("discard");
        if (services.Store.Machines.Find(work.Plan.CloneId) is not null)
        {
            using var owned = await services.Keeper.OwnAsync(work.Plan.CloneId, CancellationToken.None);
            if (owned.Fact.Process is { } process && !await services.Hypervisor.KillAsync(owned.Files, process))
            {
                throw new IaaSException(ErrorKind.Failed, "ProcessWillNotEnd", $"The clone's process {process.Id} was killed and does not go.",
                    "It waits for the system; mend that, then Undo-IaaSOperation ends the rehearsal.", work.Plan.CloneId);
            }

            services.Store.Machines.Remove(work.Plan.CloneId);
            services.Places.Forget();
        }

        RehearsalNetworks.Dissolve(services.Store.Networks, work.Plan.CloneId);
        foreach (var folder in new[] { services.Layout.Machine(work.Plan.CloneId).Folder, services.Layout.Machine(work.Plan.CloneId).Run }.Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }

    private static void CopyVariables(string from, string to)
    {
        if (File.Exists(from))
            File.Copy(from, to, overwrite: true);
    }
}

/// <summary>How the saga's parameters are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RehearsalPlan))]
internal sealed partial class RehearsalJson : JsonSerializerContext;
