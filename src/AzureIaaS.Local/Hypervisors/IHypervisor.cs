using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Hypervisors;

/// <summary>What a machine's process is doing, as the process itself says.</summary>
internal enum ProcessCondition
{
    /// <summary>There is no process.</summary>
    None,

    /// <summary>It exists, and the guest has not begun.</summary>
    Prelaunch,

    /// <summary>It waits for a guest's memory to come in.</summary>
    Incoming,

    /// <summary>The guest runs.</summary>
    Running,

    /// <summary>The guest has gone on in another process, or into a file.</summary>
    MovedAway,

    /// <summary>The guest has powered itself off, and the process waits to be collected.</summary>
    PoweredOff,

    /// <summary>The guest's kernel has panicked and said so.</summary>
    Panicked,

    /// <summary>Halted because the disk is full.</summary>
    DiskFull,

    /// <summary>Halted by somebody's command.</summary>
    Paused,

    /// <summary>It exists and does not answer.</summary>
    NotAnswering,

    /// <summary>It cannot go on: an internal error of the hypervisor.</summary>
    Broken,
}

/// <summary>A look at a machine's process.</summary>
/// <param name="Condition">What it is doing.</param>
/// <param name="Process">Which process it is; null where there is none.</param>
internal sealed record ProcessFact(ProcessCondition Condition, ProcessIdentity? Process = null)
{
    public static ProcessFact None { get; } = new(ProcessCondition.None);
}

/// <summary>What is to be launched.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Files">Its files.</param>
/// <param name="Chains">The layers of each disk, the first first, in the disks' order.</param>
/// <param name="MachineType">The virtual hardware's version from its first start; null at its first start.</param>
/// <param name="Incoming">Whether it waits for a guest's memory instead of booting.</param>
internal sealed record LaunchRequest(
    VirtualMachine Machine, MachineFiles Files, IReadOnlyList<IReadOnlyList<DiskLayer>> Chains, string? MachineType, bool Incoming = false)
{
    /// <summary>The launch of a machine as it is noted.</summary>
    public static LaunchRequest Of(VirtualMachine machine, MachineFiles files, MachineNotes notes, bool incoming = false)
    {
        var trees = machine.Disks.Select(notes.TreeOf).ToList();
        return new LaunchRequest(machine, files, [.. trees.Select(t => t.Chain(t.Active))], notes.MachineType, incoming);
    }
}

/// <summary>What was launched.</summary>
/// <param name="Process">The process.</param>
/// <param name="MachineType">The virtual hardware's version, to be kept for the machine's whole life.</param>
internal sealed record Launched(ProcessIdentity Process, string MachineType);

/// <summary>What a live migration did.</summary>
/// <param name="Downtime">How long the guest stood still.</param>
/// <param name="Total">How long it took in all.</param>
internal sealed record MigrationResult(TimeSpan Downtime, TimeSpan Total);

/// <summary>
/// What runs machines. All calls are made under the machine's lock, but for those that say otherwise.
/// </summary>
internal interface IHypervisor : IDisposable
{
    /// <summary>The hypervisor's name.</summary>
    string Name { get; }

    /// <summary>Whether its machines take this computer's memory.</summary>
    bool UsesMemory { get; }

    /// <summary>Whether its machines send frames, so that a network needs a switch.</summary>
    bool SendsFrames { get; }

    /// <summary>Whether its machines read their disks, so that a linked one needs its image served.</summary>
    bool ReadsDisks { get; }

    /// <summary>What it does with disks.</summary>
    IHypervisorDisks Disks { get; }

    /// <summary>What versions it is made of, for reports.</summary>
    IReadOnlyDictionary<string, string> Versions { get; }

    /// <summary>Refuses a machine that this hypervisor cannot run, before anything is done for it.</summary>
    /// <param name="machine">The machine.</param>
    void Check(VirtualMachine machine);

    /// <summary>Makes a machine's process; its guest has not begun yet.</summary>
    /// <param name="request">What is to be launched.</param>
    /// <param name="notices">Receives steps and details.</param>
    /// <param name="cancellation">Stops it; the process is ended.</param>
    /// <exception cref="IaaSException">It cannot be made; nothing is left of it.</exception>
    Task<Launched> LaunchAsync(LaunchRequest request, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Looks at a machine's process.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="known">The process that was noted for it; null when none was.</param>
    /// <param name="search">Whether to look for a process that nobody has noted.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<ProcessFact> ObserveAsync(MachineFiles files, ProcessIdentity? known, bool search, CancellationToken cancellation);

    /// <summary>Whether exactly this process still exists; costs next to nothing, and needs no lock.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    bool IsAlive(MachineFiles files, ProcessIdentity process);

    /// <summary>Watches a process, without a lock: calls back at once whenever something may have changed, and returns when it is gone or can be watched no longer.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    /// <param name="changed">Called when something may have changed.</param>
    /// <param name="cancellation">Stops watching.</param>
    Task WatchAsync(MachineFiles files, ProcessIdentity process, Action changed, CancellationToken cancellation);

    /// <summary>Lets the guest begin, or go on.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    Task ContinueAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Halts the guest between two instructions.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    Task HaltAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Presses the power button.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    Task PowerDownAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Ends the process: politely, so that it flushes what it holds, and by force when it does not go.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    /// <returns>Whether it is gone.</returns>
    Task<bool> EndAsync(MachineFiles files, ProcessIdentity process);

    /// <summary>Ends the process at once, as the loss of its host would.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    /// <returns>Whether it is seen gone.</returns>
    Task<bool> KillAsync(MachineFiles files, ProcessIdentity process);

    /// <summary>Takes a running guest over to a process that waits for it. If it fails or is stopped, the guest goes on where it was.</summary>
    /// <param name="from">The files of the process that it leaves.</param>
    /// <param name="to">The files of the process that waits.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<MigrationResult> MigrateAsync(MachineFiles from, MachineFiles to, TimeSpan limit, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Writes a halted guest's memory to a file.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="path">The file, which is made anew.</param>
    /// <param name="cancellation">Stops it; the guest can go on.</param>
    Task SaveMemoryAsync(MachineFiles files, string path, CancellationToken cancellation);

    /// <summary>Loads a guest's memory from a file into a process that waits for it; the guest stays halted.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Stops it.</param>
    Task LoadMemoryAsync(MachineFiles files, string path, CancellationToken cancellation);

    /// <summary>Signs of life that the guest gives beside its console, as far as they can be asked for at this moment.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>What was seen, as a sentence; null for nothing.</returns>
    Task<string?> SignOfLifeAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Pulls an adapter's plug for a moment, so that the guest asks for its address anew.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="cancellation">Stops it.</param>
    Task ReplugAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation);

    /// <summary>Attaches an adapter to a running machine. Repeating it changes nothing.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="cancellation">Stops it.</param>
    Task AttachAdapterAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation);

    /// <summary>A picture of the guest's display.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The picture as PNG.</returns>
    Task<byte[]> ScreenshotAsync(MachineFiles files, CancellationToken cancellation);
}

/// <summary>What a hypervisor does with the layers of disks. All calls are made under the machine's lock.</summary>
internal interface IHypervisorDisks
{
    /// <summary>Makes new, empty layers the active ones of a running machine, all at one moment. Repeating it changes nothing.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="changes">For each disk the layer that is active and the one that is to be.</param>
    /// <param name="cancellation">Stops it before it begins.</param>
    Task SwitchAsync(MachineFiles files, IReadOnlyList<(DiskLayer From, DiskLayer To)> changes, CancellationToken cancellation);

    /// <summary>
    /// Merges a layer into the one below it in a running machine. For the active layer the guest is halted at the end, until the change is noted.
    /// </summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="tree">The disk's layers.</param>
    /// <param name="layer">The layer to merge.</param>
    /// <param name="note">Notes the change; for the active layer, called while the guest is halted.</param>
    /// <param name="cancellation">Stops it; nothing is lost.</param>
    Task MergeLiveAsync(MachineFiles files, DiskTree tree, DiskLayer layer, Action note, CancellationToken cancellation);

    /// <summary>Merges a layer into the one below it while nothing uses either. Repeating it changes nothing.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="tree">The disk's layers.</param>
    /// <param name="layer">The layer to merge.</param>
    /// <param name="cancellation">Stops it; it can be repeated.</param>
    Task MergeOfflineAsync(MachineFiles files, DiskTree tree, DiskLayer layer, CancellationToken cancellation);

    /// <summary>Lays what lies on a served image on its copy instead, in a running machine. Repeating it changes nothing.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="tree">The disk's layers, as they will be.</param>
    /// <param name="image">The served image, which nothing uses afterwards.</param>
    /// <param name="copy">The copy, which holds the same.</param>
    /// <param name="cancellation">Stops it before it begins.</param>
    Task RebaseAsync(MachineFiles files, DiskTree tree, DiskLayer image, DiskLayer copy, CancellationToken cancellation);

    /// <summary>Attaches a disk to a running machine.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="cancellation">Stops it.</param>
    Task AttachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation);

    /// <summary>Takes a disk away from a running machine, when its guest lets go of it.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">The guest does not let go of it.</exception>
    Task DetachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation);
}
