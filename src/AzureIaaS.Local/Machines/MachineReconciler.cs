using System.Globalization;
using AzureIaaS.Local.Hypervisors;

namespace AzureIaaS.Local.Machines;

/// <summary>What has to be done with a process before what was found is true.</summary>
internal enum ProcessAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is to be ended.</summary>
    End,

    /// <summary>Its guest is to go on: whoever halted it died before it could say so.</summary>
    Continue,
}

/// <summary>What is true of a machine, and what must be done with its process.</summary>
/// <param name="State">The machine's true state.</param>
/// <param name="Reason">Why; null where that needs no explanation.</param>
/// <param name="Action">What is to be done with its process before the state is true.</param>
internal readonly record struct Reconciled(MachineState State, string? Reason, ProcessAction Action = ProcessAction.None);

/// <summary>
/// Brings what was noted together with what is. Pure and total. It is asked by whoever holds the machine's lock, so whatever was under way
/// according to the notes was cut off.
/// </summary>
internal static class MachineReconciler
{
    /// <summary>Decides what is true.</summary>
    /// <param name="noted">The state in the store.</param>
    /// <param name="reason">The reason in the store.</param>
    /// <param name="fact">What the process is doing.</param>
    /// <param name="notedProcess">The number of the process in the notes; null when none was noted.</param>
    /// <param name="folder">The machine's folder, for messages.</param>
    public static Reconciled Reconcile(MachineState noted, string? reason, ProcessFact fact, int? notedProcess, string folder) => fact.Condition switch
    {
        ProcessCondition.None => Gone(noted, reason, notedProcess),
        ProcessCondition.Prelaunch or ProcessCondition.Incoming or ProcessCondition.MovedAway =>
            new(MachineState.Deallocated, "Its last start was interrupted.", ProcessAction.End),
        ProcessCondition.Running => new(MachineState.Running, null),
        ProcessCondition.PoweredOff when noted == MachineState.Stopping => new(MachineState.Deallocated, null, ProcessAction.End),
        ProcessCondition.PoweredOff => new(MachineState.Stopped, "The guest powered itself off.", ProcessAction.End),
        ProcessCondition.Panicked => new(MachineState.Failed, "The guest's kernel panicked; its last words are on its console.", ProcessAction.End),
        ProcessCondition.DiskFull => new(MachineState.Paused, $"The disk that holds {folder} is full. Make room on it, then resume the machine: nothing is lost."),
        ProcessCondition.Paused when noted is MachineState.Starting or MachineState.Moving => new(MachineState.Running, null, ProcessAction.Continue),
        ProcessCondition.Paused => new(MachineState.Paused, "It was halted by a command to its monitor."),
        ProcessCondition.NotAnswering => new(MachineState.Unknown,
            $"Its process {fact.Process?.Id.ToString(CultureInfo.InvariantCulture)} does not answer; it may be halted (SIGSTOP) or overloaded."),
        ProcessCondition.Broken => new(MachineState.Failed, "The hypervisor met an internal error; its log says more.", ProcessAction.End),
        _ => throw new ArgumentOutOfRangeException(nameof(fact), fact.Condition, null),
    };

    /// <summary>The reason of a machine whose process ended by itself.</summary>
    /// <param name="process">The number of the process.</param>
    public static string Ended(int? process) => $"Its process {process?.ToString(CultureInfo.InvariantCulture)} ended unexpectedly.";

    private static Reconciled Gone(MachineState noted, string? reason, int? process) => noted switch
    {
        MachineState.Running or MachineState.Paused or MachineState.Unknown or MachineState.Moving => new(MachineState.Healing, Ended(process)),
        MachineState.Starting => new(MachineState.Deallocated, "Its last start was interrupted."),
        MachineState.Stopping => new(MachineState.Deallocated, null),
        _ => new(noted, reason),
    };
}
