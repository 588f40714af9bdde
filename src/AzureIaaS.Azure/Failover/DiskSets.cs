using System.Globalization;
using Azure;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Failover;

/// <summary>
/// Sets of disks for a machine, made of snapshots. The machine goes on with the set whose first disk has its name: one request takes it from the old
/// set to the new one, and whatever is cut off before or after that leaves disks that nothing uses, which Get-IaaSOrphan shows.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="disks">Their disks.</param>
internal sealed class DiskSets(ArmConnection connection, MachineDirectory directory, ManagedDisks disks)
{
    private readonly Operations _operations = new(connection);

    /// <summary>A name for a new set.</summary>
    public static string NewName() => Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..8];

    /// <summary>Makes the disks of a set; those that are there already are left as they are.</summary>
    /// <param name="machine">Whose they are.</param>
    /// <param name="from">Their snapshots.</param>
    /// <param name="set">The set's name.</param>
    /// <param name="zone">The zone they are to be in; null for none.</param>
    /// <param name="operation">The operation that makes them.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task CreateAsync(
        VirtualMachine machine, IReadOnlyList<SnapshotData> from, string set, string? zone, Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var snapshot in from)
        {
            var name = AzureNames.Disk(machine.Name, snapshot.Tags[AzureNames.DiskTag], set);
            if (await disks.FindAsync(name, cancellation) is null)
                await disks.CreateAsync(name, AzureMapping.DiskFromSnapshot(machine, snapshot, set, zone, operation, connection.RegionOf(machine)), notices, cancellation);
        }
    }

    /// <summary>Has a machine go on with a set: its virtual machine is removed, and made of the new disks by its next start.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="set">The set's name.</param>
    /// <param name="force">Whether it may run: it is not waited for.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task PutInPlaceAsync(VirtualMachine machine, string set, bool force, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await FenceAsync(machine, force, notices, cancellation);
        var own = await OwnAsync(machine.Id, cancellation);
        var boot = own.Find(d => AzureMapping.SetOf(d) == set && AzureMapping.DiskName(d) == machine.Disks[0].Name)
            ?? throw new IaaSException(ErrorKind.InvalidData, "DiskSetIncomplete", $"{machine.Name}: the disks that were made of its checkpoint are not all there.", "Get-IaaSOrphan shows those that are; try again.", machine.Name);
        if (!boot.Tags.ContainsKey(AzureNames.NameTag) && await disks.FindAsync(boot.Name, cancellation) is { } present)
            await disks.TagAsync(present, AzureNames.MachineTags(machine), notices, cancellation);
        foreach (var former in own.Where(d => AzureMapping.SetOf(d) != set && d.Tags.ContainsKey(AzureNames.NameTag)))
        {
            if (await disks.FindAsync(former.Name, cancellation) is { } old)
                await disks.UnnameAsync(old, notices, cancellation);
        }
    }

    /// <summary>Removes a machine's virtual machine, so that it runs nowhere; its disks stay.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="force">Whether it is not waited for.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task FenceAsync(VirtualMachine machine, bool force, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (await directory.FindVmAsync(machine, cancellation) is { } vm)
        {
            await _operations.RunAsync(
                async () => await vm.DeleteAsync(WaitUntil.Started, force ? true : null, cancellation), $"Removing virtual machine {machine.Name} (its disks stay)", notices, cancellation);
        }
    }

    /// <summary>Removes the disks of a set that the machine does not go on with.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="set">The set's name.</param>
    /// <param name="notices">Receives steps.</param>
    public async Task RemoveAsync(Guid vm, string set, IProgress<Notice> notices)
    {
        var own = await OwnAsync(vm, CancellationToken.None);
        var current = AzureMapping.Current(own);
        foreach (var disk in own.Where(d => AzureMapping.SetOf(d) == set && !current.Contains(d)))
            await RemoveAsync(disk, notices);
    }

    /// <summary>Removes the disks that a machine went on with before.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="set">The set that it goes on with now.</param>
    /// <param name="notices">Receives steps.</param>
    public async Task RemoveFormerAsync(Guid vm, string set, IProgress<Notice> notices)
    {
        foreach (var disk in (await OwnAsync(vm, CancellationToken.None)).Where(d => AzureMapping.SetOf(d) != set))
            await RemoveAsync(disk, notices);
    }

    private async Task RemoveAsync(ManagedDiskData disk, IProgress<Notice> notices)
    {
        if (await disks.FindAsync(disk.Name, CancellationToken.None) is { } present)
            await disks.RemoveAsync(present, notices, CancellationToken.None);
    }

    private async Task<List<ManagedDiskData>> OwnAsync(Guid vm, CancellationToken cancellation) =>
        [.. (await disks.ListAsync(cancellation)).Where(d => AzureNames.IdIn(d.Tags, AzureNames.VmTag) == vm)];
}
