using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// The machines on each host; the order in a list means nothing. A failure goes through all of a list, so each has its own cache lines, its length
/// in front; one that outgrows them lies elsewhere.
/// </summary>
internal sealed unsafe class HostMembers
{
    private const int Line = 16;             // numbers in a cache line
    private const int LongestLine = 8;       // lines that a host gets at most

    private readonly int _room;              // machines that fit into a host's lines
    private readonly AlignedArray<int> _lists;
    private readonly int[]?[] _elsewhere;

    /// <summary>Empty lists.</summary>
    /// <param name="hosts">How many hosts there are.</param>
    /// <param name="each">How many machines a host has on the average.</param>
    public HostMembers(int hosts, int each)
    {
        _room = (Math.Clamp((each + (each / 4) + Line) / Line, 1, LongestLine) * Line) - 1;
        _lists = new AlignedArray<int>(hosts * (_room + 1));
        _elsewhere = new int[]?[hosts];
    }

    public ReadOnlySpan<int> this[int host] => Of(host);

    public void Clear()
    {
        for (var host = 0; host < _elsewhere.Length; host++)
            Empty(host);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int host, int machine)
    {
        ref var count = ref _lists[host * (_room + 1)];
        if (count < _room)
        {
            Unsafe.Add(ref count, ++count) = machine;
            return;
        }

        AddElsewhere(host, ref count, machine);
    }

    /// <summary>Adds several, as one after another would be.</summary>
    public void Add(int host, ReadOnlySpan<int> machines)
    {
        ref var count = ref _lists[host * (_room + 1)];
        if (count + machines.Length > _room)
        {
            foreach (var machine in machines)
                Add(host, machine);
            return;
        }

        for (var i = 0; i < machines.Length; i++)
            Unsafe.Add(ref count, count + 1 + i) = machines[i];
        count += machines.Length;
    }

    private void AddElsewhere(int host, ref int count, int machine)
    {
        ref var list = ref _elsewhere[host];
        if (count == _room)
        {
            list ??= new int[2 * _room];
            Of(host).CopyTo(list);
        }
        else if (count == list!.Length)
        {
            Array.Resize(ref list, count * 2);
        }

        list[count++] = machine;
    }

    public void Remove(int host, int machine)
    {
        var members = Of(host);
        members[members.IndexOf(machine)] = members[^1];
        if (members.Length == _room + 1)
            members[.._room].CopyTo(new Span<int>(_lists.Start + (host * (_room + 1)) + 1, _room));
        _lists[host * (_room + 1)]--;
    }

    /// <summary>The machines of a host in the order of their numbers: that in which they are started.</summary>
    public ReadOnlySpan<int> Sorted(int host)
    {
        var members = Of(host);
        if (members.Length > Line)
            members.Sort();
        else if (members.Length > 1)
            SortFew(members);
        return members;
    }

    /// <summary>Empties a host's list. What it was stays readable until machines are added.</summary>
    public void Empty(int host) => _lists[host * (_room + 1)] = 0;

    /// <summary>Fetches a host's list into the cache meanwhile.</summary>
    public void Prefetch(int host)
    {
        for (var line = 0; line <= _room; line += Line)
            _lists.Prefetch((host * (_room + 1)) + line);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<int> Of(int host)
    {
        var list = host * (_room + 1);
        var count = _lists[list];
        return count <= _room ? new Span<int>(_lists.Start + list + 1, count) : _elsewhere[host].AsSpan(0, count);
    }

    // Each goes to where as many are before it as are less: how often a comparison would go which way cannot be foreseen.
    private static void SortFew(Span<int> members)
    {
        var few = stackalloc int[Line];
        Vector256.Store(Vector256.Create(int.MaxValue), few);
        Vector256.Store(Vector256.Create(int.MaxValue), few + 8);
        members.CopyTo(new Span<int>(few, Line));
        var (low, high) = (Vector256.Load(few), Vector256.Load(few + 8));
        for (var i = 0; i < members.Length; i++)
        {
            var machine = Vector256.Create(few[i]);
            var less = Vector256.LessThan(low, machine).ExtractMostSignificantBits() | (Vector256.LessThan(high, machine).ExtractMostSignificantBits() << 8);
            members[BitOperations.PopCount(less)] = few[i];
        }
    }
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
