using System.Globalization;
using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;

namespace AzureIaaS.Azure.Machines;

/// <summary>Adds disks to machines and takes them away, under guests that run too. A disk's LUN follows from its name: disk1 has 0, disk2 has 1.</summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="disks">Their disks.</param>
internal sealed class DataDisks(ArmConnection connection, MachineDirectory directory, ManagedDisks disks)
{
    private const long GiB = 1L << 30;
    private const string Prefix = "disk";

    private readonly Operations _operations = new(connection);

    /// <summary>The LUN of a machine's disk.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="disk">The disk; not the one that it boots from.</param>
    public static int LunOf(VirtualMachine machine, VirtualDisk disk)
    {
        // Names that are not ours come in their order; all of a machine's are of one kind.
        var isOurs = machine.Disks.Skip(1).All(d => NumberOf(d.Name) is > 0);
        return isOurs ? NumberOf(disk.Name)!.Value - 1 : machine.Disks.IndexOf(disk) - 1;
    }

    /// <summary>Adds an empty disk.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="length">Its size in bytes; Azure gives whole GiB.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task AddAsync(Guid id, long length, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        var machine = found.Machine;
        var size = await CheckNewAsync(machine, length, cancellation);
        var name = Enumerable.Range(1, size).Select(i => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{i}")).First(n => machine.Disks.All(d => d.Name != n));
        var data = new ManagedDiskData(new AzureLocation(connection.RegionOf(machine)))
        {
            Sku = new DiskSku { Name = DiskStorageAccountType.StandardSsdLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Empty),
            DiskSizeGB = (int)((length + GiB - 1) / GiB),
        };
        if (machine.Zone is { Length: > 0 } zone)
            data.Zones.Add(zone);
        foreach (var (key, value) in AzureNames.TagsOf(machine, machine.Origin?.Operation ?? Guid.Empty))
            data.Tags[key] = value;
        data.Tags[AzureNames.DiskTag] = name;
        var boot = await MarkAsync(machine, cancellation);
        var set = AzureMapping.SetOf(boot.Data);
        if (set is not null)
            data.Tags[AzureNames.DiskSetTag] = set;
        var full = AzureNames.Disk(machine.Name, name, set);
        if (await disks.FindAsync(full, cancellation) is { } taken && AzureNames.IdIn(taken.Data.Tags, AzureNames.VmTag) != machine.Id)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is a disk called '{full}' in {connection.Scope.ResourceGroup} already, and it is none of this machine's.",
                "It is left alone; rename or remove it first.", full);
        }

        var made = await disks.CreateAsync(full, data, Quiet.Notices, cancellation);
        if (found.Vm is null)
            return;   // its virtual machine is made with it
        try
        {
            var added = new VirtualDisk { Name = name, Path = made.Id.ToString() };
            machine.Disks.Add(added);
            await PatchAsync(machine, found.Vm, machine.Disks.Skip(1), $"Attaching {full}", cancellation);
        }
        catch
        {
            await disks.RemoveAsync(made, Quiet.Notices, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Takes a disk away.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">The disk's name.</param>
    /// <param name="keep">Whether it stays, as its owner's alone.</param>
    /// <param name="cancellation">Stops waiting; the same again finishes it.</param>
    public async Task RemoveAsync(Guid id, string name, bool keep, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        var machine = found.Machine;
        var disk = machine.Disks.FirstOrDefault(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "DiskNotFound", $"{machine.Name} has no disk '{name}'.", $"It has {string.Join(", ", machine.Disks.Select(d => d.Name))}.", name);
        if (disk == machine.Disks[0])
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "BootDisk", $"{disk.Name} is the disk that {machine.Name} boots from.",
                "Remove the whole machine with Remove-IaaSVm; -KeepDisks keeps its disks.", name);
        }

        await MarkAsync(machine, cancellation);
        if (found.Vm is not null)
            await PatchAsync(machine, found.Vm, machine.Disks.Skip(1).Where(d => d != disk), $"Detaching {disk.Name} of {machine.Name}", cancellation);
        if (await disks.FindAsync(new ResourceIdentifier(disk.Path).Name, cancellation) is not { } present)
            return;
        if (keep)
            await disks.ReleaseAsync(present, Quiet.Notices, cancellation);
        else
            await disks.RemoveAsync(present, Quiet.Notices, cancellation);
    }

    /// <summary>Has every computer look for the machine's disks from now on; before anything is changed, for afterwards somebody may have died.</summary>
    private async Task<ManagedDiskResource> MarkAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        var boot = await disks.NeededAsync(machine.Disks[0], cancellation);
        if (!boot.Data.Tags.ContainsKey(AzureNames.ChangedTag))
            await disks.TagAsync(boot, [new(AzureNames.ChangedTag, "true")], Quiet.Notices, cancellation);
        return boot;
    }

    /// <returns>How many data disks the machine may have.</returns>
    private async Task<int> CheckNewAsync(VirtualMachine machine, long length, CancellationToken cancellation)
    {
        if (length is <= 0 or > AzureRules.LargestDataDisk)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDiskSize", $"{ByteSize.Format(length)} is no size of a disk in Azure.",
                $"Give up to {ByteSize.Format(AzureRules.LargestDataDisk)} with -Size; it becomes whole GiB.", machine.Name);
        }

        var region = connection.RegionOf(machine);
        var size = (await new SizeCatalog(connection).ListAsync(region, cancellation)).Find(s => s.Name.Equals(machine.Size, StringComparison.OrdinalIgnoreCase));
        if (size is not null && machine.Disks.Count > size.MostDataDisks)
        {
            throw new IaaSException(ErrorKind.InvalidState, "TooManyDisks", $"{machine.Name} has {machine.Disks.Count - 1} data disks, and size {size.Name} takes no more.",
                "Give it a larger size with Set-IaaSVm -Size, or remove a disk.", machine.Name);
        }

        return Math.Max(size?.MostDataDisks ?? 0, machine.Disks.Count);
    }

    private Task<VirtualMachineResource> PatchAsync(VirtualMachine machine, VirtualMachineData vm, IEnumerable<VirtualDisk> data, string doing, CancellationToken cancellation)
    {
        var patch = new VirtualMachinePatch { StorageProfile = new VirtualMachineStorageProfile() };
        patch.StorageProfile.DataDisks.Clear();   // an empty list is sent only where somebody has emptied it
        foreach (var disk in data)
            patch.StorageProfile.DataDisks.Add(AzureMapping.Attached(disk, LunOf(machine, disk)));
        return _operations.ResultAsync<VirtualMachineResource>(
            async () => await connection.Client.GetVirtualMachineResource(vm.Id).UpdateAsync(WaitUntil.Started, patch, cancellation), doing, Quiet.Notices, cancellation);
    }

    private async Task<FoundMachine> NeededAsync(Guid id, CancellationToken cancellation)
    {
        var found = await directory.FindAsync(id, cancellation)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id} in {connection.Scope}.", "Get-IaaSVm shows those there are.", id);
        if (found.Machine.State != MachineState.Running)
            MachineRunner.MayDo(found.Machine, MachineRequest.Reconfigure);
        return found;
    }

    private static int? NumberOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
