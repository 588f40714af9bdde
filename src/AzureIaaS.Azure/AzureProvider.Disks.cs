using Azure.Core;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Upload;
using AzureIaaS.Disks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure;

/// <summary>What lends disks to be read.</summary>
internal sealed partial class AzureProvider : IDiskLender
{
    public async Task LendDisksAsync(Guid id, Func<VirtualMachine, Task> work, CancellationToken cancellation)
    {
        var machine = (await _runner.NeededAsync(id, cancellation)).Machine;
        if (machine.State is not (MachineState.Deallocated or MachineState.Failed))
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmNotStopped", $"{machine.Name} is {machine.State}: Azure gives access to a disk only while nothing runs on it and its place is free.",
                "Stop it first with Stop-IaaSVm, without -StayProvisioned.", machine.Name);
        }

        try
        {
            await work(machine);
        }
        finally
        {
            // Whatever the work has opened, nobody may have access any longer than it lasts.
            foreach (var disk in machine.Disks)
            {
                if (await _disks.FindAsync(new ResourceIdentifier(disk.Path).Name, CancellationToken.None) is { Data: { } data } found && data.DiskState == global::Azure.ResourceManager.Compute.Models.DiskState.ActiveSas)
                    await _disks.RevokeAsync(found, Quiet.Notices, CancellationToken.None);
            }
        }
    }

    public DiskImage OpenDisk(VirtualDisk disk) =>
        new ManagedDiskImage(disk, BlobOf(_connection.Client.GetManagedDiskResource(new ResourceIdentifier(disk.Path)), SasAccess.DefaultLifetime, write: false));
}
