namespace AzureIaaS;

/// <summary>What may be asked of a machine.</summary>
public enum MachineRequest
{
    /// <summary>Run it.</summary>
    Start,

    /// <summary>Ask the guest to shut down, and free what it uses.</summary>
    Stop,

    /// <summary>Pull the plug.</summary>
    ForceStop,

    /// <summary>Shut down and run again.</summary>
    Restart,

    /// <summary>Go on where it was paused.</summary>
    Resume,

    /// <summary>Delete it with its disks.</summary>
    Remove,

    /// <summary>Save its memory on disk and let its process go.</summary>
    Suspend,

    /// <summary>Take it to another host while it runs.</summary>
    Migrate,

    /// <summary>Give its host up for lost, and bring it back elsewhere.</summary>
    FailOver,

    /// <summary>Run a clone of it and see whether that would do.</summary>
    Rehearse,

    /// <summary>Keep its state under a name.</summary>
    Checkpoint,

    /// <summary>Go back to a state that was kept.</summary>
    Restore,

    /// <summary>Change its virtual hardware.</summary>
    Reconfigure,

    /// <summary>Put it on a network, or take it off one.</summary>
    Join,
}

/// <summary>What is to be done about a request.</summary>
public enum Verdict
{
    /// <summary>Do it.</summary>
    Do,

    /// <summary>It is so already; the request succeeds without work.</summary>
    Ignore,

    /// <summary>Refuse it.</summary>
    Deny,
}

/// <summary>A verdict with its reason.</summary>
/// <param name="Verdict">What is to be done.</param>
/// <param name="Reason">Why, for Ignore and Deny: a sentence's end that fits behind the machine's name.</param>
/// <param name="Remedy">What to do instead, for Deny.</param>
public readonly record struct Decision(Verdict Verdict, string Reason = "", string Remedy = "");

/// <summary>
/// What may be asked of a machine in which state. Pure and total: every request in every state has an answer, and nothing else decides.
/// <code>
///                 Start               Resume
///  Deallocated ──────────► Starting ────────► Running ◄──────── Paused (disk full)
///       ▲   ▲                                   │  │ guest powers off
///       │   └──────────── Stopping ◄────────────┘  └──────► Stopped ──Start──► Starting
///     import                 Stop
/// </code>
/// </summary>
public static class MachineLifecycle
{
    private static readonly Decision Do = new(Verdict.Do);

    /// <summary>Decides about a request.</summary>
    /// <param name="state">The state that the machine is truly in.</param>
    /// <param name="request">What is asked.</param>
    public static Decision Decide(MachineState state, MachineRequest request) => request switch
    {
        MachineRequest.Start => Start(state),
        MachineRequest.Stop => Stop(state),
        MachineRequest.ForceStop => ForceStop(state),
        MachineRequest.Restart => Restart(state),
        MachineRequest.Resume => Resume(state),
        MachineRequest.Remove => Remove(state),
        MachineRequest.Suspend => Suspend(state),
        MachineRequest.Migrate => Migrate(state),
        MachineRequest.FailOver => FailOver(state),
        MachineRequest.Rehearse => Rehearse(state),
        MachineRequest.Checkpoint => Checkpoint(state),
        MachineRequest.Restore => Restore(state),
        MachineRequest.Reconfigure => Reconfigure(state),
        MachineRequest.Join => Join(state),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, null),
    };

    private static Decision Start(MachineState state) => state switch
    {
        MachineState.Deallocated or MachineState.Stopped or MachineState.Failed or MachineState.Healing => Do,
        MachineState.Running => new(Verdict.Ignore, "is running already"),
        MachineState.Paused => Deny("is paused in the middle of its run", "Make room on the fabric's disk, then Resume-IaaSVm."),
        MachineState.Suspended => Deny("is suspended with its memory on disk", "Use Resume-IaaSVm to go on where it was."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Stop(MachineState state) => state switch
    {
        MachineState.Running => Do,
        MachineState.Stopped or MachineState.Healing => Do,
        MachineState.Deallocated => new(Verdict.Ignore, "is stopped already"),
        MachineState.Failed => new(Verdict.Ignore, "does not run, because it failed"),
        MachineState.Paused => Deny("is paused, so its guest cannot shut down", "Resume-IaaSVm first, or pull the plug with -Force."),
        MachineState.Suspended => Deny("is suspended, so its guest cannot shut down", "Resume-IaaSVm first, or discard its memory with -Force."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision ForceStop(MachineState state) => state switch
    {
        MachineState.Deallocated => new(Verdict.Ignore, "is stopped already"),
        _ => Do,
    };

    private static Decision Restart(MachineState state) => state switch
    {
        MachineState.Running => Do,
        MachineState.Deallocated or MachineState.Stopped or MachineState.Failed =>
            Deny("is not running", "Use Start-IaaSVm."),
        MachineState.Paused or MachineState.Suspended => Deny("is not running at this moment", "Resume-IaaSVm first, or Stop-IaaSVm -Force and Start-IaaSVm."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Resume(MachineState state) => state switch
    {
        MachineState.Paused or MachineState.Suspended => Do,
        MachineState.Running => new(Verdict.Ignore, "is running already"),
        MachineState.Deallocated or MachineState.Stopped or MachineState.Failed =>
            Deny("is not paused", "Use Start-IaaSVm."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Remove(MachineState state) => state switch
    {
        MachineState.Deallocated or MachineState.Stopped or MachineState.Failed or MachineState.Suspended => Do,
        MachineState.Running or MachineState.Paused => Deny("is running", "Stop it first, or use -Force to pull its plug and remove it."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Suspend(MachineState state) => state switch
    {
        MachineState.Running => Do,
        MachineState.Suspended => new(Verdict.Ignore, "is suspended already"),
        MachineState.Unknown => NoAnswer(),
        _ when IsOff(state) => Deny("is not running, so it has no memory to be saved", "Nothing needs to be done; Start-IaaSVm runs it."),
        MachineState.Paused => Deny("is paused because its disk is full, so there is no room for its memory either", "Make room, then Resume-IaaSVm."),
        _ => Changing(state),
    };

    private static Decision Migrate(MachineState state) => state switch
    {
        MachineState.Running => Do,
        MachineState.Unknown => NoAnswer(),
        MachineState.Paused => Deny("is paused because its disk is full", "Make room, then Resume-IaaSVm."),
        MachineState.Suspended => Deny("is suspended with its memory on disk", "Resume-IaaSVm places it anew."),
        _ when IsOff(state) => Deny("is not running, so there is nothing to take to another host", "Start-IaaSVm places it anew; Move-IaaSVm moves the place that a stopped machine keeps."),
        _ => Changing(state),
    };

    private static Decision FailOver(MachineState state) => state switch
    {
        MachineState.Running or MachineState.Paused or MachineState.Unknown or MachineState.Healing => Do,
        _ when IsOff(state) || state == MachineState.Suspended => Deny("is not running, so no host's loss can reach it", "Start-IaaSVm runs it; a rehearsal (-Kind Test) works on a stopped machine too."),
        _ => Changing(state),
    };

    private static Decision Rehearse(MachineState state) => state switch
    {
        MachineState.Running => Do,
        _ when IsOff(state) => Do,
        MachineState.Unknown => NoAnswer(),
        MachineState.Paused or MachineState.Suspended => Deny($"is {state.ToString().ToLowerInvariant()}", "Resume-IaaSVm first."),
        _ => Changing(state),
    };

    private static Decision Checkpoint(MachineState state) => Rehearse(state);

    private static Decision Restore(MachineState state) => state switch
    {
        MachineState.Suspended => Do,
        _ when IsOff(state) => Do,
        MachineState.Running or MachineState.Paused => Deny("is running", "Stop it first (Stop-IaaSVm): what it has done since the checkpoint would be lost under its feet."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Reconfigure(MachineState state) => state switch
    {
        _ when IsOff(state) => Do,
        MachineState.Running or MachineState.Paused => Deny("is running, and its virtual hardware cannot change under it", "Stop-IaaSVm first, then change it, then Start-IaaSVm."),
        MachineState.Suspended => Deny("is suspended, and its memory fits the hardware it has", "Resume-IaaSVm and Stop-IaaSVm first."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Join(MachineState state) => state switch
    {
        MachineState.Running => Do,
        _ when IsOff(state) => Do,
        MachineState.Paused or MachineState.Suspended => Deny($"is {state.ToString().ToLowerInvariant()}, and its guest would not notice", "Resume-IaaSVm first."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static bool IsOff(MachineState state) => state is MachineState.Deallocated or MachineState.Stopped or MachineState.Failed;

    private static Decision Deny(string reason, string remedy) => new(Verdict.Deny, reason, remedy);

    private static Decision NoAnswer() => Deny("has a process that does not answer",
        "Wait a moment and ask again with Get-IaaSVm; if it stays so, Stop-IaaSVm -Force ends the process.");

    private static Decision Changing(MachineState state) => Deny($"is {state.ToString().ToLowerInvariant()} at this moment",
        "Wait for that to end (Get-IaaSVm shows the state), then try again.");
}
