using System.Globalization;
using AzureIaaS.Disks;
using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>
/// An import that nothing stands in the way of any more: every refusal has been made. It is what the saga works from and what the store
/// keeps of it, so a plan made by one process can be finished by another.
/// </summary>
public sealed class ImportPlan
{
    private const int DefaultCpu = 1;
    private const long DefaultMemory = 1L << 30;

    /// <summary>The machine as it will be.</summary>
    public VirtualMachine Machine { get; set; } = new();

    /// <summary>The images of its disks, in the disks' order.</summary>
    public IList<ImageInfo> Sources { get; set; } = [];

    /// <summary>The folder that the images may not leave; null for each file's own.</summary>
    public string? Root { get; set; }

    /// <summary>Whether the firmware was said or seen; otherwise it is a guess.</summary>
    public bool IsFirmwareKnown { get; set; }

    /// <summary>Whether the number of processors or the memory was said, by the user or by the source.</summary>
    public bool IsSizeKnown { get; set; }
    /// <summary>What is odd about the machine, in sentences.</summary>
    public IList<string> Warnings { get; set; } = [];

    /// <summary>What the images may refer to outside the root.</summary>
    public IList<string> ExternalReferences { get; set; } = [];

    /// <summary>The internal snapshot that is imported; null for the current state.</summary>
    public string? Snapshot { get; set; }

    /// <summary>Whether its disks are linked to the images, which are copied later.</summary>
    public bool IsLinked { get; set; }

    /// <summary>Whether it is copied in passes, while the source still runs, and published by its completion.</summary>
    public bool IsStaged { get; set; }

    /// <summary>Whether the content's digest is left out.</summary>
    public bool SkipDigest { get; set; }

    /// <summary>Makes a plan, or refuses.</summary>
    /// <param name="request">What the user asks.</param>
    /// <param name="source">What the source is.</param>
    /// <param name="place">Where it goes.</param>
    /// <param name="operation">The id of the operation that will do it.</param>
    /// <param name="now">The time it is made at.</param>
    /// <exception cref="IaaSException">Something stands in the way; the message says what.</exception>
    public static ImportPlan Make(ImportRequest request, ImportSource source, ImportPlace place, Guid operation, DateTimeOffset now)
    {
        var name = request.Name ?? source.Name;
        MachineName.Check(name);
        var cpu = request.Cpu ?? source.Cpu ?? DefaultCpu;
        var memory = request.Memory ?? source.Memory ?? DefaultMemory;
        MachineSize.Check(name, cpu, memory);
        CheckSpace(source, place);
        return new ImportPlan
        {
            Root = request.Root ?? source.Root,
            ExternalReferences = [.. request.ExternalReferences],
            Snapshot = request.Snapshot,
            SkipDigest = request.SkipDigest,
            IsLinked = request.Linked,
            IsStaged = request.Staged,
            IsFirmwareKnown = request.Firmware != Firmware.Unknown || source.Firmware != Firmware.Unknown,
            IsSizeKnown = (request.Cpu ?? source.Cpu) is not null || (request.Memory ?? source.Memory) is not null,
            Sources = [.. source.Disks],
            Warnings = [.. source.Warnings, .. source.Disks.SelectMany(d => d.Warnings.Select(w => $"{d.Path}: {w}"))],
            Machine = new VirtualMachine
            {
                Id = Guid.NewGuid(),
                Name = name,
                State = MachineState.Deallocated,
                Cpu = cpu,
                Memory = memory,
                Size = request.Size,
                OSType = request.OSType,
                Zone = request.Zone,
                Firmware = FirmwareFor(request, source),
                NetworkAdapters = [.. source.Adapters.Select((a, i) => new NetworkAdapter
                {
                    Name = string.Create(CultureInfo.InvariantCulture, $"nic{i}"), MacAddress = a.MacAddress ?? "", Model = a.Model ?? "",
                })],
                AvailabilitySet = request.AvailabilitySet,
                StartOrder = request.StartOrder ?? 0,
                Disks = [.. source.Disks.Select((d, i) => DiskFor(request, d, i, request.Root ?? source.Root))],
                Created = now,
                Origin = new ImportOrigin { Path = SourcePath.Full(request.Path), Format = source.Format, Operation = operation },
                Tags = new Dictionary<string, string>(request.Tags),
            },
        };
    }

    /// <summary>What the plan would do, as a sentence.</summary>
    public string Describe() => $"{Machine.Origin?.Path} ({Machine.Origin?.Format}, {ByteSize.Format(Sources.Sum(s => s.DataLength))} of data) "
        + $"would become {Machine.Name}: {(Machine.Size is { } size ? size + ", " : "")}{Machine.Cpu} CPU, {ByteSize.Format(Machine.Memory)}, {Machine.Firmware}, "
        + string.Join(", ", Machine.Disks.Select(d => $"{d.Name} {ByteSize.Format(d.Length)} on {d.Controller}")) + (IsLinked ? "; its disks would be linked to the images, which are needed until they have been copied." : ".");

    private static Firmware FirmwareFor(ImportRequest request, ImportSource source) =>
        request.Firmware != Firmware.Unknown ? request.Firmware
        : source.Firmware != Firmware.Unknown ? source.Firmware
        : Firmware.Bios;

    private static VirtualDisk DiskFor(ImportRequest request, ImageInfo source, int index, string? root) => new()
    {
        Name = $"disk{index}",
        Length = source.Length,
        LogicalSectorSize = source.LogicalSectorSize,
        Controller = request.Controller != DiskController.Unknown ? request.Controller : source.Controller,
        SourcePath = source.Path,
        SourceFormat = source.Format,
        Link = request.Linked ? LinkTo(request, source, root) : null,
    };

    private static DiskLink LinkTo(ImportRequest request, ImageInfo source, string? root) => new()
    {
        Files = [.. source.Files],
        Root = root ?? ImportRoot.For(source.Path),
        ExternalReferences = [.. request.ExternalReferences],
        Snapshot = request.Snapshot,
        ManifestDigest = source.ManifestDigest,
    };

    private static void CheckSpace(ImportSource source, ImportPlace place)
    {
        var needed = source.Disks.Sum(d => d.DataLength) + place.Overhead;
        if (needed > place.FreeBytes)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace",
                $"{place.Location}: the import needs {ByteSize.Format(needed)}, and {ByteSize.Format(place.FreeBytes)} are free.",
                "Make room there, or connect to a fabric on a larger disk with Connect-IaaS -Local -Path.", place.Location);
        }
    }
}
