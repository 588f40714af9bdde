namespace AzureIaaS.Hosts;

/// <summary>
/// Finds what <see cref="HostBoard.Choose"/> would, without looking at every host: a tree of minima for each size of machine and pool of hosts,
/// in which a host without room for the size stands at infinity. Every change of a host has to be told.
/// </summary>
internal sealed class HostIndex
{
    private readonly HostBoard _board;
    private readonly (int Cpu, long Memory)[] _sizes;
    private readonly int[] _poolOf;
    private readonly int[] _inPool;
    private readonly MinTree[][] _byPool;      // [size][pool]
    private readonly MinTree[][]? _byCell;     // [size][cell]; null where no machine is in a set
    private readonly int[] _cellOf;
    private readonly int[] _inCell;
    private readonly Cell[][] _cells;          // [pool]

    /// <summary>Indexes a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="sizes">The sizes that machines have.</param>
    /// <param name="poolOf">The pool of each host: where a machine of a pool can go.</param>
    /// <param name="hasSets">Whether any machine is in an availability set.</param>
    public HostIndex(HostBoard board, IReadOnlyList<(int Cpu, long Memory)> sizes, int[] poolOf, bool hasSets)
    {
        _board = board;
        _sizes = [.. sizes];
        _poolOf = poolOf;
        (_inPool, var pools) = Number(poolOf);
        var cells = new Dictionary<(int, int, int), int>();
        _cellOf = new int[board.Count];
        for (var host = 0; host < board.Count; host++)
        {
            var key = (poolOf[host], board[host].FaultDomain, board[host].UpdateDomain);
            if (!cells.TryGetValue(key, out _cellOf[host]))
                cells[key] = _cellOf[host] = cells.Count;
        }

        (_inCell, var cellMembers) = Number(_cellOf);
        _cells = [.. pools.Select((_, pool) => cells.Where(c => c.Key.Item1 == pool).Select(c => new Cell(c.Value, c.Key.Item2, c.Key.Item3)).ToArray())];
        _byPool = [.. sizes.Select(_ => pools.Select(p => new MinTree(p)).ToArray())];
        _byCell = hasSets ? [.. sizes.Select(_ => cellMembers.Select(p => new MinTree(p)).ToArray())] : null;
        for (var host = 0; host < board.Count; host++)
            Changed(host);
    }

    /// <summary>Notes that a host's state or load has changed.</summary>
    /// <param name="host">The host.</param>
    public void Changed(int host)
    {
        ref readonly var place = ref _board[host];
        for (var size = 0; size < _sizes.Length; size++)
        {
            var (cpu, memory) = _sizes[size];
            var key = place.IsUp && place.CpuUsed + cpu <= place.Cpu && place.MemoryUsed + memory <= place.Memory ? place.Load : double.PositiveInfinity;
            _byPool[size][_poolOf[host]].Set(_inPool[host], key);
            _byCell?[size][_cellOf[host]].Set(_inCell[host], key);
        }
    }

    /// <summary>The host that comes first for a machine that has no place yet; -1 when none has room.</summary>
    /// <param name="size">The number of the machine's size.</param>
    /// <param name="set">Its availability set; -1 for none.</param>
    /// <param name="pool">The pool of hosts that it can go to.</param>
    public int Choose(int size, int set, int pool)
    {
        if (set < 0)
            return _byPool[size][pool].First;
        var best = -1;
        HostRank bestRank = default;
        foreach (var cell in _cells[pool])
        {
            var tree = _byCell![size][cell.Id];
            if (double.IsPositiveInfinity(tree.Min))
                continue;
            var (fault, update) = _board.Neighbours(set, cell.FaultDomain, cell.UpdateDomain);
            var rank = new HostRank(fault, update, tree.Min);
            var order = best < 0 ? -1 : rank.CompareTo(bestRank);
            if (order > 0)
                continue;
            var host = tree.First;
            if (order < 0 || host < best)
                (best, bestRank) = (host, rank);
        }

        return best;
    }

    private static (int[] Positions, List<List<int>> Members) Number(int[] groupOf)
    {
        var positions = new int[groupOf.Length];
        var members = new List<List<int>>();
        for (var host = 0; host < groupOf.Length; host++)
        {
            while (members.Count <= groupOf[host])
                members.Add([]);
            positions[host] = members[groupOf[host]].Count;
            members[groupOf[host]].Add(host);
        }

        return (positions, members);
    }

    private readonly record struct Cell(int Id, int FaultDomain, int UpdateDomain);
}
