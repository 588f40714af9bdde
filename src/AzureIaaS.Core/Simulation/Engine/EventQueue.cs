using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>An event: when, and what, as one number that also orders events of the same time.</summary>
internal struct Event
{
    public long Time;
    public ulong Key;

    // Without a branch: which way it goes cannot be foreseen.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsBefore(long time, ulong key) => (Time < time) | ((Time == time) & (Key < key));
}

/// <summary>
/// The events to come, in the order of time and then of key, whatever the order in which they were added. A calendar: far events lie unsorted in
/// buckets of equal width, those of the present bucket sorted on a page, or in a heap where they are many, so both ends cost the same however many
/// there are. It sets its own width and number of buckets by what it sees.
/// </summary>
/// <param name="expected">Told the key of an event on the page before its own; null for nobody. What is added later than that is not told.</param>
/// <param name="coming">Told the key of an event a few events before it; null for nobody.</param>
internal sealed partial class EventQueue(Action<ulong>? expected = null, Action<ulong>? coming = null)
{
    private const int FewestBuckets = 64;
    private const int MostBuckets = 1 << 22;
    private const int FewestOnPage = 8;   // events on the average: with fewer the page is widened
    private const int MostOnPage = 40;
    private const int LongestPage = 64;
    private const int EnoughPages = 256;  // to learn from
    private const int Few = 4;            // events ahead that memory is fetched: later is too late, and much earlier it is gone again
    private const int Nil = -1;

    private readonly Event[] _page = NewPage();   // of the present day: sorted, the first event last, and one before all times in front
    private readonly EventHeap _crowd = new();                     // what does not fit on the page
    private readonly EventLane _lane = new();                      // what comes in the order in which it was added
    private int _pageCount;
    private Node[] _nodes = new Node[64];
    private int _free = Nil;
    private int _used;
    private int[] _buckets = NewBuckets(FewestBuckets);
    private int _shift = 24;   // the width of a bucket: 2^24 microseconds are 17 s
    private long _day;         // the number of the present bucket since time began
    private int _ahead = Nil;  // the event of the next page, or a later year's, that is looked at next
    private int _far;
    private int _taken;
    private int _turned;
    private int _visited;

    /// <summary>How many events there are.</summary>
    public int Count => _pageCount + _crowd.Count + _far + _lane.Count;

    /// <summary>The width of a bucket, in ticks.</summary>
    public long Width => 1L << _shift;

    /// <summary>Forgets all events; what was learnt about their density stays.</summary>
    public void Clear()
    {
        _pageCount = _far = _used = 0;
        _crowd.Clear();
        _lane.Clear();
        _free = _ahead = Nil;
        _day = 0;
        Array.Fill(_buckets, Nil);
    }

    /// <summary>Adds an event.</summary>
    /// <param name="time">When; not before the last one taken.</param>
    /// <param name="key">What.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long time, ulong key)
    {
        var day = time >> _shift;
        if (day <= _day)
        {
            Push(time, key);
            return;
        }

        if (_far >= _buckets.Length * 2 && _buckets.Length < MostBuckets)
        {
            Rebuild(_shift, _buckets.Length * 4);
            Add(time, key);
            return;
        }

        AddFar(time, key, day);
    }

    /// <summary>Adds an event of the sort that always comes the same while after it is added: that costs less.</summary>
    /// <param name="time">When; not before the last one taken.</param>
    /// <param name="key">What.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddInTurn(long time, ulong key)
    {
        if (!_lane.TryAdd(time, key))
            Add(time, key);
    }

    /// <summary>Takes the first event if it was added by <see cref="AddInTurn"/>, and that can be told at once.</summary>
    /// <param name="next">Receives it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeInTurn(out Event next)
    {
        ref readonly var first = ref _lane.First;
        ref readonly var other = ref _page[_pageCount];
        (next.Time, next.Key) = (first.Time, first.Key);
        if (!first.IsBefore(other.Time, other.Key) || _crowd.Count > 0)
            return false;
        _lane.Drop();
        return true;
    }

    /// <summary>Takes the first event.</summary>
    /// <param name="next">Receives it.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTake(out Event next)
    {
        next = _lane.First;
        if (!HasPage && !Turn())
        {
            if (_lane.Count == 0)
                return false;
            _lane.Drop();
            return true;
        }

        var isOnPage = _crowd.Count == 0 || (_pageCount > 0 && _page[_pageCount].IsBefore(_crowd.First.Time, _crowd.First.Key));
        ref readonly var other = ref isOnPage ? ref _page[_pageCount] : ref _crowd.First;
        if (next.IsBefore(other.Time, other.Key))
        {
            _lane.Drop();
            return true;
        }

        _taken++;
        if (_ahead != Nil)
            LookAhead();
        if (!isOnPage)
        {
            next = _crowd.Take();
            return true;
        }

        next = other;
        if (--_pageCount >= Few)
            coming?.Invoke(_page[_pageCount - Few + 1].Key);
        return true;
    }

    /// <summary>The time of the first event; <see cref="Clock.Never"/> when there is none.</summary>
    public long NextTime => !HasPage && !Turn() ? _lane.First.Time
        : Math.Min(_lane.First.Time, Math.Min(_pageCount > 0 ? _page[_pageCount].Time : Clock.Never, _crowd.Count > 0 ? _crowd.First.Time : Clock.Never));

    private bool HasPage => _pageCount > 0 || _crowd.Count > 0;

    private static Event[] NewPage()
    {
        var page = new Event[LongestPage + 1];
        page[0].Time = long.MinValue;
        return page;
    }

    private static int[] NewBuckets(int count)
    {
        var buckets = new int[count];
        Array.Fill(buckets, Nil);
        return buckets;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Push(long time, ulong key)
    {
        if (_pageCount == LongestPage)
        {
            _crowd.Push(time, key);
            return;
        }

        // The last is the first to happen, and most of what is added happens soon.
        var page = _page;
        var at = ++_pageCount;
        for (; at > 1 && page[at - 1].IsBefore(time, key); at--)
            page[at] = page[at - 1];
        // Field by field: a whole that is read where its parts have just been written waits until they have reached the cache.
        (page[at].Time, page[at].Key) = (time, key);
    }

    private struct Node
    {
        public Event Event;
        public int Next;
    }
}
