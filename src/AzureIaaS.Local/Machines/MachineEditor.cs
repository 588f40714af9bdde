using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>Changes machines and their disks.</summary>
internal sealed class MachineEditor(LocalServices services) : IMachineEditor, ISuspendProvider
{
    private const long SmallestDisk = 1L << 20;
    private const long LargestDisk = 64L << 40;
    private const int MostDisks = 64;

    public async Task<VirtualMachine> ChangeAsync(Guid id, MachineChange change, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        var machine = owned.Machine;
        if (change.Cpu is not null || change.Memory is not null)
        {
            MachineRunner.MustDo(machine, MachineRequest.Reconfigure, SilentNotices.Instance);
            MachineSize.Check(machine.Name, change.Cpu ?? machine.Cpu, change.Memory ?? machine.Memory);
        }

        machine.Cpu = change.Cpu ?? machine.Cpu;
        machine.Memory = change.Memory ?? machine.Memory;
        machine.AvailabilitySet = change.AvailabilitySet is { } set ? (set.Length == 0 ? null : set) : machine.AvailabilitySet;
        machine.StartOrder = change.StartOrder ?? machine.StartOrder;
        machine.Tags = change.Tags is { } tags ? new Dictionary<string, string>(tags) : machine.Tags;
        owned.Write(owned.Notes);
        return machine;
    }

    public async Task<VirtualMachine> AddDiskAsync(Guid id, long length, DiskController controller, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        var machine = owned.Machine;
        CheckNew(machine, length);
        var runs = machine.State == MachineState.Running;
        if (!runs)
            MachineRunner.MustDo(machine, MachineRequest.Reconfigure, SilentNotices.Instance);
        var disk = new VirtualDisk
        {
            Name = Enumerable.Range(1, MostDisks).Select(i => $"disk{i}").First(n => machine.Disks.All(d => d.Name != n) && !File.Exists(owned.Files.Disk(n))),
            Length = length,
            Controller = controller != DiskController.Unknown ? controller : runs ? DiskController.VirtioBlk : machine.Disks.FirstOrDefault()?.Controller ?? DiskController.Ide,
        };
        if (runs && disk.Controller is not (DiskController.VirtioBlk or DiskController.Nvme))
        {
            throw new IaaSException(ErrorKind.InvalidState, "ControllerNotHotPluggable", $"{machine.Name} is running, and a disk on a {disk.Controller} controller cannot be added under it.",
                "Stop it first, or add the disk with -DiskController VirtioBlk or Nvme.", machine.Name);
        }

        disk.Path = owned.Files.Disk(disk.Name);
        await SparseFileTarget.Open(disk.Path, length, resume: false).DisposeAsync();
        try
        {
            if (runs)
                await services.Hypervisor.Disks.AttachAsync(owned.Files, disk, cancellation);
        }
        catch
        {
            File.Delete(disk.Path);
            throw;
        }

        machine.Disks.Add(disk);
        owned.Write(owned.Notes);
        return machine;
    }

    public async Task<VirtualMachine> RemoveDiskAsync(Guid id, string disk, bool keepFile, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        var machine = owned.Machine;
        var found = machine.Disks.FirstOrDefault(d => d.Name.Equals(disk, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "DiskNotFound", $"{machine.Name} has no disk '{disk}'.", $"It has {string.Join(", ", machine.Disks.Select(d => d.Name))}.", disk);
        if (machine.Disks[0] == found)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "BootDisk", $"{found.Name} is the disk that {machine.Name} boots from.",
                "Remove the whole machine with Remove-IaaSVm; -KeepDisks keeps its disks.", disk);
        }

        CheckNoCheckpoints(machine);
        LinkKeeper.CheckFlat(machine, "a disk of it cannot be removed");
        if (machine.State == MachineState.Running)
            await services.Hypervisor.Disks.DetachAsync(owned.Files, found, cancellation);
        else
            MachineRunner.MustDo(machine, MachineRequest.Reconfigure, SilentNotices.Instance);
        machine.Disks.Remove(found);
        owned.Write(owned.Notes with { Trees = owned.Notes.Trees.Where(t => t.Key != found.Name).ToDictionary() });
        if (!keepFile)
            File.Delete(found.Path);
        return machine;
    }

    public async Task LendDisksAsync(Guid id, Func<VirtualMachine, Task> work, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (owned.Machine.State is not (MachineState.Deallocated or MachineState.Stopped or MachineState.Failed))
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmNotStopped", $"{owned.Machine.Name} is {owned.Machine.State}: its disks would be read while they change, or without the memory that belongs to them.",
                "Stop it first with Stop-IaaSVm.", owned.Machine.Name);
        }

        LinkKeeper.CheckFlat(owned.Machine, "its disks cannot be read");
        await work(owned.Machine);
    }

    public async Task<VirtualMachine> SuspendAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (!MachineRunner.MustDo(owned.Machine, MachineRequest.Suspend, notices))
            return owned.Machine;
        var free = new DriveInfo(owned.Files.Folder).AvailableFreeSpace;
        if (free < owned.Machine.Memory)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace", $"The memory of {owned.Machine.Name} may take {ByteSize.Format(owned.Machine.Memory)}, and {ByteSize.Format(free)} are free in {owned.Files.Folder}.",
                "Make room there, or stop the machine instead.", owned.Machine.Name);
        }

        notices.Report(Notice.Step($"Suspending {owned.Machine.Name}"));
        await SuspendSaga.Definition.RunAsync(new MachineWork<SuspendPlan>(owned, new SuspendPlan(owned.Files.SuspendedMemory), services, notices), null, cancellation);
        return owned.Machine;
    }

    private static void CheckNew(VirtualMachine machine, long length)
    {
        if (length is < SmallestDisk or > LargestDisk || length % 512 != 0)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDiskSize", $"{machine.Name}: a disk cannot have {length:N0} bytes.",
                "Give whole sectors of 512 bytes from 1MB to 64TB, with a unit: -Size 20GB.", length);
        }

        CheckNoCheckpoints(machine);
        if (machine.Disks.Count >= MostDisks)
            throw new IaaSException(ErrorKind.InvalidState, "TooManyDisks", $"{machine.Name} has {machine.Disks.Count} disks already.", "Remove one that is not needed.", machine.Name);
    }

    private static void CheckNoCheckpoints(VirtualMachine machine)
    {
        if (machine.Checkpoints.Count > 0)
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmHasCheckpoints", $"{machine.Name} has checkpoints, which keep the disks it had.",
                "Remove them with Remove-IaaSVmCheckpoint before disks are added or removed.", machine.Name);
        }
    }
}
