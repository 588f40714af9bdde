namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// What happens. The order is that of events at the same moment: first what ends comes back, then what fails fails, then what was noticed or
/// decided is acted upon; so a machine that is placed finds every host that is back by then, and none that fails at that very moment.
/// </summary>
internal enum EventKind
{
    Repaired,
    MaintenanceEnded,
    Started,
    PlannedEnded,
    Failed,
    GuestFailed,
    HostDetected,
    GuestDetected,
    Decided,
    FailedBack,
    MaintenanceBegan,
}

/// <summary>An event's kind, thing and round in one number: <c>kind:8 thing:32 round:24</c>. The round tells an event that was overtaken.</summary>
internal static class EventKey
{
    public static ulong Of(EventKind kind, int thing, int round = 0) => ((ulong)kind << 56) | ((ulong)(uint)thing << 24) | ((uint)round & 0xFFFFFF);

    public static EventKind Kind(ulong key) => (EventKind)(key >> 56);

    public static int Thing(ulong key) => (int)(uint)(key >> 24);

    public static bool IsRound(ulong key, int round) => (key & 0xFFFFFF) == ((uint)round & 0xFFFFFF);
}
