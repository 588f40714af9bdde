using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>What a run adds up: the time that each machine and application was up, down and planned down, why, and for how long at once.</summary>
internal sealed class Ledger
{
    private const int Longest = 20;

    private readonly AlignedArray<MachineStatus> _machines;
    private readonly MachineExtra[] _extras;
    private readonly ApplicationTotals[] _applications;
    private readonly bool _keepsMonths;
    private long _warmUp;
    private long _end;
    private int _waiting;

    public Ledger(Fleet fleet, AlignedArray<MachineStatus> machines, MachineExtra[] extras)
    {
        (_machines, _extras) = (machines, extras);
        _applications = new ApplicationTotals[fleet.Requirements.ApplicationCount];
        Batches = new BatchBook(_applications.Length);
        MachineMonths = new MonthBook(fleet.Model.Sla);
        _keepsMonths = MachineMonths.IsKept;
        ApplicationMonths = [.. _applications.Select(_ => new MonthBook(fleet.Model.Sla))];
        ApplicationCauses = [.. _applications.Select(_ => new double[CauseBook.Count])];
    }

    public ReadOnlySpan<MachineStatus> Machines => _machines.Span;

    public ReadOnlySpan<MachineExtra> Extras => _extras;

    public ReadOnlySpan<ApplicationTotals> Applications => _applications;

    public CauseBook Causes { get; } = new();

    public MonthBook MachineMonths { get; }

    public MonthBook[] ApplicationMonths { get; }

    /// <summary>The time that each application was unavailable, in ticks, by cause.</summary>
    public double[][] ApplicationCauses { get; }

    /// <summary>The time that machines spent in each phase of being down, in ticks.</summary>
    public double[] Phases { get; } = new double[CauseBook.Count];

    public BatchBook Batches { get; }

    public OutageHistogram MachineOutages { get; } = new();

    public OutageHistogram ApplicationOutages { get; } = new();

    public LongestOutages LongestMachineOutages { get; } = new(Longest);

    public LongestOutages LongestApplicationOutages { get; } = new(Longest);

    /// <summary>How often a machine found no room on any host, and the most that waited at once.</summary>
    public (long Times, int Peak) Shortfall { get; private set; }

    /// <summary>Recoveries from a replica: how many, the seconds of work that they lost in all, and the most.</summary>
    public (long Count, double Sum, double Most) Lost { get; private set; }

    public void Reset(long warmUp, long end)
    {
        (_warmUp, _end, _waiting) = (warmUp, end, 0);
        Array.Fill(_applications, new ApplicationTotals { Month = -1 });
        Causes.Reset();
        Array.Clear(Phases);
        Batches.Reset(warmUp, end);
        MachineMonths.Reset(warmUp, end);
        foreach (var book in ApplicationMonths)
            book.Reset(warmUp, end);
        foreach (var causes in ApplicationCauses)
            Array.Clear(causes);
        MachineOutages.Reset();
        ApplicationOutages.Reset();
        LongestMachineOutages.Reset();
        LongestApplicationOutages.Reset();
        (Shortfall, Lost) = ((0, 0), (0, 0, 0));
    }

    /// <summary>An unplanned interruption begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Interrupted(ref MachineStatus status, OutagePhase phase, OutageCause cause, int source, long now)
    {
        if (now >= _warmUp)
            status.Interruptions++;
        (status.Since, status.DownSince, status.Phase, status.Cause, status.Source, status.LackedRoom) = (now, now, phase, cause, source, false);
    }

    /// <summary>A planned interruption begins.</summary>
    public static void Planned(ref MachineStatus status, long now) =>
        (status.Since, status.DownSince, status.Cause, status.Source, status.Phase) = (now, now, OutageCause.Maintenance, -1, OutagePhase.Planned);

    /// <summary>A machine that is down goes on to another phase.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advanced(ref MachineStatus status, OutagePhase phase, long now)
    {
        Phases[(int)status.Phase] += Counted(status.Since, now);
        (status.Phase, status.Since) = (phase, now);
    }

    /// <summary>An interruption ends, or the run does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Close(int machine, ref MachineStatus status, long now, bool isEnd)
    {
        if (status.Phase == OutagePhase.Planned)
            EndPlanned(machine, ref status, now);
        else
            EndOutage(machine, ref status, now, isEnd);
        status.Since = now;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndOutage(int machine, ref MachineStatus status, long now, bool isEnd)
    {
        Phases[(int)status.Phase] += Counted(status.Since, now);
        var down = Counted(status.DownSince, now);
        status.Down += down;
        Causes.AddTime(status.Cause, down);
        Batches.Add(0, status.DownSince, now);
        if (_keepsMonths)
            AddMonth(machine, status.DownSince, now);
        if (status.DownSince < _warmUp)
            return;
        var length = now - status.DownSince;
        MachineOutages.Add(length);
        if (length > LongestMachineOutages.Threshold)
            Remember(machine, status, length, isEnd);
    }

    public void Struck(OutageCause cause, int machines, long now)
    {
        if (now >= _warmUp)
            Causes.AddEvent(cause, machines);
    }

    public void LackedRoom(int sign, long now)
    {
        _waiting += sign;
        if (sign > 0 && now >= _warmUp)
            Shortfall = (Shortfall.Times + 1, Math.Max(Shortfall.Peak, _waiting));
    }

    public void Recovered(double lost, long now)
    {
        if (now >= _warmUp)
            Lost = (Lost.Count + 1, Lost.Sum + lost, Math.Max(Lost.Most, lost));
    }

    public void ApplicationDown(int application, OutageCause cause, int source, long now)
    {
        ref var totals = ref _applications[application];
        (totals.IsDown, totals.Since, totals.Cause, totals.Source) = (true, now, cause, source);
        if (now >= _warmUp && cause != OutageCause.Maintenance)
            totals.Interruptions++;
    }

    public void ApplicationUp(int application, long now, bool isEnd = false)
    {
        ref var totals = ref _applications[application];
        totals.IsDown = false;
        var down = Counted(totals.Since, now);
        if (totals.Cause == OutageCause.Maintenance)
            totals.Planned += down;
        else
            totals.Down += down;
        ApplicationCauses[application][(int)totals.Cause] += down;
        Batches.Add(application + 1, totals.Since, now);
        ApplicationMonths[application].Add(ref totals.Month, ref totals.MonthDown, totals.Since, now);
        if (totals.Since < _warmUp)
            return;
        ApplicationOutages.Add(now - totals.Since);
        if (now - totals.Since > LongestApplicationOutages.Threshold)
            LongestApplicationOutages.Add(new LongOutage(now - totals.Since, totals.Since, application, totals.Cause, totals.Source, LackedRoom: false, isEnd));
    }

    /// <summary>Ends the run: what is still under way counts up to here.</summary>
    public void Finish(long now)
    {
        for (var machine = 0; machine < _machines.Length; machine++)
        {
            if (!_machines[machine].IsUp)
                Close(machine, ref _machines[machine], now, isEnd: true);
            if (MachineMonths.IsKept)
                MachineMonths.Finish(ref _extras[machine].Month, ref _extras[machine].MonthDown);
        }

        for (var application = 0; application < _applications.Length; application++)
        {
            ref var totals = ref _applications[application];
            if (totals.IsDown)
                ApplicationUp(application, now, isEnd: true);
            ApplicationMonths[application].Finish(ref totals.Month, ref totals.MonthDown);
        }
    }

    /// <summary>How much of a stretch counts.</summary>
    private long Counted(long from, long to) => Math.Max(0, to - Math.Max(from, _warmUp));

    private void AddMonth(int machine, long from, long to) => MachineMonths.Add(ref _extras[machine].Month, ref _extras[machine].MonthDown, from, to);

    private void Remember(int machine, in MachineStatus status, long length, bool isEnd) =>
        LongestMachineOutages.Add(new LongOutage(length, status.DownSince, machine, status.Cause, status.Source, status.LackedRoom, isEnd));

    /// <summary>A planned interruption ends.</summary>
    public void EndPlanned(int machine, ref MachineStatus status, long now)
    {
        var planned = Counted(status.Since, now);
        _extras[machine].Planned += planned;
        Phases[(int)OutagePhase.Planned] += planned;
        Causes.AddTime(OutageCause.Maintenance, planned);
        Batches.Add(0, status.Since, now);
        AddMonth(machine, status.Since, now);
    }
}

/// <summary>An application's time, in ticks after the warm-up.</summary>
internal struct ApplicationTotals
{
    public long Down;
    public long Planned;
    public long MonthDown;
    public long Since;
    public int Month;
    public int Interruptions;
    public int Source;
    public OutageCause Cause;
    public bool IsDown;
}
