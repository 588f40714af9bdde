namespace AzureIaaS.Local.Networking.Switching;

/// <summary>
/// What waits for a port, by where it comes from: each source has its turn, and as many bytes in it as the others (deficit round robin, Shreedhar
/// and Varghese 1995), so that a flood from one does not starve another. For the switch's thread alone; nothing is allocated once it has grown.
/// </summary>
internal sealed class FrameQueue(FramePool pool)
{
    /// <summary>How many frames of one source may wait.</summary>
    public const int MostOfOne = 256;

    private const int Quantum = FramePool.SlotSize;
    private const int None = -1;

    private readonly Queue<int> _turns = new();
    private Node[] _nodes = [];
    private Flow[] _flows = [];
    private int _freeNode = None;

    /// <summary>How many frames wait.</summary>
    public int Count { get; private set; }

    /// <summary>How many frames of a source wait.</summary>
    public int CountOf(int source) => source < _flows.Length ? _flows[source].Count : 0;

    /// <summary>Adds a frame, and holds its slot.</summary>
    /// <returns>False when its source has too many waiting already.</returns>
    public bool Add(int source, int slot)
    {
        if (source >= _flows.Length)
        {
            var known = _flows.Length;
            Array.Resize(ref _flows, Math.Max(source + 1, 2 * known));
            Array.Fill(_flows, new Flow { First = None, Last = None }, known, _flows.Length - known);
        }

        ref var flow = ref _flows[source];
        if (flow.Count >= MostOfOne)
            return false;
        var node = TakeNode(slot);
        if (flow.Count++ == 0)
        {
            flow.First = node;
            _turns.Enqueue(source);
        }
        else
        {
            _nodes[flow.Last].Next = node;
        }

        flow.Last = node;
        pool.Hold(slot);
        Count++;
        return true;
    }

    /// <summary>Takes the next frames, in fair order. Their slots stay held.</summary>
    /// <param name="slots">Receives them.</param>
    /// <returns>How many.</returns>
    public int Take(Span<int> slots)
    {
        var taken = 0;
        while (taken < slots.Length && _turns.TryPeek(out var source))
        {
            ref var flow = ref _flows[source];
            if (!flow.HasTurn)
                (flow.HasTurn, flow.Deficit) = (true, flow.Deficit + Quantum);
            while (taken < slots.Length && flow.Count > 0 && pool.Length(_nodes[flow.First].Slot) is var length && length <= flow.Deficit)
            {
                flow.Deficit -= length;
                slots[taken++] = RemoveFirst(ref flow);
            }

            if (flow.Count == 0)
            {
                _turns.Dequeue();
                (flow.HasTurn, flow.Deficit) = (false, 0);
            }
            else if (taken < slots.Length)
            {
                _turns.Enqueue(_turns.Dequeue());
                flow.HasTurn = false;
            }
        }

        return taken;
    }

    private int RemoveFirst(ref Flow flow)
    {
        var node = flow.First;
        var slot = _nodes[node].Slot;
        flow.First = _nodes[node].Next;
        flow.Count--;
        Count--;
        _nodes[node].Next = _freeNode;
        _freeNode = node;
        return slot;
    }

    private int TakeNode(int slot)
    {
        if (_freeNode == None)
        {
            var known = _nodes.Length;
            Array.Resize(ref _nodes, Math.Max(64, 2 * known));
            for (var i = _nodes.Length - 1; i >= known; i--)
            {
                _nodes[i].Next = _freeNode;
                _freeNode = i;
            }
        }

        var node = _freeNode;
        _freeNode = _nodes[node].Next;
        _nodes[node] = new Node { Slot = slot, Next = None };
        return node;
    }

    private struct Node
    {
        public int Slot;
        public int Next;
    }

    private struct Flow
    {
        public int First;
        public int Last;
        public int Count;
        public int Deficit;
        public bool HasTurn;
    }
}
