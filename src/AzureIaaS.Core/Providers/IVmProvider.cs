using System.Text.RegularExpressions;
using AzureIaaS.Readiness;

namespace AzureIaaS.Providers;

/// <summary>How a machine is started.</summary>
public sealed record StartOptions
{
    /// <summary>Whether the guests' memory may exceed what this machine really has.</summary>
    public bool Overcommit { get; init; }

    /// <summary>Ports of the machine that are to be reached at this computer; null for those that were published before.</summary>
    public IReadOnlyList<PublishedPort>? Publish { get; init; }

    /// <summary>In Azure: who may come to the ports, as addresses, ranges of them, or <c>Internet</c> for everybody.</summary>
    public IReadOnlyList<string> PublishFrom { get; init; } = [];
}

/// <summary>How a machine is stopped.</summary>
public sealed record StopOptions
{
    /// <summary>Whether the plug is pulled instead of asking the guest.</summary>
    public bool Force { get; init; }

    /// <summary>Whether its capacity stays reserved: Stopped instead of Deallocated.</summary>
    public bool StayProvisioned { get; init; }

    /// <summary>How long the guest may take to shut down.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>What is waited for.</summary>
public enum WaitFor
{
    /// <summary>The guest's first own sign of life.</summary>
    SignOfLife,

    /// <summary>The machine's state is Running.</summary>
    Running,

    /// <summary>A line of the serial console matches a pattern.</summary>
    Console,

    /// <summary>The machine no longer runs.</summary>
    Stopped,

    /// <summary>The guest agent answers.</summary>
    Agent,

    /// <summary>The guest listens at a TCP port; asked on its network.</summary>
    Port,

    /// <summary>The guest answers a ping on its network.</summary>
    Ping,

    /// <summary>The machine is no longer linked to the images it was imported from: its disks are its own.</summary>
    Flattened,
}

/// <summary>What is waited for, and how long.</summary>
public sealed record WaitOptions
{
    /// <summary>What is waited for.</summary>
    public WaitFor For { get; init; }

    /// <summary>The pattern of the console line, for <see cref="WaitFor.Console"/>, and a sign of life when given with that.</summary>
    public Regex? Pattern { get; init; }

    /// <summary>The port, for <see cref="WaitFor.Port"/>: 1 to 65535.</summary>
    public int Port { get; init; }

    /// <summary>How long to wait.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>How a wait ended.</summary>
/// <param name="Machine">The machine afterwards.</param>
/// <param name="Seen">Whether what was waited for came.</param>
/// <param name="Evidence">What was seen, or why the wait was given up, as a sentence.</param>
public sealed record WaitResult(VirtualMachine Machine, bool Seen, string Evidence);

/// <summary>What an import needs to know of the place it imports to.</summary>
/// <param name="Location">The place, as people call it: the fabric's folder.</param>
/// <param name="FreeBytes">How many bytes of disk data it can take.</param>
/// <param name="Overhead">How many bytes a machine needs there beside its disks' data.</param>
public sealed record ImportPlace(string Location, long FreeBytes, long Overhead)
{
    /// <summary>Whether its stages can be brought up to date in passes (<see cref="IPassStage"/>).</summary>
    public bool TakesPasses { get; init; }

    /// <summary>What the import's own look at a machine judges it for, while it is copied; null where the place reviews plans itself (<see cref="IImportReviewer"/>).</summary>
    public ReadinessTarget? Judged { get; init; }
}

/// <summary>
/// Where machines live. Every call may be repeated: what is done already is done with success, and what was half done is finished.
/// A provider decides nothing that Core decides; it asks <see cref="MachineLifecycle"/> and does.
/// </summary>
public interface IVmProvider : IDisposable
{
    /// <summary>The provider's name: <c>Local</c>.</summary>
    string Name { get; }

    /// <summary>All machines, in the order of their names, with their true states. What is broken is listed with a reason; it does not throw.</summary>
    /// <param name="cancellation">Stops it.</param>
    Task<IReadOnlyList<VirtualMachine>> ListAsync(CancellationToken cancellation);

    /// <summary>One machine with its true state; null when there is none of that id.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<VirtualMachine?> FindAsync(Guid id, CancellationToken cancellation);

    /// <summary>Says what an import needs to know of this place. It changes nothing: the import may only be looked at.</summary>
    ImportPlace DescribePlace();

    /// <summary>Completes a machine that is to be imported with what this provider chooses: controllers, adapters, file names.</summary>
    /// <param name="machine">The machine, as far as its source describes it.</param>
    void Complete(VirtualMachine machine);

    /// <summary>Opens the stage on which an import puts its disks; nothing on it is visible as a machine.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="notices">Receives steps and details.</param>
    /// <exception cref="IaaSException">The place cannot be written to.</exception>
    IImportStage OpenStage(Guid operation, IProgress<Notice> notices);

    /// <summary>Turns a stage into a machine's place. Not yet visible: the store publishes it.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="operation">The operation whose stage it is.</param>
    /// <param name="cancellation">Stops it.</param>
    Task DefineAsync(VirtualMachine machine, Guid operation, CancellationToken cancellation);

    /// <summary>Undoes <see cref="DefineAsync"/> for a machine that was not published.</summary>
    /// <param name="id">The machine's id.</param>
    Task UndefineAsync(Guid id);

    /// <summary>Runs a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; a machine whose guest has not begun is taken down again.</param>
    Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Stops a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops waiting; the guest may still shut down.</param>
    /// <exception cref="IaaSException">The guest did not shut down within the time; it still runs.</exception>
    Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Stops a machine and runs it again.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How it is stopped.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<VirtualMachine> RestartAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Lets a paused machine go on.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Deletes a machine with its disks.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="force">Whether a running one is stopped by pulling its plug.</param>
    /// <param name="keepDisks">Whether its disks are kept.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it before anything is deleted.</param>
    Task RemoveAsync(Guid id, bool force, bool keepDisks, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Waits for a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">What is waited for, and how long.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops waiting.</param>
    Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>The lines of a machine's serial console.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="tail">How many of the last lines there are to give; null for all that are kept.</param>
    /// <param name="follow">Whether to go on with new lines until cancelled.</param>
    /// <param name="cancellation">Stops it.</param>
    IAsyncEnumerable<string> ReadConsoleAsync(Guid id, int? tail, bool follow, CancellationToken cancellation);
}
