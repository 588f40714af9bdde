using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AzureIaaS.Hosts;

/// <summary>What keeps a host from taking a machine.</summary>
internal enum HostRefusal
{
    /// <summary>Nothing does.</summary>
    None,

    /// <summary>Another one was asked for.</summary>
    NotAskedFor,

    /// <summary>It is the one to be left.</summary>
    ToBeLeft,

    /// <summary>It is down or draining.</summary>
    NotUp,

    /// <summary>Its processors are taken.</summary>
    Cpu,

    /// <summary>Its memory is taken.</summary>
    Memory,
}

/// <summary>What a machine needs of a host, in numbers.</summary>
/// <param name="Cpu">Virtual processors.</param>
/// <param name="Memory">Memory in bytes.</param>
/// <param name="Set">Its availability set's number; -1 for none.</param>
internal readonly record struct HostNeed(int Cpu, long Memory, int Set)
{
    /// <summary>The host that it has a place on already, which does not count against it; -1 for none.</summary>
    public int Own { get; init; } = -1;

    /// <summary>The host that it is to leave; -1 for none.</summary>
    public int Avoid { get; init; } = -1;

    /// <summary>The only host that will do; -1 for any, <see cref="NoHost"/> for one that there is not.</summary>
    public int Only { get; init; } = -1;

    /// <summary>Whether a host may be given more than it offers.</summary>
    public bool Overcommit { get; init; }

    /// <summary>A host that there is not.</summary>
    public const int NoHost = -2;
}

/// <summary>
/// The rule of placement, in numbers: what is taken on which host, and which host comes first. The fabric asks it through
/// <see cref="PlacementMap"/>, the simulator through an index of its own, so a forecast places machines as the fabric does.
/// </summary>
internal sealed class HostBoard
{
    private readonly AlignedArray<Host> _hosts;
    private readonly List<int[]> _faultDomains = [];
    private readonly List<int[]> _updateDomains = [];
    private readonly int _faultDomainCount;
    private readonly int _updateDomainCount;

    /// <summary>An empty board.</summary>
    /// <param name="hosts">What the hosts offer, in the order in which the first wins a tie; domains are numbered from 0 without large gaps.</param>
    public HostBoard(IReadOnlyList<(int Cpu, long Memory, int FaultDomain, int UpdateDomain)> hosts)
    {
        _hosts = new AlignedArray<Host>(hosts.Count);
        for (var host = 0; host < hosts.Count; host++)
        {
            var (cpu, memory, faultDomain, updateDomain) = hosts[host];
            _hosts[host] = new Host { Cpu = cpu, Memory = memory, FaultDomain = faultDomain, UpdateDomain = updateDomain, IsUp = true };
        }

        _faultDomainCount = hosts.Select(h => h.FaultDomain + 1).DefaultIfEmpty(0).Max();
        _updateDomainCount = hosts.Select(h => h.UpdateDomain + 1).DefaultIfEmpty(0).Max();
    }

    /// <summary>How many hosts there are.</summary>
    public int Count => _hosts.Length;

    /// <summary>A host as it stands.</summary>
    /// <param name="host">Its number.</param>
    public ref readonly Host this[int host] => ref _hosts[host];

    /// <summary>Fetches a host into the cache meanwhile.</summary>
    /// <param name="host">Its number.</param>
    public void Prefetch(int host) => _hosts.Prefetch(host);

    /// <summary>Whether a host takes machines.</summary>
    /// <param name="host">Its number.</param>
    /// <param name="isUp">Whether it does.</param>
    public void SetUp(int host, bool isUp) => _hosts[host].IsUp = isUp;

    /// <summary>Takes a place, or gives it back.</summary>
    /// <param name="host">The host.</param>
    /// <param name="need">What is taken.</param>
    /// <param name="times">How often it is taken; less than 0 to give back.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int host, in HostNeed need, int times)
    {
        ref var place = ref _hosts[host];
        place.CpuUsed += times * need.Cpu;
        place.MemoryUsed += times * need.Memory;
        if (need.Set >= 0)
            TakeInSet(need.Set, place, times);
    }

    private void TakeInSet(int set, in Host place, int times)
    {
        while (_faultDomains.Count <= set)
        {
            _faultDomains.Add(new int[_faultDomainCount]);
            _updateDomains.Add(new int[_updateDomainCount]);
        }

        _faultDomains[set][place.FaultDomain] += times;
        _updateDomains[set][place.UpdateDomain] += times;
    }

    /// <summary>Whether a host can take a machine, and if not, why.</summary>
    /// <param name="host">The host.</param>
    /// <param name="need">The need.</param>
    public HostRefusal Refusal(int host, in HostNeed need)
    {
        ref readonly var place = ref _hosts[host];
        if (need.Only != -1 && need.Only != host)
            return HostRefusal.NotAskedFor;
        if (need.Avoid == host)
            return HostRefusal.ToBeLeft;
        if (!place.IsUp)
            return HostRefusal.NotUp;
        if (need.Overcommit)
            return HostRefusal.None;
        var (cpu, memory) = need.Own == host ? (place.CpuUsed - need.Cpu, place.MemoryUsed - need.Memory) : (place.CpuUsed, place.MemoryUsed);
        return cpu + need.Cpu > place.Cpu ? HostRefusal.Cpu : memory + need.Memory > place.Memory ? HostRefusal.Memory : HostRefusal.None;
    }

    /// <summary>How a host ranks for a machine; the least is taken, and of equals the first.</summary>
    /// <param name="host">The host.</param>
    /// <param name="need">The need.</param>
    public HostRank Rank(int host, in HostNeed need)
    {
        ref readonly var place = ref _hosts[host];
        if (need.Set < 0)
            return new HostRank(0, 0, place.Load);
        var (fault, update) = Neighbours(need.Set, place.FaultDomain, place.UpdateDomain);
        // The machine itself is no reason to stay away from where it is.
        if (need.Own >= 0 && _hosts[need.Own].FaultDomain == place.FaultDomain)
            fault--;
        if (need.Own >= 0 && _hosts[need.Own].UpdateDomain == place.UpdateDomain)
            update--;
        return new HostRank(fault, update, place.Load);
    }

    /// <summary>How many of a set are in a fault domain, and in an update domain.</summary>
    /// <param name="set">The set.</param>
    /// <param name="faultDomain">The fault domain.</param>
    /// <param name="updateDomain">The update domain.</param>
    public (int Fault, int Update) Neighbours(int set, int faultDomain, int updateDomain) =>
        set < _faultDomains.Count ? (_faultDomains[set][faultDomain], _updateDomains[set][updateDomain]) : (0, 0);

    /// <summary>The host that comes first among those that can take a machine; -1 when there is none. Looks at every host.</summary>
    /// <param name="need">The need.</param>
    public int Choose(in HostNeed need)
    {
        var best = -1;
        HostRank bestRank = default;
        for (var host = 0; host < _hosts.Length; host++)
        {
            if (Refusal(host, need) != HostRefusal.None)
                continue;
            var rank = Rank(host, need);
            if (best < 0 || rank.CompareTo(bestRank) < 0)
                (best, bestRank) = (host, rank);
        }

        return best;
    }

    /// <summary>A host: what it offers, and what is taken. It fills a cache line.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct Host
    {
        public int Cpu;
        public int CpuUsed;
        public long Memory;
        public long MemoryUsed;
        public int FaultDomain;
        public int UpdateDomain;
        public bool IsUp;

        /// <summary>The share of its memory that is taken.</summary>
        public readonly double Load => Memory == 0 ? 0 : (double)MemoryUsed / Memory;
    }
}

/// <summary>How a host ranks: the fewest of the set in its fault domain, then in its update domain, then the emptiest.</summary>
/// <param name="Fault">How many of the machine's set are in its fault domain.</param>
/// <param name="Update">How many of the machine's set are in its update domain.</param>
/// <param name="Load">The share of its memory that is taken.</param>
internal readonly record struct HostRank(int Fault, int Update, double Load) : IComparable<HostRank>
{
    public int CompareTo(HostRank other)
    {
        var order = Fault.CompareTo(other.Fault);
        if (order == 0)
            order = Update.CompareTo(other.Update);
        return order != 0 ? order : Load.CompareTo(other.Load);
    }
}
