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
/// the emptiest, then the first by name. So a sixth machine over five update domains shares the first one's.
/// </summary>
public sealed class PlacementMap
{
    private readonly List<Place> _places;
    private readonly Dictionary<string, Place> _byName;
    private readonly Dictionary<Guid, (Place Place, PlacementNeed Need)> _reserved = [];
    private readonly Dictionary<(string Set, int Domain), int> _faultDomains = [];
    private readonly Dictionary<(string Set, int Domain), int> _updateDomains = [];

    /// <summary>Draws the picture.</summary>
    /// <param name="hosts">The hosts.</param>
    /// <param name="machines">The machines; those that have a host take their place on it.</param>
    public PlacementMap(IEnumerable<FabricHost> hosts, IEnumerable<VirtualMachine> machines)
    {
        _places = [.. hosts.OrderBy(h => h.Name, StringComparer.OrdinalIgnoreCase).Select(h => new Place(h))];
        _byName = _places.ToDictionary(p => p.Host.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var machine in machines.Where(m => m.Host is not null))
            Reserve(PlacementNeed.Of(machine), machine.Host!);
    }

    /// <summary>Chooses a host for a machine.</summary>
    /// <param name="need">What it needs. A place it has already does not count against it.</param>
    public Placement Choose(PlacementNeed need)
    {
        var own = _reserved.GetValueOrDefault(need.Id).Place;
        var set = need.AvailabilitySet is { } name ? Key(name) : null;
        Place? best = null;
        (int Fault, int Update, double Load) bestRank = default;
        foreach (var place in _places)
        {
            if (ObstacleOf(place, need, own) != Obstacle.None)
                continue;
            var rank = Rank(place, set, own);
            if (best is null || rank.CompareTo(bestRank) < 0)
                (best, bestRank) = (place, rank);
        }

        return best is null ? new Placement(null, Nowhere(need, own)) : new Placement(best.Host.Name, Explain(best, need, bestRank));
    }

    /// <summary>Takes a place; the one that the machine had is given back.</summary>
    /// <param name="need">What the machine needs.</param>
    /// <param name="host">The host's name; one that is not there takes nothing.</param>
    public void Reserve(PlacementNeed need, string host)
    {
        Release(need.Id);
        if (!_byName.TryGetValue(host, out var place))
            return;
        _reserved[need.Id] = (place, need);
        Count(place, need, 1);
    }

    /// <summary>Gives a machine's place back.</summary>
    /// <param name="id">The machine's id.</param>
    public void Release(Guid id)
    {
        if (_reserved.Remove(id, out var taken))
            Count(taken.Place, taken.Need, -1);
    }

    /// <summary>What is taken on a host.</summary>
    /// <param name="host">The host's name.</param>
    public (int Cpu, long Memory) Used(string host) => _byName.TryGetValue(host, out var place) ? (place.Cpu, place.Memory) : (0, 0);

    private void Count(Place place, PlacementNeed need, int sign)
    {
        place.Cpu += sign * need.Cpu;
        place.Memory += sign * need.Memory;
        if (need.AvailabilitySet is not { } set)
            return;
        var (fault, update) = ((Key(set), place.Host.FaultDomain), (Key(set), place.Host.UpdateDomain));
        _faultDomains[fault] = _faultDomains.GetValueOrDefault(fault) + sign;
        _updateDomains[update] = _updateDomains.GetValueOrDefault(update) + sign;
    }

    private (int Fault, int Update, double Load) Rank(Place place, string? set, Place? own)
    {
        var load = place.Host.Memory == 0 ? 0 : (double)place.Memory / place.Host.Memory;
        if (set is null)
            return (0, 0, load);
        var (fault, update) = (_faultDomains.GetValueOrDefault((set, place.Host.FaultDomain)), _updateDomains.GetValueOrDefault((set, place.Host.UpdateDomain)));
        // The machine itself is no reason to stay away from where it is.
        if (own is not null && own.Host.FaultDomain == place.Host.FaultDomain)
            fault--;
        if (own is not null && own.Host.UpdateDomain == place.Host.UpdateDomain)
            update--;
        return (fault, update, load);
    }

    private static Obstacle ObstacleOf(Place place, PlacementNeed need, Place? own)
    {
        var host = place.Host;
        if (need.Only is { } only && !host.Name.Equals(only, StringComparison.OrdinalIgnoreCase))
            return Obstacle.NotAskedFor;
        if (host.Name.Equals(need.Avoid, StringComparison.OrdinalIgnoreCase))
            return Obstacle.ToBeLeft;
        if (host.State != HostState.Up)
            return Obstacle.NotUp;
        if (need.Overcommit)
            return Obstacle.None;
        var (cpu, memory) = Taken(place, need, own);
        if (cpu + need.Cpu > host.Cpu)
            return Obstacle.Cpu;
        return memory + need.Memory > host.Memory ? Obstacle.Memory : Obstacle.None;
    }

    /// <summary>What others than the machine itself have taken.</summary>
    private static (int Cpu, long Memory) Taken(Place place, PlacementNeed need, Place? own) =>
        own == place ? (place.Cpu - need.Cpu, place.Memory - need.Memory) : (place.Cpu, place.Memory);

    private static string Refusal(Place place, PlacementNeed need, Place? own)
    {
        var (host, (cpu, memory)) = (place.Host, Taken(place, need, own));
        return ObstacleOf(place, need, own) switch
        {
            Obstacle.NotAskedFor => "another one was asked for",
            Obstacle.ToBeLeft => "it is to be left",
            Obstacle.NotUp => $"it is {host.State}",
            Obstacle.Cpu => $"{Math.Max(0, host.Cpu - cpu)} of {host.Cpu} CPU are free",
            _ => $"{ByteSize.Format(Math.Max(0, host.Memory - memory))} of {ByteSize.Format(host.Memory)} are free",
        };
    }

    private static string Explain(Place place, PlacementNeed need, (int Fault, int Update, double Load) rank)
    {
        var room = $"{place.Host.Cpu - place.Cpu} of {place.Host.Cpu} CPU and {ByteSize.Format(place.Host.Memory - place.Memory)} are free";
        return need.AvailabilitySet is { } set
            ? $"{place.Host.Name}: its fault domain {place.Host.FaultDomain} holds {rank.Fault} and its update domain {place.Host.UpdateDomain} holds {rank.Update} others of '{set}'; {room}."
            : $"{place.Host.Name}: the emptiest with room; {room}.";
    }

    private string Nowhere(PlacementNeed need, Place? own)
    {
        const int Shown = 5;
        if (_places.Count == 0)
            return "The fabric has no host.";
        var reasons = _places.Where(p => need.Only is null || p.Host.Name.Equals(need.Only, StringComparison.OrdinalIgnoreCase))
            .Select(p => $"{p.Host.Name}: {Refusal(p, need, own)}").ToList();
        if (reasons.Count == 0)
            return $"There is no host '{need.Only}'.";
        var more = reasons.Count > Shown ? $"; and {reasons.Count - Shown} more" : "";
        return $"No host can take {need.Name} ({need.Cpu} CPU, {ByteSize.Format(need.Memory)}). {string.Join("; ", reasons.Take(Shown))}{more}.";
    }

    private static string Key(string set) => set.ToUpperInvariant();

    /// <summary>Why a host will not do.</summary>
    private enum Obstacle
    {
        None,
        NotAskedFor,
        ToBeLeft,
        NotUp,
        Cpu,
        Memory,
    }

    private sealed class Place(FabricHost host)
    {
        public FabricHost Host { get; } = host;

        public int Cpu { get; set; }

        public long Memory { get; set; }
    }
}
