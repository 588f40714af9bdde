namespace AzureIaaS.Simulation.Engine;

/// <summary>The machines on each host. Each list lies together in memory, since a failure goes through all of it; its order means nothing.</summary>
internal sealed class HostMembers
{
    private const int FirstLength = 8;

    private readonly int[][] _members;
    private readonly int[] _counts;

    public HostMembers(int hosts)
    {
        _counts = new int[hosts];
        _members = new int[hosts][];
        for (var host = 0; host < hosts; host++)
            _members[host] = new int[FirstLength];
    }

    public ReadOnlySpan<int> this[int host] => _members[host].AsSpan(0, _counts[host]);

    public void Clear() => Array.Clear(_counts);

    public void Add(int host, int machine)
    {
        ref var members = ref _members[host];
        ref var count = ref _counts[host];
        if (count == members.Length)
            Array.Resize(ref members, count * 2);
        members[count++] = machine;
    }

    public void Remove(int host, int machine)
    {
        var members = _members[host].AsSpan(0, _counts[host]);
        members[members.IndexOf(machine)] = members[^1];
        _counts[host]--;
    }

    /// <summary>The machines of a host in the order of their numbers: that in which they are started.</summary>
    public ReadOnlySpan<int> Sorted(int host)
    {
        var members = _members[host].AsSpan(0, _counts[host]);
        for (var i = 1; i < members.Length; i++)
        {
            if (members[i] < members[i - 1])
            {
                members.Sort();
                break;
            }
        }

        return members;
    }

    /// <summary>Empties a host's list.</summary>
    public void Empty(int host) => _counts[host] = 0;
}

/// <summary>The machines that wait for room, in the order in which they came; a machine is on one list at most.</summary>
internal sealed class WaitingList(AlignedArray<MachineStatus> machines)
{
    private int _last = -1;

    public int First { get; private set; } = -1;

    public void Clear() => First = _last = -1;

    public void Add(int machine)
    {
        ref var added = ref machines[machine];
        (added.Next, added.Previous) = (-1, _last);
        if (_last >= 0)
            machines[_last].Next = machine;
        else
            First = machine;
        _last = machine;
    }

    public void Remove(int machine)
    {
        ref readonly var removed = ref machines[machine];
        if (removed.Previous >= 0)
            machines[removed.Previous].Next = removed.Next;
        else
            First = removed.Next;
        if (removed.Next >= 0)
            machines[removed.Next].Previous = removed.Previous;
        else
            _last = removed.Previous;
    }
}
