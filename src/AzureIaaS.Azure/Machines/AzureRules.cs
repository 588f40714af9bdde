using AzureIaaS.Imports;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// What Azure would refuse at the end of an upload of hours, said before the first byte (prepare-for-upload-vhd-image, generation-2,
/// disks-upload-vhd-to-managed-disk). Pure: nothing is asked of Azure.
/// </summary>
internal static class AzureRules
{
    private const long MiB = 1L << 20;
    private const long GiB = 1L << 30;
    private const long TiB = 1L << 40;

    /// <summary>The smallest disk that can be uploaded, in bytes.</summary>
    public const long SmallestDisk = 20 * MiB;

    /// <summary>The largest data disk, in bytes.</summary>
    public const long LargestDataDisk = 32_767 * GiB;

    /// <summary>The length that a disk gets in Azure: whole MiB, and not less than the smallest; what is added is zeros.</summary>
    /// <param name="length">The length of the source in bytes.</param>
    public static long DiskLength(long length) => Math.Max(SmallestDisk, (length + MiB - 1) / MiB * MiB);

    /// <summary>Refuses what Azure would refuse.</summary>
    /// <param name="plan">The import.</param>
    /// <exception cref="IaaSException">The message says which rule.</exception>
    public static void Check(ImportPlan plan)
    {
        var machine = plan.Machine;
        if (AzureNames.Problem(machine.Name) is { } problem)
            throw Refused("InvalidVmName", $"A machine in Azure cannot be called '{machine.Name}': {problem}.", "Give another name with -Name.", machine.Name);
        if (AzureNames.TagProblem(plan) is { } tag)
            throw Refused("InvalidTag", $"{machine.Name}: {tag}.", "Give other tags with -Tag.", machine.Name);
        if (!plan.IsFirmwareKnown)
        {
            throw Refused("FirmwareUnknown", $"{plan.Sources[0].Path}: nothing on the disk tells whether it boots with BIOS or UEFI, and in Azure that cannot be changed later.",
                "Say which with -Firmware Bios or -Firmware Uefi.", plan.Sources[0].Path);
        }

        if (machine.OSType == GuestOSType.Unknown)
        {
            throw Refused("OSTypeUnknown", $"{plan.Sources[0].Path}: Azure must be told which operating system is on the disk, and none was recognised there.",
                "Say which with -OSType Windows or -OSType Linux (anything that is not Windows counts as Linux).", plan.Sources[0].Path);
        }

        if (machine is { Zone.Length: > 0, AvailabilitySet.Length: > 0 })
            throw Refused("ZoneAndSet", $"{machine.Name}: a machine is in a zone or in an availability set, not in both.", "Leave -Zone or -AvailabilitySet out.", machine.Name);
        foreach (var (disk, source) in machine.Disks.Zip(plan.Sources))
            CheckDisk(machine, disk, source);
    }

    private static void CheckDisk(VirtualMachine machine, VirtualDisk disk, ImageInfo source)
    {
        if (source.LogicalSectorSize != 512)
        {
            throw Refused("SectorSizeRefused", $"{source.Path}: its logical sectors are of {source.LogicalSectorSize} bytes; Azure takes uploads with 512.",
                "Move its content to a disk with sectors of 512 bytes, then import that.", source.Path, ErrorKind.NotSupported);
        }

        var isBoot = ReferenceEquals(disk, machine.Disks[0]);
        var (largest, rule) = !isBoot ? (LargestDataDisk, "a data disk is 32,767 GiB at most")
            : machine.Firmware == Firmware.Uefi ? (4 * TiB, "a generation 2 machine boots from 4 TiB at most")
            : (2 * TiB, "a generation 1 machine boots from 2 TiB at most");
        if (disk.Length > largest)
        {
            throw Refused("DiskTooLarge", $"{source.Path}: the disk has {ByteSize.Format(disk.Length)}; in Azure, {rule}.",
                isBoot ? "Shrink it, or move what is not the operating system to a second disk." : "Divide it into smaller disks.", source.Path, ErrorKind.NotSupported);
        }
    }

    private static IaaSException Refused(string id, string message, string remedy, string target, ErrorKind kind = ErrorKind.InvalidArgument) =>
        new(kind, id, message, remedy, target);
}
