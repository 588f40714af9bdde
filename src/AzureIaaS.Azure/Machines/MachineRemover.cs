using Azure;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Failover;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// Removes a machine with what it made, and only that. The disk that makes it a machine goes last, so a removal that was cut off is a machine
/// still, and is removed by removing it again.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="disks">The disks.</param>
/// <param name="snapshots">Their snapshots.</param>
/// <param name="adapters">The network interfaces.</param>
/// <param name="ports">Its published ports.</param>
/// <param name="store">What this computer remembers.</param>
internal sealed class MachineRemover(ArmConnection connection, MachineDirectory directory, ManagedDisks disks, Snapshots snapshots, MachineAdapters adapters, PublishedPorts ports, IMachineStore store)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Removes a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="force">Whether it may be running.</param>
    /// <param name="keepDisks">Whether its disks stay, as their owner's alone.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it before anything is removed.</param>
    public async Task RemoveAsync(Guid id, bool force, bool keepDisks, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (await directory.FindAsync(id, cancellation) is not { } found)
        {
            store.Remove(id);
            return;
        }

        var machine = found.Machine;
        if (!force)
            MachineRunner.MayDo(machine, MachineRequest.Remove);
        cancellation.ThrowIfCancellationRequested();
        if (await directory.FindVmAsync(machine, cancellation) is { } vm)
            await _operations.RunAsync(async () => await vm.DeleteAsync(WaitUntil.Started, null, CancellationToken.None), $"Removing {machine.Name}", notices, CancellationToken.None);
        await ports.CloseAsync(id, notices, CancellationToken.None);
        foreach (var adapter in (await adapters.ListAsync(cancellation)).Where(a => AzureNames.IdIn(a.Tags, AzureNames.VmTag) == id))
            await adapters.RemoveAsync(adapter.Id, notices, CancellationToken.None);
        foreach (var snapshot in (await snapshots.ListAsync(cancellation)).Where(s => AzureNames.IdIn(s.Tags, AzureNames.VmTag) == id))
            await snapshots.RemoveAsync(snapshot.Id, notices, CancellationToken.None);
        var ours = (await disks.ListAsync(cancellation)).Where(d => AzureNames.IdIn(d.Tags, AzureNames.VmTag) == id);
        foreach (var disk in ours.OrderBy(d => d.Tags.ContainsKey(AzureNames.NameTag) ? 1 : 0))
        {
            if (await disks.FindAsync(disk.Name, CancellationToken.None) is not { } present)
                continue;
            if (keepDisks)
                await disks.ReleaseAsync(present, notices, CancellationToken.None);
            else
                await disks.RemoveAsync(present, notices, CancellationToken.None);
        }

        store.Remove(id);
    }
}
