namespace AzureIaaS.Simulation.Engine;

/// <summary>Events in a heap with four children to a node: for more at once than a page takes.</summary>
internal sealed class EventHeap
{
    private Event[] _heap = new Event[64];
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count => _count;

    /// <summary>The first one; there has to be one.</summary>
    public ref readonly Event First => ref _heap[0];

    /// <summary>Forgets all.</summary>
    public void Clear() => _count = 0;

    /// <summary>Takes the first one.</summary>
    public Event Take()
    {
        var first = _heap[0];
        RemoveFirst();
        return first;
    }

    /// <summary>Adds one.</summary>
    /// <param name="time">When.</param>
    /// <param name="key">What.</param>
    public void Push(long time, ulong key)
    {
        if (_count == _heap.Length)
            Array.Resize(ref _heap, _count * 2);
        var heap = _heap;
        var at = _count++;
        while (at > 0)
        {
            var parent = (at - 1) >> 2;
            if (heap[parent].IsBefore(time, key))
                break;
            heap[at] = heap[parent];
            at = parent;
        }

        (heap[at].Time, heap[at].Key) = (time, key);
    }

    private void RemoveFirst()
    {
        var heap = _heap;
        var count = --_count;
        var last = heap[count];
        var at = 0;
        while (true)
        {
            var child = (at << 2) + 1;
            if (child >= count)
                break;
            var least = child;
            var end = Math.Min(child + 4, count);
            for (var i = child + 1; i < end; i++)
            {
                if (heap[i].IsBefore(heap[least].Time, heap[least].Key))
                    least = i;
            }

            if (!heap[least].IsBefore(last.Time, last.Key))
                break;
            heap[at] = heap[least];
            at = least;
        }

        heap[at] = last;
    }
}
