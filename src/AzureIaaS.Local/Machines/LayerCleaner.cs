using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>
/// Removes the layers that nobody needs any more: one that nothing lies on is deleted, one that a single other lies on is merged with it. Each
/// removal is noted before the next, so it can be cut off anywhere and goes on where it was.
/// </summary>
internal static class LayerCleaner
{
    /// <summary>Removes what can be removed.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="services">The fabric.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it; nothing is lost.</param>
    public static async Task CleanAsync(OwnedMachine owned, LocalServices services, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var disk in owned.Machine.Disks)
        {
            while (NextMerge(owned, disk) is { } layer)
            {
                notices.Report(Notice.Step($"Merging {layer.Name} of {owned.Machine.Name}"));
                await MergeAsync(owned, services, disk, layer, cancellation);
            }
        }

        DeleteUnknownFiles(owned);
    }

    /// <summary>Writes notes whose trees have changed, with each disk's path as its active layer's.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="notes">The notes.</param>
    public static void ShowActive(OwnedMachine owned, MachineNotes notes)
    {
        foreach (var disk in owned.Machine.Disks)
        {
            if (!notes.Trees.TryGetValue(disk.Name, out var tree))
                continue;
            var active = tree[tree.Active];
            (disk.Path, disk.Format) = (active.File, active.Format);
        }

        owned.Write(notes);
    }

    /// <summary>The layer to be merged into the one below it; layers that nothing lies on and nobody keeps are dropped on the way.</summary>
    private static DiskLayer? NextMerge(OwnedMachine owned, VirtualDisk disk)
    {
        while (true)
        {
            var tree = owned.Notes.TreeOf(disk);
            var kept = owned.Notes.CheckpointLayers.Values.Select(l => l.GetValueOrDefault(disk.Name)).OfType<string>().ToHashSet();
            var idle = tree.Layers.Where(l => l.Name != tree.Active && !l.IsServed && !kept.Contains(l.Name)).ToList();
            if (idle.FirstOrDefault(l => tree.Children(l.Name).Count == 0) is { } dead)
            {
                owned.Write(owned.Notes.WithTrees([tree.Without(dead.Name)]));
                File.Delete(dead.File);
                continue;
            }

            return idle.Select(l => tree.Children(l.Name)).FirstOrDefault(c => c.Count == 1)?[0];
        }
    }

    private static async Task MergeAsync(OwnedMachine owned, LocalServices services, VirtualDisk disk, DiskLayer layer, CancellationToken cancellation)
    {
        var tree = owned.Notes.TreeOf(disk);
        void Note() => ShowActive(owned, Renamed(owned.Notes, disk.Name, layer).WithTrees([tree.Merged(layer.Name)]));
        var fact = await services.Hypervisor.ObserveAsync(owned.Files, owned.Notes.Process, search: false, cancellation);
        var runs = fact.Condition is ProcessCondition.Running or ProcessCondition.Paused or ProcessCondition.DiskFull;
        if (runs && tree.Chain(tree.Active).Any(l => l.Name == layer.Name))
        {
            await services.Hypervisor.Disks.MergeLiveAsync(owned.Files, tree, layer, Note, cancellation);
        }
        else
        {
            // The sockets that a running machine has not: this is another process.
            await services.Links.RequireAsync(owned.Machine, tree.Layers, SilentNotices.Instance, cancellation);
            await services.Hypervisor.Disks.MergeOfflineAsync(owned.OtherFiles, tree, layer, cancellation);
            Note();
        }

        File.Delete(layer.File);
    }

    /// <summary>What the merged layer was kept for, the one below it is kept for now.</summary>
    private static MachineNotes Renamed(MachineNotes notes, string disk, DiskLayer layer) => notes with
    {
        CheckpointLayers = notes.CheckpointLayers.ToDictionary(
            c => c.Key,
            c => (IReadOnlyDictionary<string, string>)c.Value.ToDictionary(l => l.Key, l => l.Key == disk && l.Value == layer.Name ? layer.Parent! : l.Value)),
    };

    private static void DeleteUnknownFiles(OwnedMachine owned)
    {
        var known = owned.Machine.Disks.SelectMany(d => owned.Notes.TreeOf(d).Layers).Select(l => l.File)
            .Concat(owned.Machine.Checkpoints.Select(c => owned.Files.Memory(c.Id))).Append(owned.Notes.MemoryFile).Append(owned.Files.SuspendedMemory).ToHashSet();
        foreach (var file in Directory.EnumerateFiles(owned.Files.Folder).Where(f => Path.GetExtension(f) is ".qcow2" or ".memory" && !known.Contains(f)))
            File.Delete(file);
    }
}
