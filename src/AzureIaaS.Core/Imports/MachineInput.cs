using AzureIaaS.Appliances;
using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>A machine of another context, whose disks are files of this computer: what it is, it says itself.</summary>
public static class MachineInput
{
    /// <summary>What a machine is, for an import.</summary>
    /// <param name="machine">The machine; nobody changes its disks meanwhile.</param>
    /// <param name="request">What is to be imported.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">Its disks cannot be read here.</exception>
    public static ImportSource Read(VirtualMachine machine, ImportRequest request, CancellationToken cancellation)
    {
        var root = Path.GetDirectoryName(Path.GetFullPath(machine.Disks[0].Path))!;
        var disks = new List<ImageInfo>();
        foreach (var disk in machine.Disks)
        {
            var image = ImageInspection.Inspect(disk.Path, new DiskOpenOptions { Format = disk.Format, Root = root, ExternalReferences = request.ExternalReferences }, cancellation);
            image.Controller = disk.Controller;
            disks.Add(image);
        }

        return new ImportSource
        {
            Format = "machine",
            Name = machine.Name,
            Cpu = machine.Cpu,
            Memory = machine.Memory,
            Firmware = machine.Firmware,
            Disks = disks,
            Root = root,
            Adapters = [.. machine.NetworkAdapters.Select(a => new DescribedAdapter(a.MacAddress, null, a.Model))],
        };
    }

    /// <summary>The request that imports a machine of another context.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="request">What is asked beside.</param>
    /// <exception cref="IaaSException">It has no disk, or its disks are no files of this computer.</exception>
    public static ImportRequest For(VirtualMachine machine, ImportRequest request)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(request);
        if (machine.Disks.Count == 0 || machine.Disks.Any(d => !File.Exists(d.Path)))
        {
            throw new IaaSException(ErrorKind.NotSupported, "DisksNotHere", $"The disks of {machine.Name} are not files of this computer.",
                "Take it home with Export-IaaSVm first, then import what that makes.", machine.Name);
        }

        return request with
        {
            Path = machine.Disks[0].Path,
            Machine = machine,
            OSType = request.OSType != GuestOSType.Unknown ? request.OSType : machine.OSType,
            AvailabilitySet = request.AvailabilitySet ?? machine.AvailabilitySet,
            StartOrder = request.StartOrder ?? machine.StartOrder,
            Tags = request.Tags.Count > 0 ? request.Tags : machine.Tags.ToDictionary(),
        };
    }
}
