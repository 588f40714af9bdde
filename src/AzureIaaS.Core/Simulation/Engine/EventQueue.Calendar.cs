using System.Numerics;

namespace AzureIaaS.Simulation.Engine;

/// <summary>The buckets of days to come, and how wide and how many they are.</summary>
internal sealed partial class EventQueue
{
    private void AddFar(long time, ulong key, long day)
    {
        var node = _free;
        if (node != Nil)
        {
            _free = _nodes[node].Next;
        }
        else
        {
            if (_used == _nodes.Length)
                Array.Resize(ref _nodes, _used * 2);
            node = _used++;
        }

        ref var bucket = ref _buckets[(int)day & (_buckets.Length - 1)];
        ref var entry = ref _nodes[node];
        (entry.Event.Time, entry.Event.Key, entry.Next) = (time, key, bucket);
        bucket = node;
        _far++;
    }

    // Turns the calendar's pages until there is an event on one.
    private bool Turn()
    {
        var idle = 0;
        while (!HasPage)
        {
            if (_far == 0)
                return false;
            if ((_turned >= EnoughPages || _taken >= EnoughPages * MostOnPage) && Tune())
                continue;
            _turned++;
            _day++;
            Open();
            if (!HasPage && ++idle > _buckets.Length)
            {
                // Everything is more than a year away: go there at once.
                _day = Earliest() >> _shift;
                Open();
            }
        }

        if (coming is not null)
        {
            for (var at = _pageCount; at > Math.Max(0, _pageCount - Few); at--)
                coming(_page[at].Key);
        }

        return true;
    }

    private void Open()
    {
        while (_ahead != Nil)
            LookAhead();
        if (expected is not null)
            _ahead = _buckets[(int)(_day + 1) & (_buckets.Length - 1)];
        ref var bucket = ref _buckets[(int)_day & (_buckets.Length - 1)];
        var node = bucket;
        if (node == Nil)
            return;
        var kept = Nil;
        while (node != Nil)
        {
            ref var entry = ref _nodes[node];
            var next = entry.Next;
            if (entry.Event.Time >> _shift == _day)
            {
                Push(entry.Event.Time, entry.Event.Key);
                entry.Next = _free;
                _free = node;
                _far--;
            }
            else
            {
                entry.Next = kept;
                kept = node;
                _visited++;
            }

            node = next;
        }

        bucket = kept;
    }

    // One event of the next page for each that is taken: what it points to is there when its turn comes.
    private void LookAhead()
    {
        ref readonly var entry = ref _nodes[_ahead];
        _ahead = entry.Next;
        if (_ahead != Nil)
            Memory.Prefetch(ref _nodes[_ahead]);
        if (entry.Event.Time >> _shift == _day + 1)
            expected!(entry.Event.Key);
    }

    // A page with few events costs turning, one with many costs sorting; events of other years cost looking at them.
    private bool Tune()
    {
        var perPage = (double)_taken / _turned;
        var (shift, buckets) = (_shift, _buckets.Length);
        // None among n may still be three among the next n (the rule of three, Hanley and Lippman-Hand 1983): widened for none, a page would hold everything.
        if (perPage < FewestOnPage)
            shift = Math.Min(56, shift + Math.Max(1, BitOperations.Log2((uint)(FewestOnPage * (double)_turned / (_taken + 3)))));
        else if (perPage > MostOnPage && shift > 4)
            shift -= Math.Max(1, BitOperations.Log2((uint)(perPage / FewestOnPage)) - 1);
        if (_visited > 2 * _taken && buckets < MostBuckets && buckets < 8 * Math.Max(FewestBuckets, _far))
            buckets *= 2;
        (_taken, _turned, _visited) = (0, 0, 0);
        if (shift == _shift && buckets == _buckets.Length)
            return false;
        Rebuild(Math.Max(0, shift), buckets);
        return true;
    }

    private void Rebuild(int shift, int buckets)
    {
        var events = new Event[_far];
        var count = 0;
        foreach (var head in _buckets)
        {
            for (var node = head; node != Nil; node = _nodes[node].Next)
                events[count++] = _nodes[node].Event;
        }

        // The end of the present page is where the new present page begins, or before it: what it takes in goes on the page.
        var end = (_day + 1) << _shift;
        (_shift, _day) = (shift, (end - 1) >> shift);
        if (buckets == _buckets.Length)
            Array.Fill(_buckets, Nil);
        else
            _buckets = NewBuckets(buckets);
        (_far, _used, _free, _ahead) = (0, 0, Nil, Nil);
        foreach (var e in events)
        {
            if (e.Time >> shift <= _day)
                Push(e.Time, e.Key);
            else
                AddFar(e.Time, e.Key, e.Time >> shift);
        }
    }

    private long Earliest()
    {
        var earliest = Clock.Never;
        foreach (var head in _buckets)
        {
            for (var node = head; node != Nil; node = _nodes[node].Next)
                earliest = Math.Min(earliest, _nodes[node].Event.Time);
        }

        return earliest;
    }
}
