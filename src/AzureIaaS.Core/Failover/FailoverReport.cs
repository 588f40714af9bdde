using System.Text.Json.Serialization;

namespace AzureIaaS.Failover;

/// <summary>The kinds of failover.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailoverKind>))]
public enum FailoverKind
{
    /// <summary>A rehearsal: a clone is started elsewhere, checked and discarded; the machine itself is not disturbed.</summary>
    Test,

    /// <summary>The machine is taken to another host while it runs; nothing is lost.</summary>
    Planned,

    /// <summary>The machine's host is given up for lost; it is started elsewhere on its disks.</summary>
    Unplanned,
}

/// <summary>How something ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailoverOutcome>))]
public enum FailoverOutcome
{
    /// <summary>It did what it should.</summary>
    Succeeded,

    /// <summary>It did not.</summary>
    Failed,

    /// <summary>It was not tried.</summary>
    NotRun,
}

/// <summary>A step of a failover, with its time.</summary>
public sealed class FailoverStep
{
    /// <summary>The step's name.</summary>
    public string Name { get; set; } = "";

    /// <summary>When it began.</summary>
    public DateTimeOffset Started { get; set; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; set; }

    /// <summary>How it ended.</summary>
    public FailoverOutcome Outcome { get; set; }

    /// <summary>What there is to say of it; null for nothing.</summary>
    public string? Detail { get; set; }

    /// <summary>The step's name.</summary>
    public override string ToString() => Name;
}

/// <summary>A check of the machine after a failover, with its result.</summary>
public sealed class FailoverCheckResult
{
    /// <summary>The check: <c>Process</c>, <c>Console 'login:'</c>, <c>Agent</c>, <c>Script</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>How it ended.</summary>
    public FailoverOutcome Outcome { get; set; }

    /// <summary>How long after the failover began it succeeded, or was given up.</summary>
    public TimeSpan After { get; set; }

    /// <summary>What was seen, or why it failed.</summary>
    public string? Detail { get; set; }

    /// <summary>How another process can make it; null when only the one that was told can.</summary>
    public string? Recipe { get; set; }

    /// <summary>The check's name.</summary>
    public override string ToString() => Name;
}

/// <summary>
/// What a failover did, in figures: evidence that can be kept, read by machines, and compared with the last quarter's.
/// </summary>
public sealed class FailoverReport
{
    /// <summary>The version of this shape.</summary>
    public int SchemaVersion { get; set; } = 1;

    /// <summary>The report's identity.</summary>
    public Guid Id { get; set; }

    /// <summary>The machine's id.</summary>
    public Guid VmId { get; set; }

    /// <summary>The machine's name.</summary>
    public string VmName { get; set; } = "";

    /// <summary>The kind.</summary>
    public FailoverKind Kind { get; set; }

    /// <summary>How it ended, checks included; <c>NotRun</c> while it is under way, and when it was cut off until whoever comes next has seen to it.</summary>
    public FailoverOutcome Outcome { get; set; }

    /// <summary>Why it failed; null when it did not.</summary>
    public string? Error { get; set; }

    /// <summary>What set it off: a command, or what the watcher noticed.</summary>
    public string Trigger { get; set; } = "";

    /// <summary>Who: the user and the computer.</summary>
    public string InitiatedBy { get; set; } = "";

    /// <summary>When it began.</summary>
    public DateTimeOffset Started { get; set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset Ended { get; set; }

    /// <summary>The host it left.</summary>
    public string? SourceHost { get; set; }

    /// <summary>The host it came to.</summary>
    public string? TargetHost { get; set; }

    /// <summary>The state that was taken up: <c>live</c>, <c>disk at the moment of the loss</c>, or a point in time.</summary>
    public string RecoveryPoint { get; set; } = "";

    /// <summary>The recovery time: from the beginning to the last check's success; null when that was not reached.</summary>
    public TimeSpan? Rto { get; set; }

    /// <summary>The recovery point: how much acknowledged work can have been lost, in time.</summary>
    public TimeSpan? Rpo { get; set; }

    /// <summary>Why the recovery point is what it is, as a sentence.</summary>
    public string RpoStatement { get; set; } = "";

    /// <summary>For a live migration: how long the guest stood still.</summary>
    public TimeSpan? Downtime { get; set; }

    /// <summary>The steps in order.</summary>
    public IList<FailoverStep> Steps { get; set; } = [];

    /// <summary>The checks in order.</summary>
    public IList<FailoverCheckResult> Checks { get; set; } = [];

    /// <summary>The versions of what took part, by name.</summary>
    public IDictionary<string, string> Versions { get; set; } = new Dictionary<string, string>();

    /// <summary>The name of the context.</summary>
    public string Context { get; set; } = "";

    /// <summary>The machine and the kind.</summary>
    public override string ToString() => $"{Kind} failover of {VmName}";
}
