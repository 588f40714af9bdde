using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>
/// A machine, as every cmdlet takes and gives it, and as the store keeps it. It is the middle of everything:
/// <code>
/// Import: file → ImportSource → ImportPlan → VirtualMachine (Deallocated)
/// Start:  VirtualMachine → MachineLifecycle.Decide → IVmProvider → VirtualMachine (Running)
/// </code>
/// A plain class with a public constructor and settable properties: it can be made in a test, and comes back from a job or CSV unharmed.
/// </summary>
public sealed class VirtualMachine
{
    /// <summary>The machine's identity; never changes, and names its folder and its process.</summary>
    public Guid Id { get; set; }

    /// <summary>The name, unique in its context in any case of letters.</summary>
    public string Name { get; set; } = "";

    /// <summary>The state, always filled.</summary>
    public MachineState State { get; set; }

    /// <summary>Why it is in this state, as a sentence; null where that needs no explanation.</summary>
    public string? StateReason { get; set; }

    /// <summary>The number of virtual processors.</summary>
    public int Cpu { get; set; }

    /// <summary>The guest's memory in bytes.</summary>
    public long Memory { get; set; }

    /// <summary>The cloud's name for its hardware, such as <c>Standard_D4s_v5</c>; null where processors and memory are all there is to say.</summary>
    public string? Size { get; set; }

    /// <summary>The operating system on its first disk, as far as it was said.</summary>
    public GuestOSType OSType { get; set; }

    /// <summary>The region of the cloud it is in; null on a fabric of one's own.</summary>
    public string? Region { get; set; }

    /// <summary>The availability zone it is in; null for none.</summary>
    public string? Zone { get; set; }

    /// <summary>The firmware it boots with.</summary>
    public Firmware Firmware { get; set; }

    /// <summary>Its disks; the first is the one it boots from.</summary>
    public IList<VirtualDisk> Disks { get; set; } = [];

    /// <summary>Its network adapters, in the order in which the guest finds them.</summary>
    public IList<NetworkAdapter> NetworkAdapters { get; set; } = [];

    /// <summary>Its checkpoints, oldest first.</summary>
    public IList<VmCheckpoint> Checkpoints { get; set; } = [];

    /// <summary>The checkpoint that its disks go on from; null when they go on from none.</summary>
    public Guid? CurrentCheckpoint { get; set; }

    /// <summary>The machine that this one is a rehearsal's clone of; null for a machine of its own right.</summary>
    public Guid? RehearsalOf { get; set; }

    /// <summary>The name under which it is reached on its network; null while it is on none.</summary>
    public string? ComputerName { get; set; }

    /// <summary>The same as <see cref="ComputerName"/>, under the name that other cmdlets bind to.</summary>
    [JsonIgnore]
    public string? HostName => ComputerName;

    /// <summary>The address under which it is reached; null while it is on no network.</summary>
    public string? IPAddress { get; set; }

    /// <summary>Its ports that are reached at an address of this computer while it runs.</summary>
    public IList<PublishedPort> PublishedPorts { get; set; } = [];

    /// <summary>Where a published port is reached from this computer, as <c>127.0.0.1:8080</c>; null while none is published.</summary>
    public string? Endpoint { get; set; }

    /// <summary>The host of the fabric on which it has its place; null while it has none.</summary>
    public string? Host { get; set; }

    /// <summary>The host it had its place on when it was last placed by hand or by a start; where it may be brought back to after maintenance.</summary>
    public string? PreferredHost { get; set; }

    /// <summary>The availability set it belongs to: machines that do the same, and are kept apart; null for none.</summary>
    public string? AvailabilitySet { get; set; }

    /// <summary>When it comes back after the loss of a host: smaller numbers first.</summary>
    public int StartOrder { get; set; }

    /// <summary>The name of the context it lives in.</summary>
    public string Context { get; set; } = "";

    /// <summary>Whether its guest has shown a sign of life of its own since it was last started. False is no failure: nothing was seen.</summary>
    public bool BootVerified { get; set; }

    /// <summary>What the sign was; null while there was none.</summary>
    public string? BootEvidence { get; set; }

    /// <summary>When it was imported.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>When its present run began; null while it does not run.</summary>
    public DateTimeOffset? Started { get; set; }

    /// <summary>Its process on this machine; null where there is none.</summary>
    public int? ProcessId { get; set; }

    /// <summary>Where it came from.</summary>
    public ImportOrigin? Origin { get; set; }

    /// <summary>Words of the user's own, by name.</summary>
    public IDictionary<string, string> Tags { get; set; } = new Dictionary<string, string>();

    /// <summary>The machine's name.</summary>
    public override string ToString() => Name;
}
