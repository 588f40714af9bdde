using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// Events that come the same while after they were added, and so in that order: a ring, with nothing to be sorted. After the last of them lies one
/// that never happens, so that the first can be looked at without asking whether there is one.
/// </summary>
internal sealed unsafe class EventLane
{
    private const int MostSteps = 8;   // that one which does come before others may be put forward

    private AlignedArray<Event> _memory = null!;   // as long as a power of two
    private Event* _ring;                          // the same, without asking at each event whether an index is within
    private int _mask;
    private int _head;                       // both count up for ever, and wrap around
    private int _tail;

    public EventLane()
    {
        Use(new AlignedArray<Event>(64));
        Clear();
    }

    /// <summary>How many there are.</summary>
    public int Count => _tail - _head;

    /// <summary>The first one; when there is none, one at <see cref="Clock.Never"/>.</summary>
    public ref readonly Event First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _ring[_head & _mask];
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        (_head, _tail) = (0, 0);
        (_ring[0].Time, _ring[0].Key) = (Clock.Never, ulong.MaxValue);
    }

    /// <summary>Drops the first one; there has to be one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Drop() => _head++;

    /// <summary>Adds one, unless it comes before too many that are there.</summary>
    /// <param name="time">When; before <see cref="Clock.Never"/>.</param>
    /// <param name="key">What.</param>
    /// <returns>Whether it was added.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(long time, ulong key)
    {
        if (_tail - _head >= _mask)
            Grow();
        var ring = _ring;
        var (mask, tail) = (_mask, _tail);
        if (tail != _head && !ring[(tail - 1) & mask].IsBefore(time, key))
            return TryInsert(time, key);
        var last = ring + (tail & mask);
        (last->Time, last->Key) = (time, key);
        _tail = ++tail;
        var never = ring + (tail & mask);
        (never->Time, never->Key) = (Clock.Never, ulong.MaxValue);
        return true;
    }

    private bool TryInsert(long time, ulong key)
    {
        var mask = _mask;
        var at = _tail;
        while (at != _head && !_ring[(at - 1) & mask].IsBefore(time, key))
        {
            if (_tail - --at > MostSteps)
                return false;
        }

        for (var moved = _tail; moved != at - 1; moved--)
            _ring[(moved + 1) & mask] = _ring[moved & mask];   // the one that never happens first
        (_ring[at & mask].Time, _ring[at & mask].Key) = (time, key);
        _tail++;
        return true;
    }

    private void Grow()
    {
        var larger = new AlignedArray<Event>(_memory.Length * 2);
        var count = Count;
        for (var i = 0; i <= count; i++)
            larger[i] = _ring[(_head + i) & _mask];
        Use(larger);
        (_head, _tail) = (0, count);
    }

    private void Use(AlignedArray<Event> memory)
    {
        _memory = memory;
        _ring = memory.Start;
        _mask = memory.Length - 1;
    }
}
