using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>Deletes machines: out of the way in one step, then for good, so that a machine is either whole or gone, whenever this process dies.</summary>
internal sealed class MachineRemover(LocalServices services, FabricLayout layout)
{
    /// <summary>Refuses what cannot be removed.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="keepDisks">Whether its disks are to be kept.</param>
    public void Check(OwnedMachine owned, bool keepDisks)
    {
        if (services.Store.Machines.List().Any(m => m.Machine.RehearsalOf == owned.Machine.Id))
        {
            throw new IaaSException(ErrorKind.Busy, "VmIsRehearsed", $"A failover of {owned.Machine.Name} is being rehearsed on its disks.",
                "Wait for that to end; if it was cut off, Undo-IaaSOperation clears it away.", owned.Machine.Name);
        }

        if (keepDisks)
            LinkKeeper.CheckFlat(owned.Machine, "its disks cannot be kept");
        if (keepDisks && owned.Machine.Checkpoints.Count > 0)
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmHasCheckpoints", $"{owned.Machine.Name} has checkpoints, so its disks are several files each.",
                "Remove them with Remove-IaaSVmCheckpoint first; then each disk is one raw file.", owned.Machine.Name);
        }
    }

    /// <summary>Removes a machine.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="keepDisks">Whether its disks are kept, in a folder of the fabric.</param>
    /// <param name="notices">Receives where the disks are.</param>
    public void Remove(OwnedMachine owned, bool keepDisks, IProgress<Notice> notices)
    {
        var id = owned.Machine.Id;
        var removed = Path.Combine(layout.Machines, FabricLayout.RemovedPrefix + id.ToString("N"));
        try
        {
            if (keepDisks)
                Keep(owned, notices);
            if (Directory.Exists(owned.Files.Folder))
                Directory.Move(owned.Files.Folder, removed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "VmNotRemovable", $"{owned.Files.Folder}: the machine's folder cannot be removed: {e.Message}",
                "Make the fabric's folder writable, then try again; the machine is unharmed.", owned.Machine.Name, e);
        }

        services.Store.Machines.Remove(id);
        services.Places.Forget();
        foreach (var folder in new[] { removed, owned.Files.Run, owned.OtherFiles.Run }.Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }

    private void Keep(OwnedMachine owned, IProgress<Notice> notices)
    {
        var folder = Path.Combine(layout.Root, FabricLayout.KeptName, $"{owned.Machine.Name}-{owned.Machine.Id.ToString("N")[..8]}");
        PrivateFolder.Create(folder);
        foreach (var disk in owned.Machine.Disks.Where(d => File.Exists(d.Path)))
            File.Move(disk.Path, Path.Combine(folder, Path.GetFileName(disk.Path)), overwrite: true);
        notices.Report(Notice.Warning($"The disks of {owned.Machine.Name} are kept in {folder}."));
    }
}
