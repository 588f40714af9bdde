using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// Finds what <see cref="HostBoard.Choose"/> would, without looking at every host: a tree of minima for each size of machine and pool of hosts,
/// in which a host without room for the size stands at infinity. Every change of a host has to be told. A host that is given one machine after
/// another is kept outside of the trees for as long.
/// </summary>
internal sealed class HostIndex
{
    private const long LargestExact = 1L << 50;   // bytes of which every number has a share of its own

    private readonly HostBoard _board;
    private readonly (int Cpu, long Memory)[] _sizes;
    private readonly bool _areAlike;           // whether all hosts have as much memory: what is taken of it ranks them as its share does
    private readonly Place[] _places;          // [host]
    private readonly MinTree[][] _byPool;      // [size][pool]
    private readonly MinTree[][]? _byCell;     // [size][cell]; null where no machine is in a set
    private readonly Cell[][] _cells;          // [pool]
    private readonly double[] _asideKeys;      // [size]
    private int _aside = -1;                   // the host outside of the trees
    private int _last = -1;                    // the host that was last given a machine

    /// <summary>Indexes a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="sizes">The sizes that machines have.</param>
    /// <param name="poolOf">The pool of each host: where a machine of a pool can go.</param>
    /// <param name="hasSets">Whether any machine is in an availability set.</param>
    public HostIndex(HostBoard board, IReadOnlyList<(int Cpu, long Memory)> sizes, int[] poolOf, bool hasSets)
    {
        _board = board;
        _sizes = [.. sizes];
        _areAlike = Enumerable.Range(0, board.Count).All(h => board[h].Memory == board[0].Memory && board[h].Memory is > 0 and < LargestExact);
        var (inPool, pools) = Number(poolOf);
        var cells = new Dictionary<(int, int, int), int>();
        var cellOf = new int[board.Count];
        for (var host = 0; host < board.Count; host++)
        {
            var key = (poolOf[host], board[host].FaultDomain, board[host].UpdateDomain);
            if (!cells.TryGetValue(key, out cellOf[host]))
                cells[key] = cellOf[host] = cells.Count;
        }

        var (inCell, cellMembers) = Number(cellOf);
        _places = [.. Enumerable.Range(0, board.Count).Select(h => new Place(poolOf[h], inPool[h], cellOf[h], inCell[h]))];
        _cells = [.. pools.Select((_, pool) => cells.Where(c => c.Key.Item1 == pool).Select(c => new Cell(c.Value, c.Key.Item2, c.Key.Item3)).ToArray())];
        _byPool = [.. sizes.Select(_ => pools.Select(p => new MinTree(p)).ToArray())];
        _byCell = hasSets ? [.. sizes.Select(_ => cellMembers.Select(p => new MinTree(p)).ToArray())] : null;
        _asideKeys = new double[_sizes.Length];
        for (var host = 0; host < board.Count; host++)
            Changed(host);
    }

    /// <summary>Notes that a host's state or load has changed.</summary>
    /// <param name="host">The host.</param>
    public void Changed(int host)
    {
        if (host != _aside)
        {
            Enter(host);
            return;
        }

        for (var size = 0; size < _sizes.Length; size++)
            _asideKeys[size] = Key(host, size);
    }

    /// <summary>Notes that a host was given a machine.</summary>
    /// <param name="host">The host.</param>
    public void Taken(int host)
    {
        if (host == _last && host != _aside)
            SetAside(host);
        _last = host;
        Changed(host);
    }

    /// <summary>Fetches what is known of a host into the cache meanwhile.</summary>
    /// <param name="host">The host.</param>
    public void Prefetch(int host)
    {
        _board.Prefetch(host);
        foreach (var pools in _byPool)
            pools[_places[host].Pool].Prefetch(_places[host].InPool);
    }

    /// <summary>The host that comes first for a machine that has no place yet; -1 when none has room.</summary>
    /// <param name="size">The number of the machine's size.</param>
    /// <param name="set">Its availability set; -1 for none.</param>
    /// <param name="pool">The pool of hosts that it can go to.</param>
    public int Choose(int size, int set, int pool)
    {
        var aside = _aside >= 0 && _places[_aside].Pool == pool ? _asideKeys[size] : double.PositiveInfinity;
        if (set < 0)
        {
            var tree = _byPool[size][pool];
            return tree.Min < aside ? tree.First : double.IsPositiveInfinity(aside) ? -1 : aside < tree.Min ? _aside : Math.Min(_aside, tree.First);
        }

        var (best, bestRank) = (-1, default(HostRank));
        if (!double.IsPositiveInfinity(aside))
        {
            var (fault, update) = _board.Neighbours(set, _board[_aside].FaultDomain, _board[_aside].UpdateDomain);
            (best, bestRank) = (_aside, new HostRank(fault, update, aside));
        }

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

    private void SetAside(int host)
    {
        var former = _aside;
        _aside = host;
        if (former >= 0)
            Enter(former);
        ref readonly var place = ref _places[host];
        for (var size = 0; size < _sizes.Length; size++)
        {
            _byPool[size][place.Pool].Set(place.InPool, double.PositiveInfinity);
            _byCell?[size][place.Cell].Set(place.InCell, double.PositiveInfinity);
        }
    }

    private void Enter(int host)
    {
        ref readonly var place = ref _places[host];
        for (var size = 0; size < _sizes.Length; size++)
        {
            var key = Key(host, size);
            _byPool[size][place.Pool].Set(place.InPool, key);
            _byCell?[size][place.Cell].Set(place.InCell, key);
        }
    }

    private double Key(int host, int size)
    {
        ref readonly var offer = ref _board[host];
        var (cpu, memory) = _sizes[size];
        if (!offer.IsUp || offer.CpuUsed + cpu > offer.Cpu || offer.MemoryUsed + memory > offer.Memory)
            return double.PositiveInfinity;
        return _areAlike ? offer.MemoryUsed : offer.Load;
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

    private readonly record struct Place(int Pool, int InPool, int Cell, int InCell);

    private readonly record struct Cell(int Id, int FaultDomain, int UpdateDomain);
}
