using System.Globalization;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;

namespace AzureIaaS.Azure.Machines;

/// <summary>Between Azure's words and ours, both ways. Pure: nothing is asked of Azure.</summary>
internal static class AzureMapping
{
    /// <summary>The disk that an upload fills.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="operation">The import.</param>
    /// <param name="location">The region.</param>
    public static ManagedDiskData DiskForUpload(VirtualMachine machine, VirtualDisk disk, Guid operation, string location)
    {
        var data = new ManagedDiskData(new AzureLocation(location))
        {
            Sku = new DiskSku { Name = DiskStorageAccountType.StandardSsdLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Upload) { UploadSizeBytes = disk.Length + Disks.Vhd.FixedVhd.FooterSize },
        };
        if (disk.Name == machine.Disks[0].Name)
        {
            data.OSType = OSTypeOf(machine);
            data.HyperVGeneration = machine.Firmware == Firmware.Uefi ? HyperVGeneration.V2 : HyperVGeneration.V1;
        }

        if (machine.Zone is { Length: > 0 } zone)
            data.Zones.Add(zone);
        foreach (var (key, value) in AzureNames.TagsOf(machine, operation))
            data.Tags[key] = value;
        data.Tags[AzureNames.DiskTag] = disk.Name;
        return data;
    }

    /// <summary>The machine that runs on its disks as they are: nothing is generalized.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="connection">Where it is.</param>
    /// <param name="adapters">Its network interfaces, the first one first.</param>
    public static VirtualMachineData VmFor(VirtualMachine machine, ArmConnection connection, IReadOnlyList<ResourceIdentifier> adapters)
    {
        var boot = new VirtualMachineOSDisk(DiskCreateOptionType.Attach)
        {
            Name = new ResourceIdentifier(machine.Disks[0].Path).Name,
            OSType = OSTypeOf(machine),
            Caching = CachingType.ReadWrite,
            DeleteOption = DiskDeleteOptionType.Detach,   // removing a machine by other means than ours leaves what it holds
            ManagedDisk = new VirtualMachineManagedDisk { Id = new ResourceIdentifier(machine.Disks[0].Path) },
        };
        var data = new VirtualMachineData(new AzureLocation(connection.RegionOf(machine)))
        {
            HardwareProfile = new VirtualMachineHardwareProfile { VmSize = new VirtualMachineSizeType(machine.Size ?? "") },
            StorageProfile = new VirtualMachineStorageProfile { OSDisk = boot },
            NetworkProfile = new VirtualMachineNetworkProfile(),
            BootDiagnostics = new BootDiagnostics { Enabled = true },
        };
        foreach (var disk in machine.Disks.Skip(1))
            data.StorageProfile.DataDisks.Add(Attached(disk, DataDisks.LunOf(machine, disk)));

        foreach (var (id, index) in adapters.Select((a, i) => (a, i)))
            data.NetworkProfile.NetworkInterfaces.Add(new VirtualMachineNetworkInterfaceReference { Id = id, Primary = index == 0 });
        if (machine.AvailabilitySet is { Length: > 0 } set)
            data.AvailabilitySetId = connection.IdOf("Microsoft.Compute/availabilitySets", set);
        if (machine.Zone is { Length: > 0 } zone)
            data.Zones.Add(zone);
        foreach (var (key, value) in AzureNames.TagsOf(machine, machine.Origin?.Operation ?? Guid.Empty))
            data.Tags[key] = value;
        return data;
    }

    /// <summary>A data disk as a machine has it.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="lun">Its logical unit number.</param>
    public static VirtualMachineDataDisk Attached(VirtualDisk disk, int lun) => new(lun, DiskCreateOptionType.Attach)
    {
        Name = new ResourceIdentifier(disk.Path).Name,
        Caching = CachingType.None,
        DeleteOption = DiskDeleteOptionType.Detach,
        ManagedDisk = new VirtualMachineManagedDisk { Id = new ResourceIdentifier(disk.Path) },
    };

    /// <summary>A machine as its disks tell of it.</summary>
    /// <param name="disks">All disks of it, in any order; one of them has the machine's name.</param>
    /// <param name="known">What this computer remembers of it; null for nothing.</param>
    public static VirtualMachine FromDisks(IReadOnlyList<ManagedDiskData> disks, VirtualMachine? known)
    {
        disks = Current(disks);
        var boot = disks.First(d => d.Tags.ContainsKey(AzureNames.NameTag));
        var machine = new VirtualMachine
        {
            Id = AzureNames.IdIn(boot.Tags, AzureNames.VmTag) ?? Guid.Empty,
            Name = boot.Tags[AzureNames.NameTag],
            RehearsalOf = AzureNames.IdIn(boot.Tags, AzureNames.RehearsalTag),
            State = MachineState.Deallocated,
            Cpu = (int)Number(boot.Tags, AzureNames.CpuTag),
            Memory = Number(boot.Tags, AzureNames.MemoryTag),
            Size = boot.Tags.TryGetValue(AzureNames.SizeTag, out var size) ? size : null,
            Firmware = boot.HyperVGeneration == HyperVGeneration.V2 ? Firmware.Uefi : Firmware.Bios,
            OSType = boot.OSType switch { SupportedOperatingSystemType.Windows => GuestOSType.Windows, SupportedOperatingSystemType.Linux => GuestOSType.Linux, _ => GuestOSType.Unknown },
            AvailabilitySet = boot.Tags.TryGetValue(AzureNames.SetTag, out var set) ? set : null,
            StartOrder = (int)Number(boot.Tags, AzureNames.OrderTag),
            Region = boot.Location.Name,
            Zone = boot.Zones.FirstOrDefault(),
            Created = known?.Created ?? boot.TimeCreated ?? default,
            IPAddress = known?.IPAddress,
            NetworkAdapters = known?.NetworkAdapters ?? [new NetworkAdapter { Name = "nic0" }],
            Origin = known?.Origin ?? new ImportOrigin { Operation = AzureNames.IdIn(boot.Tags, AzureNames.ImportTag) ?? Guid.Empty },
            Tags = boot.Tags.Where(t => !t.Key.StartsWith(AzureNames.TagPrefix, StringComparison.OrdinalIgnoreCase)).ToDictionary(t => t.Key, t => t.Value),
        };
        foreach (var disk in disks.OrderBy(d => ReferenceEquals(d, boot) ? 0 : 1).ThenBy(d => DiskName(d), NaturalOrder))
            machine.Disks.Add(DiskOf(disk, known));
        return machine;
    }

    /// <summary>Writes on a machine what its counterpart in Azure says.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="vm">The counterpart.</param>
    /// <param name="view">What it is doing; null where Azure did not say.</param>
    public static void Apply(VirtualMachine machine, VirtualMachineData vm, VirtualMachineInstanceView? view)
    {
        machine.Size = vm.HardwareProfile?.VmSize?.ToString() ?? machine.Size;
        machine.Zone = vm.Zones.FirstOrDefault() ?? machine.Zone;
        (machine.State, machine.StateReason) = StateOf(vm.ProvisioningState, view?.Statuses);
        var agent = view?.VmAgent?.Statuses.FirstOrDefault(s => s.Code == "ProvisioningState/succeeded");
        if (machine.State == MachineState.Running && agent is not null)
        {
            machine.BootVerified = true;
            machine.BootEvidence = $"its agent says: {agent.DisplayStatus}";
        }
    }

    /// <summary>The state that Azure's words mean. A machine that failed to be changed but runs, runs; the reason tells of the other.</summary>
    /// <param name="provisioning">The resource's state: Succeeded, Failed, Creating, Updating, Deleting.</param>
    /// <param name="statuses">The instance's statuses; null where Azure did not say.</param>
    public static (MachineState State, string? Reason) StateOf(string? provisioning, IEnumerable<InstanceViewStatus>? statuses)
    {
        var all = statuses?.ToList() ?? [];
        var power = all.Select(s => s.Code).FirstOrDefault(c => c?.StartsWith("PowerState/", StringComparison.OrdinalIgnoreCase) == true)?["PowerState/".Length..];
        var failed = all.FirstOrDefault(s => s.Code?.StartsWith("ProvisioningState/failed", StringComparison.OrdinalIgnoreCase) == true);
        var reason = failed is not null ? failed.Message ?? failed.DisplayStatus : provisioning == "Failed" ? "The last change to it failed in Azure." : null;
        return power?.ToUpperInvariant() switch
        {
            "RUNNING" => (MachineState.Running, reason),
            "STARTING" => (MachineState.Starting, reason),
            "STOPPING" or "DEALLOCATING" => (MachineState.Stopping, reason),
            "STOPPED" => (MachineState.Stopped, reason),
            "DEALLOCATED" => (MachineState.Deallocated, reason),
            _ when reason is not null => (MachineState.Failed, reason),
            _ when provisioning == "Creating" => (MachineState.Starting, null),
            _ when provisioning == "Deleting" => (MachineState.Stopping, "It is being removed."),
            _ => (MachineState.Unknown, "Azure does not say what it is doing."),
        };
    }

    /// <summary>The disks that a machine goes on with: the set of the one that has its name, the youngest where two have it.</summary>
    /// <param name="disks">All disks of the machine, former ones too.</param>
    /// <returns>Them; none where no disk has a machine's name.</returns>
    public static IReadOnlyList<ManagedDiskData> Current(IEnumerable<ManagedDiskData> disks)
    {
        var all = disks.ToList();
        var boot = all.Where(d => d.Tags.ContainsKey(AzureNames.NameTag)).MaxBy(d => d.TimeCreated ?? default);
        return boot is null ? [] : [.. all.Where(d => SetOf(d) == SetOf(boot))];
    }

    /// <summary>The set that a disk belongs to; null for imported ones.</summary>
    /// <param name="disk">The disk.</param>
    public static string? SetOf(ManagedDiskData disk) => disk.Tags.TryGetValue(AzureNames.DiskSetTag, out var set) ? set : null;

    /// <summary>A disk that is made of a snapshot.</summary>
    /// <param name="machine">Whose it is.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="set">The set it belongs to.</param>
    /// <param name="zone">The zone it is to be in; null for none.</param>
    /// <param name="operation">The operation that makes it.</param>
    /// <param name="location">The region.</param>
    public static ManagedDiskData DiskFromSnapshot(VirtualMachine machine, SnapshotData snapshot, string set, string? zone, Guid operation, string location)
    {
        var data = new ManagedDiskData(new AzureLocation(location))
        {
            Sku = new DiskSku { Name = snapshot.Tags.TryGetValue(AzureNames.SkuTag, out var sku) && sku.Length > 0 ? new DiskStorageAccountType(sku) : DiskStorageAccountType.StandardSsdLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Copy) { SourceResourceId = snapshot.Id },
            OSType = snapshot.OSType,
            HyperVGeneration = snapshot.HyperVGeneration,
        };
        if (zone is { Length: > 0 })
            data.Zones.Add(zone);
        foreach (var (key, value) in AzureNames.TagsOf(machine, operation))
            data.Tags[key] = value;
        data.Tags[AzureNames.DiskTag] = snapshot.Tags[AzureNames.DiskTag];
        data.Tags[AzureNames.DiskSetTag] = set;
        return data;
    }

    /// <summary>A disk's name within its machine.</summary>
    /// <param name="disk">The disk.</param>
    public static string DiskName(ManagedDiskData disk) => disk.Tags.TryGetValue(AzureNames.DiskTag, out var name) ? name : disk.Name;

    private static readonly Comparer<string> NaturalOrder =
        Comparer<string>.Create((a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b));   // disk2 before disk10

    /// <summary>The number that a tag says; 0 for none.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="tag">The tag.</param>
    public static long Number(IDictionary<string, string> tags, string tag) =>
        tags.TryGetValue(tag, out var text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static VirtualDisk DiskOf(ManagedDiskData disk, VirtualMachine? known)
    {
        var name = DiskName(disk);
        var remembered = known?.Disks.FirstOrDefault(d => d.Name == name);
        return new VirtualDisk
        {
            Name = name,
            Path = disk.Id.ToString(),
            Format = "vhd",
            Length = disk.DiskSizeBytes ?? (disk.CreationData?.UploadSizeBytes - Disks.Vhd.FixedVhd.FooterSize) ?? (disk.DiskSizeGB ?? 0) * (1L << 30),
            Digest = remembered?.Digest,
            SourcePath = remembered?.SourcePath,
            SourceFormat = remembered?.SourceFormat,
        };
    }

    private static SupportedOperatingSystemType OSTypeOf(VirtualMachine machine) =>
        machine.OSType == GuestOSType.Windows ? SupportedOperatingSystemType.Windows : SupportedOperatingSystemType.Linux;
}
