using AzureIaaS.Disks;
using AzureIaaS.Exports;
using AzureIaaS.Failover;
using AzureIaaS.Hosts;

namespace AzureIaaS.Providers;

/// <summary>A provider that can say where a machine would be started, and why.</summary>
public interface IPlacementPreview
{
    /// <summary>Where a machine would be started.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How it would be started.</param>
    Placement PreviewPlacement(Guid id, StartOptions options);
}

/// <summary>A provider whose machines are watched by a process of ours.</summary>
public interface IWatchable
{
    /// <summary>Watches until nothing runs any more, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when nothing runs.</param>
    /// <param name="notices">Receives what is seen and done.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process watches already.</returns>
    Task<bool> WatchAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>What draining a host did.</summary>
/// <param name="Host">The host afterwards.</param>
/// <param name="Moved">The machines that went elsewhere.</param>
/// <param name="Stayed">The machines that could not, each with the reason.</param>
public sealed record DrainResult(FabricHost Host, IReadOnlyList<VirtualMachine> Moved, IReadOnlyList<(VirtualMachine Machine, string Reason)> Stayed);

/// <summary>A provider whose hosts are ours to arrange.</summary>
public interface IHostProvider
{
    /// <summary>All hosts with what is taken on them, in the order of their names.</summary>
    IReadOnlyList<FabricHost> ListHosts();

    /// <summary>One host with what is taken on it, found without looking at the others; null when there is none of that name.</summary>
    /// <param name="name">The whole name, in any case of letters.</param>
    FabricHost? FindHost(string name);

    /// <summary>Adds a host.</summary>
    /// <param name="host">The host.</param>
    /// <exception cref="IaaSException">Its name is taken, or a number is not possible.</exception>
    FabricHost AddHost(FabricHost host);

    /// <summary>Removes a host that holds no machine.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="IaaSException">There is none of that name, or machines have their place on it.</exception>
    void RemoveHost(string name);

    /// <summary>Empties a host by live migration; it takes no machine until it is resumed.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it after the machine that is on its way.</param>
    Task<DrainResult> DrainHostAsync(string name, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Lets a host take machines again, after maintenance or loss.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bringBack">Whether the machines that had their place on it come back.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it after the machine that is on its way.</param>
    Task<FabricHost> ResumeHostAsync(string name, bool bringBack, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>
    /// Loses hosts, all at one moment: every process of them is killed and seen gone; their machines come back elsewhere by themselves, and never
    /// on another one of them.
    /// </summary>
    /// <param name="names">Their names.</param>
    /// <param name="notices">Receives steps, and a warning for each process that could not be killed.</param>
    /// <param name="cancellation">Stops it between machines.</param>
    Task<IReadOnlyList<FabricHost>> LoseHostsAsync(IReadOnlyList<string> names, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>How a failover is done.</summary>
public sealed record FailoverOptions
{
    /// <summary>The kind.</summary>
    public FailoverKind Kind { get; init; }

    /// <summary>The host to go to; null to let placement choose.</summary>
    public string? TargetHost { get; init; }

    /// <summary>What must hold afterwards.</summary>
    public IReadOnlyList<FailoverCheck> Checks { get; init; } = [];

    /// <summary>For a planned one that cannot be done live: whether the machine may be stopped and started instead.</summary>
    public bool AllowRestart { get; init; }

    /// <summary>The machine's port that checks reach by its endpoint; null for the first that it publishes, else 80.</summary>
    public int? EndpointPort { get; init; }

    /// <summary>How long a live migration may take.</summary>
    public TimeSpan MigrationTimeout { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A provider whose machines can go to another host.</summary>
public interface IFailoverProvider
{
    /// <summary>Where a failover would take a machine, and why; or why it cannot.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How it would be done.</param>
    Placement PreviewFailover(Guid id, FailoverOptions options);

    /// <summary>Fails a machine over. What fails is in the report; only what could not even begin is thrown.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; the machine goes on where it was, and a rehearsal is cleared away.</param>
    Task<FailoverReport> FailOverAsync(Guid id, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider whose machines can be moved between hosts.</summary>
public interface IMoveProvider
{
    /// <summary>Moves a machine: live when it runs, its place alone when it does not.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="to">The host; null to let placement choose.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; the machine goes on where it was.</param>
    Task<VirtualMachine> MoveAsync(Guid id, string? to, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider with operations of its own, beside imports.</summary>
public interface IOperationProvider
{
    /// <summary>Whether an operation of this kind is the provider's own.</summary>
    /// <param name="kind">The kind.</param>
    bool Owns(string kind);

    /// <summary>Ends an operation that was cut off: finishes it or undoes it, whichever is right; where both are, as it is asked for.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="undo">Whether it is given up.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops waiting for its machine.</param>
    Task EndOperationAsync(Guid operation, bool undo, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider that keeps states of machines.</summary>
public interface ICheckpointProvider
{
    /// <summary>Keeps the state of a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">The checkpoint's name.</param>
    /// <param name="memory">Whether its memory is kept too.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; nothing is left of it.</param>
    Task<VmCheckpoint> CreateCheckpointAsync(Guid id, string name, bool memory, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Takes a machine back to a state that was kept; what it has done since is lost, unless it is kept by another checkpoint.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    Task<VirtualMachine> RestoreCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Forgets a checkpoint; what only it kept is merged or deleted. The machine itself is not changed by it.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="checkpoint">The checkpoint's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops merging; it goes on with the next removal.</param>
    Task RemoveCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>What of a machine is to be changed; what is null stays.</summary>
public sealed record MachineChange
{
    /// <summary>The number of virtual processors; needs a stop.</summary>
    public int? Cpu { get; init; }

    /// <summary>The memory in bytes; needs a stop.</summary>
    public long? Memory { get; init; }

    /// <summary>The cloud's name for its hardware; needs a stop where the present host does not have it.</summary>
    public string? Size { get; init; }

    /// <summary>The availability set; empty for none. Counts from the next placement on.</summary>
    public string? AvailabilitySet { get; init; }

    /// <summary>When it comes back after the loss of a host.</summary>
    public int? StartOrder { get; init; }

    /// <summary>Words of the user's own, by name; replaces those there are.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }
}

/// <summary>A provider whose machines can be changed.</summary>
public interface IMachineEditor
{
    /// <summary>Changes a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="change">What of it.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    Task<VirtualMachine> ChangeAsync(Guid id, MachineChange change, CancellationToken cancellation);

    /// <summary>Adds an empty disk to a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="length">Its size in bytes.</param>
    /// <param name="controller">Its controller; Unknown to let the provider choose.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    Task<VirtualMachine> AddDiskAsync(Guid id, long length, DiskController controller, CancellationToken cancellation);

    /// <summary>Removes a disk from a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="disk">The disk's name.</param>
    /// <param name="keepFile">Whether its file is kept.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    Task<VirtualMachine> RemoveDiskAsync(Guid id, string disk, bool keepFile, CancellationToken cancellation);
}

/// <summary>A provider that can save a machine's memory and let its process go.</summary>
public interface ISuspendProvider
{
    /// <summary>Suspends a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; the machine goes on.</param>
    Task<VirtualMachine> SuspendAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider that shows what its guests show, and runs commands in them.</summary>
public interface IGuestProvider
{
    /// <summary>A picture of a guest's display.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The picture as PNG.</returns>
    Task<byte[]> ScreenshotAsync(Guid id, CancellationToken cancellation);

    /// <summary>Runs a command in a guest through its agent.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="program">The program's path in the guest.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    Task<VmCommandResult> RunCommandAsync(Guid id, string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation);
}

/// <summary>A provider whose machines' disks can be read where they are, while nobody else may touch them.</summary>
public interface IDiskLender
{
    /// <summary>Owns a machine that does not run, while work is done on its disks.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="work">The work; it must not change the disks.</param>
    /// <param name="cancellation">Stops waiting for the machine.</param>
    /// <exception cref="IaaSException">It runs or is suspended, or somebody else owns it.</exception>
    Task LendDisksAsync(Guid id, Func<VirtualMachine, Task> work, CancellationToken cancellation);

    /// <summary>Opens a disk for reading, while it is lent.</summary>
    /// <param name="disk">The disk.</param>
    DiskImage OpenDisk(VirtualDisk disk) => MachineExport.OpenFile(disk);
}
