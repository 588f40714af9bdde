using System.Runtime.InteropServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>A machine while it is simulated: what every failure touches, in one cache line. What few do is in <see cref="MachineExtra"/>.</summary>
internal struct MachineStatus
{
    /// <summary>When its present phase began.</summary>
    public long Since;

    /// <summary>When it went down.</summary>
    public long DownSince;

    /// <summary>Unplanned downtime after the warm-up.</summary>
    public long Down;

    /// <summary>Its host; -1 while it has none.</summary>
    public int Host;

    /// <summary>Its neighbours among those that wait for room.</summary>
    public int Next;
    public int Previous;

    /// <summary>The next one in the queue for a start on its host.</summary>
    public int Queued;

    /// <summary>The source that took it down; -1 for its own guest or maintenance.</summary>
    public int Source;

    /// <summary>Grows whenever an event that it waited for is overtaken.</summary>
    public int Round;

    /// <summary>Unplanned interruptions after the warm-up.</summary>
    public int Interruptions;

    /// <summary>Its group, and the pool that it lives in: they do not change, and are needed whenever the rest is.</summary>
    public ushort Class;
    public short HomePool;

    public OutagePhase Phase;
    public OutageCause Cause;

    /// <summary>Whether it runs in the second region.</summary>
    public bool IsAway;

    /// <summary>Whether it only stands still until its storage is back.</summary>
    public bool IsFrozen;

    /// <summary>Whether it has waited for room in this outage.</summary>
    public bool LackedRoom;

    public readonly bool IsUp => Phase == OutagePhase.None;
}

/// <summary>What only some models need of a machine.</summary>
internal struct MachineExtra
{
    /// <summary>Planned downtime after the warm-up.</summary>
    public long Planned;

    /// <summary>Downtime of the month under way, and its number.</summary>
    public long MonthDown;
    public int Month;

    /// <summary>How often it has been started: the number of its random numbers.</summary>
    public int Starts;
}

/// <summary>A host while it is simulated.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct HostStatus
{
    /// <summary>How many sources have it down.</summary>
    public int Down;

    /// <summary>Whether it is being maintained.</summary>
    public bool IsDraining;

    /// <summary>How many machines start on it.</summary>
    public int Starting;

    /// <summary>Those that wait for their turn to start.</summary>
    public int FirstQueued;
    public int LastQueued;

    /// <summary>Grows whenever it fails or comes back.</summary>
    public int Round;
}

/// <summary>A source of failures while it is simulated, with what each of its failures asks for beside it. It fills a cache line.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct SourceStatus
{
    /// <summary>When it will be back, once somebody repairs it.</summary>
    public long BackAt;

    public ulong Identity;

    /// <summary>How often it has failed.</summary>
    public int Round;

    /// <summary>The one host that it takes down, if nothing else depends on it; -1 where <see cref="FailureSource"/> says more.</summary>
    public int OnlyHost;

    /// <summary>The crews that repair it; -1 when it is repaired without one.</summary>
    public int Crews;

    /// <summary>The numbers of its laws.</summary>
    public int Between;
    public int Repair;

    public OutageCause Cause;
    public bool IsDown;

    public static SourceStatus Of(FailureSource source, Dictionary<Law, int> laws) => new()
    {
        Identity = source.Identity,
        Between = laws[source.Between],
        Repair = laws[source.Repair],
        Crews = source.Crews,
        Cause = source.Cause,
        OnlyHost = source is { Hosts.Length: 1, FailsAt: null, IsDisaster: false } ? source.Hosts[0] : -1,
    };
}
