using System.Numerics;
using System.Runtime.CompilerServices;
using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// Finds what <see cref="HostBoard.Choose"/> would, without looking at every host: hosts in order for each size of machine and pool of hosts, where one
/// without room for the size stands at infinity. Every change of a host has to be told.
/// </summary>
internal sealed class HostIndex
{
    private const int MostLevels = 4096;
    private const long MostBits = 1L << 28;

    private readonly HostBoard _board;
    private readonly (int Cpu, long Memory)[] _sizes;
    private readonly long _unit;               // of memory, where hosts are alike: what is taken of it then ranks them as its share does; else 0
    private readonly double _perUnit;
    private readonly int _shift;               // the unit as a power of two; -1 where it is none
    private readonly Place[] _places;          // [host]
    private readonly HostOrder[][] _byPool;    // [size][pool]
    private readonly HostOrder[][]? _byCell;   // [size][cell]; null where no machine is in a set
    private readonly Cell[][] _cells;          // [pool]
    private readonly LevelOrder? _only;        // where there is no other, and a host's place is its number
    private readonly (int Cpu, long Memory) _size;   // the only one, then, and the unit

    /// <summary>Indexes a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="sizes">The sizes that machines have.</param>
    /// <param name="poolOf">The pool of each host: where a machine of a pool can go.</param>
    /// <param name="hasSets">Whether any machine is in an availability set.</param>
    public HostIndex(HostBoard board, IReadOnlyList<(int Cpu, long Memory)> sizes, int[] poolOf, bool hasSets)
    {
        _board = board;
        _sizes = [.. sizes];
        _unit = Unit(board, _sizes);
        _perUnit = 1.0 / _unit;
        _shift = BitOperations.IsPow2(_unit) ? BitOperations.TrailingZeroCount(_unit) : -1;
        var levels = _unit == 0 ? 0 : (int)(board[0].Memory / _unit) + 1;
        HostOrder NewOrder(List<int> members) => _unit == 0 ? new MinTree(members) : new LevelOrder(members, levels);
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
        _byPool = [.. sizes.Select(_ => pools.Select(NewOrder).ToArray())];
        _byCell = hasSets ? [.. sizes.Select(_ => cellMembers.Select(NewOrder).ToArray())] : null;
        (_only, _size) = (_byPool is [[LevelOrder one]] && _byCell is null ? one : null, _sizes is [var size] ? size : default);
        for (var host = 0; host < board.Count; host++)
            Changed(host);
    }

    /// <summary>Notes that a host's state or load has changed.</summary>
    /// <param name="host">The host.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Changed(int host)
    {
        if (_only is not { } only)
        {
            ChangedForAll(host);
            return;
        }

        ref readonly var offer = ref _board[host];
        only.Put(host, HasRoom(offer, _size) ? Level(offer.MemoryUsed) : -1);
    }

    private void ChangedForAll(int host)
    {
        ref readonly var place = ref _places[host];
        for (var size = 0; size < _sizes.Length; size++)
        {
            var key = Key(host, size);
            _byPool[size][place.Pool].Set(place.InPool, key);
            _byCell?[size][place.Cell].Set(place.InCell, key);
        }
    }

    /// <summary>Fetches what is known of a host into the cache meanwhile.</summary>
    /// <param name="host">The host.</param>
    public void Prefetch(int host)
    {
        _board.Prefetch(host);
        if (_only is not null)
            return;
        foreach (var pools in _byPool)
            pools[_places[host].Pool].Prefetch(_places[host].InPool);
    }

    /// <summary>The host that comes first for a machine that has no place yet; -1 when none has room.</summary>
    /// <param name="size">The number of the machine's size.</param>
    /// <param name="set">Its availability set; -1 for none.</param>
    /// <param name="pool">The pool of hosts that it can go to.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Choose(int size, int set, int pool)
    {
        if (_only is { } only)
            return only.First;
        return set < 0 ? _byPool[size][pool].First : ChooseInCells(size, set, pool);
    }

    /// <summary>Whether all machines are alike to all hosts.</summary>
    public bool IsAlike => _only is not null;

    /// <summary>The host that comes first where all machines are alike; -1 when none has room.</summary>
    /// <param name="most">How many machines there are to be placed.</param>
    /// <param name="several">Receives how many of them it takes one after another before a different host comes first, or fewer.</param>
    public int ChooseAlike(int most, out int several)
    {
        var host = _only!.First;
        several = 1;
        if (host < 0)
            return host;
        // A machine is as large as the unit: each moves its host on by one level.
        ref readonly var offer = ref _board[host];
        var lead = Math.Min(most, _only.Lead);
        if (offer.CpuUsed + (lead * (long)_size.Cpu) <= offer.Cpu && offer.MemoryUsed + (lead * _size.Memory) <= offer.Memory)
            several = lead;
        return host;
    }

    private int ChooseInCells(int size, int set, int pool)
    {
        var (best, bestRank) = (-1, default(HostRank));
        foreach (var cell in _cells[pool])
        {
            var order = _byCell![size][cell.Id];
            if (double.IsPositiveInfinity(order.Min))
                continue;
            var (fault, update) = _board.Neighbours(set, cell.FaultDomain, cell.UpdateDomain);
            var rank = new HostRank(fault, update, order.Min);
            var sign = best < 0 ? -1 : rank.CompareTo(bestRank);
            if (sign > 0)
                continue;
            var host = order.First;
            if (sign < 0 || host < best)
                (best, bestRank) = (host, rank);
        }

        return best;
    }

    // What all sizes of machine are multiples of, where all hosts have as much memory and that is not too many of it.
    private static long Unit(HostBoard board, (int Cpu, long Memory)[] sizes)
    {
        var unit = sizes.Aggregate(0L, (u, s) => (long)BigInteger.GreatestCommonDivisor(u, s.Memory));
        if (unit == 0 || board.Count == 0 || !Enumerable.Range(0, board.Count).All(h => board[h].Memory == board[0].Memory))
            return 0;
        var levels = (board[0].Memory / unit) + 1;
        return levels <= MostLevels && levels * board.Count * sizes.Length <= MostBits ? unit : 0;
    }

    private double Key(int host, int size)
    {
        ref readonly var offer = ref _board[host];
        return !HasRoom(offer, _sizes[size]) ? double.PositiveInfinity : _unit > 0 ? Level(offer.MemoryUsed) : offer.Load;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Level(long memory) => _shift >= 0 ? (int)(memory >> _shift) : (int)((memory * _perUnit) + 0.5);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasRoom(in HostBoard.Host offer, (int Cpu, long Memory) size) =>
        offer.IsUp && offer.CpuUsed + size.Cpu <= offer.Cpu && offer.MemoryUsed + size.Memory <= offer.Memory;

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
