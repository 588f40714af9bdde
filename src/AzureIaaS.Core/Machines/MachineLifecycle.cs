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
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, null),
    };

    private static Decision Start(MachineState state) => state switch
    {
        MachineState.Deallocated or MachineState.Stopped or MachineState.Failed => Do,
        MachineState.Running => new(Verdict.Ignore, "is running already"),
        MachineState.Paused => Deny("is paused in the middle of its run", "Make room on the fabric's disk, then Resume-IaaSVm."),
        MachineState.Suspended => Deny("is suspended with its memory on disk", "Use Resume-IaaSVm to go on where it was."),
        MachineState.Unknown => NoAnswer(),
        _ => Changing(state),
    };

    private static Decision Stop(MachineState state) => state switch
    {
        MachineState.Running => Do,
        MachineState.Stopped => Do,
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

    private static Decision Deny(string reason, string remedy) => new(Verdict.Deny, reason, remedy);

    private static Decision NoAnswer() => Deny("has a process that does not answer",
        "Wait a moment and ask again with Get-IaaSVm; if it stays so, Stop-IaaSVm -Force ends the process.");

    private static Decision Changing(MachineState state) => Deny($"is {state.ToString().ToLowerInvariant()} at this moment",
        "Wait for that to end (Get-IaaSVm shows the state), then try again.");
}
