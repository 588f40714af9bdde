namespace AzureIaaS.Hosts;

/// <summary>What a machine needs of its host.</summary>
/// <param name="Id">The machine's id.</param>
/// <param name="Name">The machine's name, for explanations.</param>
/// <param name="Cpu">The number of virtual processors.</param>
/// <param name="Memory">The memory in bytes.</param>
public sealed record PlacementNeed(Guid Id, string Name, int Cpu, long Memory)
{
    /// <summary>The availability set it belongs to; null for none.</summary>
    public string? AvailabilitySet { get; init; }

    /// <summary>A host that it must not go to: the one it is to leave.</summary>
    public string? Avoid { get; init; }

    /// <summary>The only host that it may go to; null for any.</summary>
    public string? Only { get; init; }

    /// <summary>Whether a host may be given more than it offers.</summary>
    public bool Overcommit { get; init; }

    /// <summary>What a machine needs.</summary>
    /// <param name="machine">The machine.</param>
    public static PlacementNeed Of(VirtualMachine machine) =>
        new(machine.Id, machine.Name, machine.Cpu, machine.Memory) { AvailabilitySet = machine.AvailabilitySet };
}

/// <summary>Where a machine goes, and why; or why it goes nowhere.</summary>
/// <param name="Host">The host's name; null when none will do.</param>
/// <param name="Reason">The explanation, as a sentence.</param>
public sealed record Placement(string? Host, string Reason);

/// <summary>
/// Decides where machines go. A picture of hosts and of what is taken on them; choosing changes nothing, and every choice is explained. Among the
/// hosts with room it takes the one whose fault domain holds the fewest of the machine's availability set, then whose update domain does, then
/// the emptiest, then the first by name. So a sixth machine over five update domains shares the first one's. The rule itself is in
/// <see cref="HostBoard"/>; here it has names and reasons.
/// </summary>
public sealed class PlacementMap
{
    private readonly List<FabricHost> _hosts;
    private readonly Dictionary<string, int> _byName;
    private readonly Dictionary<string, int> _sets = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<Guid, (int Host, HostNeed Need)> _reserved = [];
    private readonly HostBoard _board;

    /// <summary>Draws the picture.</summary>
    /// <param name="hosts">The hosts.</param>
    /// <param name="machines">The machines; those that have a host take their place on it.</param>
    public PlacementMap(IEnumerable<FabricHost> hosts, IEnumerable<VirtualMachine> machines)
    {
        _hosts = [.. hosts.OrderBy(h => h.Name, StringComparer.OrdinalIgnoreCase)];
        _byName = _hosts.Select((h, i) => (h.Name, i)).ToDictionary(h => h.Name, h => h.i, StringComparer.OrdinalIgnoreCase);
        // Domains are numbered by whoever made the hosts, perhaps with gaps; the board counts in arrays.
        var faultDomains = Numbers(_hosts.Select(h => h.FaultDomain));
        var updateDomains = Numbers(_hosts.Select(h => h.UpdateDomain));
        _board = new HostBoard([.. _hosts.Select(h => (h.Cpu, h.Memory, faultDomains[h.FaultDomain], updateDomains[h.UpdateDomain]))]);
        for (var i = 0; i < _hosts.Count; i++)
            _board.SetUp(i, _hosts[i].State == HostState.Up);
        foreach (var machine in machines.Where(m => m.Host is not null))
            Reserve(PlacementNeed.Of(machine), machine.Host!);
    }

    /// <summary>Chooses a host for a machine.</summary>
    /// <param name="need">What it needs. A place it has already does not count against it.</param>
    public Placement Choose(PlacementNeed need)
    {
        var numbers = Numbers(need);
        var host = _board.Choose(numbers);
        return host < 0 ? new Placement(null, Nowhere(need, numbers)) : new Placement(_hosts[host].Name, Explain(host, need, _board.Rank(host, numbers)));
    }

    /// <summary>Takes a place; the one that the machine had is given back.</summary>
    /// <param name="need">What the machine needs.</param>
    /// <param name="host">The host's name; one that is not there takes nothing.</param>
    public void Reserve(PlacementNeed need, string host)
    {
        Release(need.Id);
        if (!_byName.TryGetValue(host, out var place))
            return;
        var taken = new HostNeed(need.Cpu, need.Memory, SetOf(need));
        _reserved[need.Id] = (place, taken);
        _board.Take(place, taken, 1);
    }

    /// <summary>Gives a machine's place back.</summary>
    /// <param name="id">The machine's id.</param>
    public void Release(Guid id)
    {
        if (_reserved.Remove(id, out var taken))
            _board.Take(taken.Host, taken.Need, -1);
    }

    /// <summary>What is taken on a host.</summary>
    /// <param name="host">The host's name.</param>
    public (int Cpu, long Memory) Used(string host) => _byName.TryGetValue(host, out var place) ? (_board[place].CpuUsed, _board[place].MemoryUsed) : (0, 0);

    private static Dictionary<int, int> Numbers(IEnumerable<int> domains) =>
        domains.Distinct().Order().Select((domain, number) => (domain, number)).ToDictionary(d => d.domain, d => d.number);

    private HostNeed Numbers(PlacementNeed need) => new(need.Cpu, need.Memory, SetOf(need))
    {
        Own = _reserved.TryGetValue(need.Id, out var own) ? own.Host : -1,
        Avoid = need.Avoid is { } avoid && _byName.TryGetValue(avoid, out var left) ? left : -1,
        Only = need.Only is not { } only ? -1 : _byName.TryGetValue(only, out var wanted) ? wanted : HostNeed.NoHost,
        Overcommit = need.Overcommit,
    };

    private int SetOf(PlacementNeed need)
    {
        if (need.AvailabilitySet is not { } set)
            return -1;
        if (!_sets.TryGetValue(set, out var number))
            _sets[set] = number = _sets.Count;
        return number;
    }

    private string Refusal(int place, in HostNeed need)
    {
        var host = _hosts[place];
        var (cpu, memory) = need.Own == place ? (_board[place].CpuUsed - need.Cpu, _board[place].MemoryUsed - need.Memory) : (_board[place].CpuUsed, _board[place].MemoryUsed);
        return _board.Refusal(place, need) switch
        {
            HostRefusal.NotAskedFor => "another one was asked for",
            HostRefusal.ToBeLeft => "it is to be left",
            HostRefusal.NotUp => $"it is {host.State}",
            HostRefusal.Cpu => $"{Math.Max(0, host.Cpu - cpu)} of {host.Cpu} CPU are free",
            _ => $"{ByteSize.Format(Math.Max(0, host.Memory - memory))} of {ByteSize.Format(host.Memory)} are free",
        };
    }

    private string Explain(int place, PlacementNeed need, HostRank rank)
    {
        var (host, used) = (_hosts[place], _board[place]);
        var room = $"{host.Cpu - used.CpuUsed} of {host.Cpu} CPU and {ByteSize.Format(host.Memory - used.MemoryUsed)} are free";
        return need.AvailabilitySet is { } set
            ? $"{host.Name}: its fault domain {host.FaultDomain} holds {rank.Fault} and its update domain {host.UpdateDomain} holds {rank.Update} others of '{set}'; {room}."
            : $"{host.Name}: the emptiest with room; {room}.";
    }

    private string Nowhere(PlacementNeed need, HostNeed numbers)
    {
        const int Shown = 5;
        if (_hosts.Count == 0)
            return "The fabric has no host.";
        if (numbers.Only == HostNeed.NoHost)
            return $"There is no host '{need.Only}'.";
        var reasons = Enumerable.Range(0, _hosts.Count).Where(h => numbers.Only is -1 || numbers.Only == h).Select(h => $"{_hosts[h].Name}: {Refusal(h, numbers)}").ToList();
        var more = reasons.Count > Shown ? $"; and {reasons.Count - Shown} more" : "";
        return $"No host can take {need.Name} ({need.Cpu} CPU, {ByteSize.Format(need.Memory)}). {string.Join("; ", reasons.Take(Shown))}{more}.";
    }
}
