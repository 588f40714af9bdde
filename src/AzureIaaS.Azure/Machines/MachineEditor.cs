using Azure;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>Changes machines. What a machine is made with when it is first started lies on its disk until then.</summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="disks">The disks.</param>
internal sealed class MachineEditor(ArmConnection connection, MachineDirectory directory, ManagedDisks disks)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Changes a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="change">What of it.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task ChangeAsync(Guid id, MachineChange change, CancellationToken cancellation)
    {
        var found = await directory.FindAsync(id, cancellation)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);
        var machine = found.Machine;
        var needsStop = change.Size is not null || change.Cpu is not null || change.Memory is not null;
        if (needsStop)
            MachineRunner.MayDo(machine, MachineRequest.Reconfigure);
        if (change.AvailabilitySet is not null && found.Vm is not null)
        {
            throw new IaaSException(ErrorKind.NotSupported, "SetIsFixed", $"{machine.Name} has been started, and Azure cannot change a machine's availability set after that.",
                "Remove-IaaSVm -KeepDisks and import the disk anew, or leave it where it is.", machine.Name);
        }

        if (needsStop)
            await ChooseSizeAsync(machine, change, cancellation);
        machine.AvailabilitySet = change.AvailabilitySet ?? machine.AvailabilitySet;
        machine.StartOrder = change.StartOrder ?? machine.StartOrder;
        if (needsStop && found.Vm is { } vm)
        {
            var patch = new VirtualMachinePatch { HardwareProfile = new VirtualMachineHardwareProfile { VmSize = new VirtualMachineSizeType(machine.Size!) } };
            await _operations.ResultAsync<VirtualMachineResource>(
                async () => await connection.Client.GetVirtualMachineResource(vm.Id).UpdateAsync(WaitUntil.Started, patch, cancellation),
                $"Changing {machine.Name}", Quiet.Notices, cancellation);
        }

        await MarkAsync(await disks.NeededAsync(machine.Disks[0], cancellation), machine, change, cancellation);
    }

    private async Task ChooseSizeAsync(VirtualMachine machine, MachineChange change, CancellationToken cancellation)
    {
        machine.Size = change.Size;
        (machine.Cpu, machine.Memory) = (change.Cpu ?? machine.Cpu, change.Memory ?? machine.Memory);
        var catalog = new SizeCatalog(connection);
        var region = connection.RegionOf(machine);
        var size = VmSize.Choose(await catalog.ListAsync(region, cancellation), machine, region);
        await catalog.CheckQuotaAsync(size, region, cancellation);
        (machine.Size, machine.Cpu, machine.Memory) = (size.Name, size.Cpu, size.Memory);
    }

    private Task MarkAsync(ManagedDiskResource boot, VirtualMachine machine, MachineChange change, CancellationToken cancellation)
    {
        if (change.Tags is not null)
        {
            foreach (var key in boot.Data.Tags.Keys.Where(k => !k.StartsWith(AzureNames.TagPrefix, StringComparison.OrdinalIgnoreCase)).ToList())
                boot.Data.Tags.Remove(key);
        }

        if (machine.AvailabilitySet is not { Length: > 0 })
            boot.Data.Tags.Remove(AzureNames.SetTag);
        if (machine.StartOrder == 0)
            boot.Data.Tags.Remove(AzureNames.OrderTag);
        return disks.TagAsync(boot, AzureNames.MachineTags(machine).Concat(change.Tags ?? new Dictionary<string, string>()), Quiet.Notices, cancellation);
    }
}
