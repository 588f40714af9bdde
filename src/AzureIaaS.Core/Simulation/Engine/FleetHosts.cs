namespace AzureIaaS.Simulation.Engine;

/// <summary>The hosts of a model by number, and the zones, regions and domains that they make up.</summary>
internal sealed class FleetHosts
{
    private readonly Dictionary<string, int> _byName;
    private readonly List<(int Zone, int FaultDomain, int UpdateDomain)> _domains;

    private FleetHosts(List<(string Name, int Group, int Number)> order, FleetModel model, string? file)
    {
        Names = [.. order.Select(h => h.Name)];
        _byName = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        _domains = [];
        Identities = [.. order.Select(h => Chance.Identity(1, h.Group, h.Number))];
        var faultDomains = new Dictionary<(int, int), int>();
        var updateDomains = new Dictionary<(int, int), int>();
        Offers = new (int, long, int, int)[order.Count];
        Pools = new int[order.Count];
        for (var i = 0; i < order.Count; i++)
        {
            var group = model.Hosts[order[i].Group];
            if (!_byName.TryAdd(order[i].Name, i))
                throw ModelError.At(file, group.Line, $"There are two hosts called '{order[i].Name}'.", "Give each group of hosts a name of its own.");
            var zone = ZoneOf(group.Region, group.Zone);
            var fault = group.FirstFaultDomain + (order[i].Number % group.FaultDomains);
            var update = group.FirstUpdateDomain + (order[i].Number % group.UpdateDomains);
            _domains.Add((zone, fault, update));
            Offers[i] = (group.Cpu, group.Memory, Number(faultDomains, (zone, fault)), Number(updateDomains, (zone, update)));
            Pools[i] = model.Recovery.AcrossZones ? Zones[zone].Region : zone;
        }
    }

    public string[] Names { get; }

    public ulong[] Identities { get; }

    public (int Cpu, long Memory, int FaultDomain, int UpdateDomain)[] Offers { get; }

    public int[] Pools { get; }

    public List<string> Regions { get; } = [];

    public List<(int Region, string Name)> Zones { get; } = [];

    public int Count => Names.Length;

    public static FleetHosts Of(FleetModel model, string? file)
    {
        var order = model.Hosts.SelectMany((group, g) => Enumerable.Range(0, group.Count).Select(i => (Name: Fleet.Numbered(group.Name, group.Count, i), g, i)))
            .OrderBy(h => h.Name, StringComparer.OrdinalIgnoreCase).ToList();
        return new FleetHosts(order, model, file);
    }

    public int Find(string name) => _byName.GetValueOrDefault(name, -1);

    public int ZoneOf(int host) => _domains[host].Zone;

    public int FaultDomainNumber(int host) => _domains[host].FaultDomain;

    public int[] PoolsOf(string region) =>
        [.. Enumerable.Range(0, Count).Where(h => Regions[Zones[ZoneOf(h)].Region].Equals(region, StringComparison.OrdinalIgnoreCase)).Select(h => Pools[h]).Distinct().Order()];

    /// <summary>Groups hosts.</summary>
    public IEnumerable<(TKey Key, int[] Hosts)> By<TKey>(Func<int, TKey> key)
        where TKey : notnull => Enumerable.Range(0, Count).GroupBy(key).Select(g => (g.Key, g.ToArray()));

    /// <summary>The hosts that are maintained together, in the order of maintenance: zone by zone, update domain by update domain.</summary>
    public int[][] Waves() => [.. By(h => (_domains[h].Zone, _domains[h].UpdateDomain)).OrderBy(w => w.Key).Select(w => w.Hosts)];

    private int ZoneOf(string region, string zone)
    {
        var r = Regions.FindIndex(n => n.Equals(region, StringComparison.OrdinalIgnoreCase));
        if (r < 0)
        {
            r = Regions.Count;
            Regions.Add(region);
        }

        var z = Zones.FindIndex(n => n.Region == r && n.Name.Equals(zone, StringComparison.OrdinalIgnoreCase));
        if (z < 0)
        {
            z = Zones.Count;
            Zones.Add((r, zone));
        }

        return z;
    }

    private static int Number(Dictionary<(int, int), int> numbers, (int, int) key) => numbers.TryGetValue(key, out var number) ? number : numbers[key] = numbers.Count;
}
