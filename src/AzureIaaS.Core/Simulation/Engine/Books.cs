using System.Numerics;
using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>What each cause has done.</summary>
internal sealed class CauseBook
{
    /// <summary>How many causes, and how many phases, there are.</summary>
    public const int Count = 9;

    /// <summary>Machine time lost, in ticks.</summary>
    public double[] Time { get; } = new double[Count];

    /// <summary>How often it happened.</summary>
    public long[] Events { get; } = new long[Count];

    /// <summary>How many machines it interrupted in all.</summary>
    public long[] Machines { get; } = new long[Count];

    /// <summary>How many it interrupted at once at most.</summary>
    public int[] Most { get; } = new int[Count];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTime(OutageCause cause, double ticks) => Time[(int)cause] += ticks;

    public void AddEvent(OutageCause cause, int machines)
    {
        Events[(int)cause]++;
        Machines[(int)cause] += machines;
        Most[(int)cause] = Math.Max(Most[(int)cause], machines);
    }

    public void Add(CauseBook other)
    {
        for (var i = 0; i < Count; i++)
        {
            Time[i] += other.Time[i];
            Events[i] += other.Events[i];
            Machines[i] += other.Machines[i];
            Most[i] = Math.Max(Most[i], other.Most[i]);
        }
    }

    public void Reset()
    {
        Array.Clear(Time);
        Array.Clear(Events);
        Array.Clear(Machines);
        Array.Clear(Most);
    }
}

/// <summary>How many months, of 30 days, kept a promise or earned which credit.</summary>
internal sealed class MonthBook
{
    /// <summary>A month in ticks.</summary>
    public const long Month = 30L * 86400 * 1_000_000;

    private readonly long[] _limits;   // the most downtime of a month that does not fall below each credit's availability
    private long _warmUp;

    public MonthBook(SlaModel? sla)
    {
        Percents = sla is null ? [] : [.. sla.Credits.OrderByDescending(c => c.Below).Select(c => c.Percent)];
        _limits = sla is null ? [] : [.. sla.Credits.OrderByDescending(c => c.Below).Select(c => (long)Math.Round((1 - (c.Below / 100)) * Month))];
        Promise = sla is null ? long.MaxValue : (long)Math.Round((1 - (sla.Target / 100)) * Month);
        Credited = new long[_limits.Length];
    }

    /// <summary>The downtime that the promise allows in a month, in ticks.</summary>
    public long Promise { get; }

    /// <summary>Whether there is a promise to keep a book for.</summary>
    public bool IsKept => Promise != long.MaxValue;

    public double[] Percents { get; }

    /// <summary>The months that broke the promise.</summary>
    public long Missed { get; private set; }

    /// <summary>The months that earned each credit, and no higher one.</summary>
    public long[] Credited { get; }

    /// <summary>The whole months of the run.</summary>
    public int Months { get; private set; }

    public void Reset(long warmUp, long end)
    {
        (_warmUp, Missed, Months) = (warmUp, 0, (int)((end - warmUp) / Month));
        Array.Clear(Credited);
    }

    /// <summary>Adds an outage to the month, or the months, that it fell into.</summary>
    public void Add(ref int month, ref long down, long from, long to)
    {
        if (!IsKept)
            return;
        from = Math.Max(from, _warmUp) - _warmUp;
        to -= _warmUp;
        while (from < to)
        {
            var index = (int)(from / Month);
            if (index != month)
            {
                Finish(ref month, ref down);
                month = index;
            }

            var part = Math.Min(to, (index + 1L) * Month) - from;
            down += part;
            from += part;
        }
    }

    /// <summary>Writes down the month under way.</summary>
    public void Finish(ref int month, ref long down)
    {
        if (month >= 0 && month < Months && down > 0)
        {
            if (down > Promise)
                Missed++;
            for (var i = _limits.Length - 1; i >= 0; i--)
            {
                if (down <= _limits[i])
                    continue;
                Credited[i]++;
                break;
            }
        }

        (month, down) = (-1, 0);
    }
}

/// <summary>How long outages lasted.</summary>
internal sealed class OutageHistogram
{
    /// <summary>The upper ends of the classes, in seconds; the last class has none.</summary>
    public static readonly double[] Ends = [1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600];

    private static readonly long[] Limits = [.. Ends.Select(Clock.Ticks)];

    // The class of each power of two, and so the first that a number with as many binary digits can be in.
    private static readonly byte[] FirstClass = [.. Enumerable.Range(0, 63).Select(digit => (byte)Limits.Count(limit => limit <= 1L << digit))];

    public long[] Counts { get; } = new long[Ends.Length + 1];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long ticks)
    {
        int at = FirstClass[BitOperations.Log2((ulong)ticks | 1)];
        while (at < Limits.Length && ticks >= Limits[at])
            at++;
        Counts[at]++;
    }

    public void Add(OutageHistogram other)
    {
        for (var i = 0; i < Counts.Length; i++)
            Counts[i] += other.Counts[i];
    }

    public void Reset() => Array.Clear(Counts);
}

/// <summary>An outage that was longer than most.</summary>
internal readonly record struct LongOutage(long Ticks, long Began, int Who, OutageCause Cause, int Source, bool LackedRoom, bool WasCutOff)
{
    /// <summary>Whether others went down with it, at the same moment.</summary>
    public bool HadCompany { get; init; }
}

/// <summary>The longest outages, longest first; of equals, the earliest.</summary>
internal sealed class LongestOutages(int most)
{
    private readonly List<LongOutage> _outages = new(most + 1);

    public IReadOnlyList<LongOutage> Outages => _outages;

    /// <summary>The length, in ticks, that a longer one has to have to be kept.</summary>
    public long Threshold { get; private set; } = -1;

    public void Add(LongOutage outage)
    {
        // An event that takes many down is told once, by the one that was down longest.
        var same = outage.Source < 0 ? -1 : _outages.FindIndex(o => o.Source == outage.Source && o.Began == outage.Began);
        if (same >= 0)
        {
            outage = (_outages[same].Ticks > outage.Ticks ? _outages[same] : outage) with { HadCompany = true };
            _outages.RemoveAt(same);
        }

        var at = _outages.Count;
        while (at > 0 && _outages[at - 1].Ticks < outage.Ticks)
            at--;
        _outages.Insert(at, outage);
        if (_outages.Count > most)
            _outages.RemoveAt(most);
        if (_outages.Count == most)
            Threshold = _outages[^1].Ticks;
    }

    public void Reset()
    {
        _outages.Clear();
        Threshold = -1;
    }
}
