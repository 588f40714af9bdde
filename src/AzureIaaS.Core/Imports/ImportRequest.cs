using AzureIaaS.Appliances;

namespace AzureIaaS.Imports;

/// <summary>What a user asks to be imported. What is null is taken from the source, or chosen.</summary>
public sealed record ImportRequest
{
    /// <summary>The file to import.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// The machine of another context that is to be imported; null for what the path itself is. Its disks must not change meanwhile, and the path is its first one's.
    /// </summary>
    public VirtualMachine? Machine { get; init; }

    /// <summary>What the machine is, with the full paths of its disks, where somebody else knows it; null for what the path itself is. The path is its first disk's.</summary>
    public MachineDescription? Description { get; init; }

    /// <summary>Which machine of a description with several, by its name or id there; null where there is one.</summary>
    public string? System { get; init; }

    /// <summary>The machine's name; null for the file's base name.</summary>
    public string? Name { get; init; }

    /// <summary>The number of virtual processors.</summary>
    public int? Cpu { get; init; }

    /// <summary>The guest's memory in bytes.</summary>
    public long? Memory { get; init; }

    /// <summary>The cloud's name for its hardware; null to choose the smallest that has its processors and memory.</summary>
    public string? Size { get; init; }

    /// <summary>The operating system on its first disk.</summary>
    public GuestOSType OSType { get; init; }

    /// <summary>The availability zone; null for none.</summary>
    public string? Zone { get; init; }

    /// <summary>The firmware.</summary>
    public Firmware Firmware { get; init; }

    /// <summary>The controller of its disks.</summary>
    public DiskController Controller { get; init; }

    /// <summary>The image's format, without looking; null to find out.</summary>
    public string? Format { get; init; }

    /// <summary>The folder that no file the image refers to may leave; null for the export's own, or the file's.</summary>
    public string? Root { get; init; }

    /// <summary>Files, or folders with all that is in them, that the image may refer to although they lie outside the root.</summary>
    public IReadOnlyList<string> ExternalReferences { get; init; } = [];

    /// <summary>The id or name of the image's internal snapshot to import; null for its current state.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The availability set it is to belong to; null for none.</summary>
    public string? AvailabilitySet { get; init; }

    /// <summary>When it comes back after the loss of a host: smaller numbers first.</summary>
    public int? StartOrder { get; init; }

    /// <summary>Whether the machine is to run on the image at once, which is copied in the background.</summary>
    public bool Linked { get; init; }

    /// <summary>Whether only a pass of its copy is made, while the source still runs; its completion publishes it.</summary>
    public bool Staged { get; init; }

    /// <summary>Whether the content's digest is left out.</summary>
    public bool SkipDigest { get; init; }

    /// <summary>Words of the user's own, by name.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();
}
