using System.Text.Json.Serialization;
using AzureIaaS.Disks.Qcow2;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Machines;

/// <summary>A checkpoint that is to be taken.</summary>
/// <param name="Checkpoint">The checkpoint.</param>
/// <param name="Layers">The new layers, one for each disk.</param>
internal sealed record CheckpointPlan(VmCheckpoint Checkpoint, IReadOnlyList<DiskLayer> Layers);

/// <summary>A checkpoint that is to be restored.</summary>
/// <param name="Checkpoint">The checkpoint's id.</param>
/// <param name="Layers">The new layers upon what it keeps, one for each disk.</param>
internal sealed record RestorePlan(Guid Checkpoint, IReadOnlyList<DiskLayer> Layers);

/// <summary>A checkpoint that is to be forgotten.</summary>
/// <param name="Checkpoint">The checkpoint's id.</param>
internal sealed record RemovalPlan(Guid Checkpoint);

/// <summary>
/// Checkpoints: a layer is frozen and a new one laid on it, for all disks at one moment. Cut off after that moment and before it was noted, the new
/// layers are taken for the active ones, which is right either way: had the moment not come, they are empty.
/// </summary>
internal static class CheckpointSaga
{
    /// <summary>Takes a checkpoint.</summary>
    public static MachineSaga<CheckpointPlan> Create { get; } = new(
        new("Checkpoint", 2,
        [
            SagaStep.OwningUndo<MachineWork<CheckpointPlan>>("layers", (w, _) => DeleteLayers(w.Parameters.Layers)),
            new("make layers", (w, _) => MakeLayers(w.Owned, w.Parameters.Layers)),
            SagaStep.OwningUndo<MachineWork<CheckpointPlan>>("halt", (w, _) => GoOnAsync(w)),
            new("halt guest", HaltAsync),
            SagaStep.OwningUndo<MachineWork<CheckpointPlan>>("switch back", SwitchBackAsync),
            new("switch", SwitchAsync),
            SagaStep.OwningUndo<MachineWork<CheckpointPlan>>("memory", (w, _) => DeleteMemory(w)),
            new("save memory", SaveMemoryAsync),
            new("note", (w, _) => NoteCreated(w)),
            new("go on", (w, _) => GoOnAsync(w)),
        ])
        {
            IsPastUndo = w => w.Owned.Machine.Checkpoints.Any(c => c.Id == w.Parameters.Checkpoint.Id),
        },
        CheckpointJson.Default.CheckpointPlan,
        (_, position) => Task.FromResult(position >= 5));

    /// <summary>Forgets a checkpoint, and merges what only it kept apart.</summary>
    public static MachineSaga<RemovalPlan> Remove { get; } = new(
        new("RemoveCheckpoint", 1,
        [
            new("forget", (w, _) => Forget(w.Owned, w.Parameters.Checkpoint)),
            new("merge", (w, c) => LayerCleaner.CleanAsync(w.Owned, w.Services, w.Notices, c)),
        ]),
        CheckpointJson.Default.RemovalPlan,
        (_, _) => Task.FromResult(true));

    /// <summary>Takes a machine that does not run back to a checkpoint.</summary>
    public static MachineSaga<RestorePlan> Restore { get; } = new(
        new("RestoreCheckpoint", 1,
        [
            SagaStep.OwningUndo<MachineWork<RestorePlan>>("layers", (w, _) => DeleteLayers(w.Parameters.Layers)),
            new("make layers", (w, _) => MakeLayers(w.Owned, w.Parameters.Layers)),
            new("note", (w, _) => NoteRestored(w)),
            new("clean", CleanAsync),
        ])
        {
            IsPastUndo = w => w.Owned.Machine.Disks.Zip(w.Parameters.Layers).All(x => w.Owned.Notes.TreeOf(x.First).Active == x.Second.Name),
        },
        CheckpointJson.Default.RestorePlan,
        (_, position) => Task.FromResult(position >= 2));

    private static Task MakeLayers(OwnedMachine owned, IReadOnlyList<DiskLayer> layers)
    {
        foreach (var (disk, layer) in owned.Machine.Disks.Zip(layers))
        {
            var parent = owned.Notes.TreeOf(disk)[layer.Parent!];
            File.Delete(layer.File);   // of a former attempt
            Qcow2Overlay.Create(layer.File, disk.Length, parent.File, parent.Format);
        }

        return Task.CompletedTask;
    }

    private static Task DeleteLayers(IReadOnlyList<DiskLayer> layers)
    {
        foreach (var layer in layers)
            File.Delete(layer.File);
        return Task.CompletedTask;
    }

    private static async Task<bool> RunsAsync<T>(MachineWork<T> work)
    {
        var fact = await work.Services.Hypervisor.ObserveAsync(work.Owned.Files, work.Owned.Notes.Process, search: false, CancellationToken.None);
        return fact.Condition is ProcessCondition.Running or ProcessCondition.Paused or ProcessCondition.DiskFull or ProcessCondition.MovedAway;
    }

    private static async Task HaltAsync(MachineWork<CheckpointPlan> work, CancellationToken cancellation)
    {
        if (work.Parameters.Checkpoint.HasMemory && await RunsAsync(work))
            await work.Services.Hypervisor.HaltAsync(work.Owned.Files, cancellation);
    }

    private static async Task GoOnAsync(MachineWork<CheckpointPlan> work)
    {
        if (work.Parameters.Checkpoint.HasMemory && await RunsAsync(work))
            await work.Services.Hypervisor.ContinueAsync(work.Owned.Files, CancellationToken.None);
    }

    private static IReadOnlyList<(DiskLayer From, DiskLayer To)> Changes(MachineWork<CheckpointPlan> work) =>
        [.. work.Owned.Machine.Disks.Zip(work.Parameters.Layers, (d, l) => (work.Owned.Notes.TreeOf(d)[l.Parent!], l))];

    private static async Task SwitchAsync(MachineWork<CheckpointPlan> work, CancellationToken cancellation)
    {
        if (await RunsAsync(work))
            await work.Services.Hypervisor.Disks.SwitchAsync(work.Owned.Files, Changes(work), cancellation);
    }

    /// <summary>The layers below become the active ones again, with what was written meanwhile.</summary>
    private static async Task SwitchBackAsync(MachineWork<CheckpointPlan> work, CancellationToken cancellation)
    {
        var (owned, disks) = (work.Owned, work.Services.Hypervisor.Disks);
        await GoOnAsync(work);   // QEMU lets nobody write to the disks of a guest whose memory it has given away
        var runs = await RunsAsync(work);
        foreach (var (disk, layer) in owned.Machine.Disks.Zip(work.Parameters.Layers))
        {
            var before = owned.Notes.TreeOf(disk);
            var tree = before.Active == layer.Name ? before : before.WithActive(layer);
            owned.Write(owned.Notes.WithTrees([tree]));
            void Note() => owned.Write(owned.Notes.WithTrees([tree.Merged(layer.Name)]));
            if (runs)
            {
                await disks.MergeLiveAsync(owned.Files, tree, layer, Note, cancellation);
            }
            else
            {
                await disks.MergeOfflineAsync(owned.Files, tree, layer, cancellation);
                Note();
            }
        }
    }

    private static async Task SaveMemoryAsync(MachineWork<CheckpointPlan> work, CancellationToken cancellation)
    {
        var checkpoint = work.Parameters.Checkpoint;
        if (!checkpoint.HasMemory)
            return;
        if (await RunsAsync(work))
            await work.Services.Hypervisor.SaveMemoryAsync(work.Owned.Files, work.Owned.Files.Memory(checkpoint.Id), cancellation);
        else
            checkpoint.HasMemory = false;   // its process died meanwhile; the disks are kept all the same
    }

    private static Task DeleteMemory(MachineWork<CheckpointPlan> work)
    {
        File.Delete(work.Owned.Files.Memory(work.Parameters.Checkpoint.Id));
        return Task.CompletedTask;
    }

    private static Task NoteCreated(MachineWork<CheckpointPlan> work)
    {
        var (owned, checkpoint) = (work.Owned, work.Parameters.Checkpoint);
        if (owned.Machine.Checkpoints.Any(c => c.Id == checkpoint.Id))
            return Task.CompletedTask;
        var kept = new Dictionary<Guid, IReadOnlyDictionary<string, string>>(owned.Notes.CheckpointLayers)
        {
            [checkpoint.Id] = work.Parameters.Layers.Zip(owned.Machine.Disks).ToDictionary(x => x.Second.Name, x => x.First.Parent!),
        };
        var trees = owned.Machine.Disks.Zip(work.Parameters.Layers, (d, l) => owned.Notes.TreeOf(d) is var t && t.Active == l.Name ? t : t.WithActive(l));
        owned.Machine.Checkpoints.Add(checkpoint);
        if (!checkpoint.IsTemporary)
            owned.Machine.CurrentCheckpoint = checkpoint.Id;
        LayerCleaner.ShowActive(owned, owned.Notes.WithTrees([.. trees]) with { CheckpointLayers = kept });
        return Task.CompletedTask;
    }

    private static Task NoteRestored(MachineWork<RestorePlan> work)
    {
        var owned = work.Owned;
        var checkpoint = owned.Machine.Checkpoints.First(c => c.Id == work.Parameters.Checkpoint);
        var trees = owned.Machine.Disks.Zip(work.Parameters.Layers, (d, l) => owned.Notes.TreeOf(d) is var t && t.Active == l.Name ? t : t.WithActive(l));
        (owned.Machine.Cpu, owned.Machine.Memory) = (checkpoint.Cpu, checkpoint.Memory);
        owned.Machine.CurrentCheckpoint = checkpoint.Id;
        owned.Machine.State = checkpoint.HasMemory ? MachineState.Suspended : MachineState.Deallocated;
        owned.Machine.StateReason = checkpoint.HasMemory ? $"It is as it was at checkpoint '{checkpoint.Name}'; resuming it goes on from there." : null;
        LayerCleaner.ShowActive(owned, owned.Notes.WithTrees([.. trees]) with { MemoryFile = checkpoint.HasMemory ? owned.Files.Memory(checkpoint.Id) : null });
        File.Delete(owned.Files.SuspendedMemory);
        return Task.CompletedTask;
    }

    /// <summary>The machine is what it is to be; layers that are left over take room and nothing else, and go with the next that are removed.</summary>
    private static async Task CleanAsync(MachineWork<RestorePlan> work, CancellationToken cancellation)
    {
        try
        {
            await LayerCleaner.CleanAsync(work.Owned, work.Services, work.Notices, cancellation);
        }
        catch (IaaSException e)
        {
            work.Notices.Report(Notice.Warning($"{work.Owned.Machine.Name} is restored, and layers that it no longer needs are left: {e.Message}"));
        }
    }

    private static Task Forget(OwnedMachine owned, Guid id)
    {
        if (owned.Machine.Checkpoints.FirstOrDefault(c => c.Id == id) is not { } checkpoint)
            return Task.CompletedTask;
        foreach (var child in owned.Machine.Checkpoints.Where(c => c.ParentId == id))
            child.ParentId = checkpoint.ParentId;
        if (owned.Machine.CurrentCheckpoint == id)
            owned.Machine.CurrentCheckpoint = checkpoint.ParentId;
        owned.Machine.Checkpoints.Remove(checkpoint);
        owned.Write(owned.Notes with { CheckpointLayers = owned.Notes.CheckpointLayers.Where(c => c.Key != id).ToDictionary() });
        return Task.CompletedTask;
    }
}

/// <summary>How the sagas' parameters are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CheckpointPlan))]
[JsonSerializable(typeof(RestorePlan))]
[JsonSerializable(typeof(RemovalPlan))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
