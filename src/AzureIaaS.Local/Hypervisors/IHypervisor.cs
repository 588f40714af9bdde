using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Hypervisors;

/// <summary>What a machine's process is doing, as the process itself says.</summary>
internal enum ProcessCondition
{
    /// <summary>There is no process.</summary>
    None,

    /// <summary>It exists, and the guest has not begun.</summary>
    Prelaunch,

    /// <summary>The guest runs.</summary>
    Running,

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

/// <summary>What was launched.</summary>
/// <param name="Process">The process.</param>
/// <param name="MachineType">The virtual hardware's version, to be kept for the machine's whole life.</param>
internal sealed record Launched(ProcessIdentity Process, string MachineType);

/// <summary>
/// What runs machines. All calls but <see cref="ObserveAsync"/> are made under the machine's lock; observing without it is allowed
/// to find a monitor busy, and then says what it can.
/// </summary>
internal interface IHypervisor
{
    /// <summary>The hypervisor's name.</summary>
    string Name { get; }

    /// <summary>Whether its machines take this computer's memory.</summary>
    bool UsesMemory { get; }

    /// <summary>Refuses a machine that this hypervisor cannot run, before anything is done for it.</summary>
    /// <param name="machine">The machine.</param>
    void Check(VirtualMachine machine);

    /// <summary>Makes a machine's process; its guest has not begun yet.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="files">Its files.</param>
    /// <param name="machineType">The virtual hardware's version from its first start; null at its first start.</param>
    /// <param name="notices">Receives steps and details.</param>
    /// <param name="cancellation">Stops it; the process is ended.</param>
    /// <exception cref="IaaSException">It cannot be made; nothing is left of it.</exception>
    Task<Launched> LaunchAsync(VirtualMachine machine, MachineFiles files, string? machineType, IProgress<Providers.Notice> notices, CancellationToken cancellation);

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

    /// <summary>Watches a process: calls back at once whenever something may have changed, and returns when it is gone or can be watched no longer.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    /// <param name="changed">Called when something may have changed.</param>
    /// <param name="cancellation">Stops watching.</param>
    Task WatchAsync(MachineFiles files, ProcessIdentity process, Action changed, CancellationToken cancellation);

    /// <summary>Lets the guest begin, or go on.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    Task ContinueAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Presses the power button.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    Task PowerDownAsync(MachineFiles files, CancellationToken cancellation);

    /// <summary>Ends the process: politely, so that it flushes what it holds, and by force when it does not go.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="process">The process.</param>
    /// <returns>Whether it is gone.</returns>
    Task<bool> EndAsync(MachineFiles files, ProcessIdentity process);

    /// <summary>Signs of life that the guest gives beside its console, as far as they can be asked for at this moment.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>What was seen, as a sentence; null for nothing.</returns>
    Task<string?> SignOfLifeAsync(MachineFiles files, CancellationToken cancellation);
}
