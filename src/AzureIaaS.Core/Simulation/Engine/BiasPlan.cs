namespace AzureIaaS.Simulation.Engine;

/// <summary>What can fail, at which rate, and what of it an application depends on.</summary>
internal sealed class BiasPlan
{
    private readonly double[] _cumulative;
    private readonly int[][] _sourcesOfHost;   // those that take several down; its own has its number
    private readonly int[] _sourceOfUnit;
    private readonly Fleet _fleet;

    public BiasPlan(Fleet fleet, int application)
    {
        _fleet = fleet;
        var guest = fleet.Model.Failures.Guest;
        GuestRate = guest.Kind == LawKind.Never ? 0 : 1 / guest.Mean;
        Rates = [.. fleet.Sources.Select(s => s.Between.Kind == LawKind.Never ? 0 : 1 / s.Between.Mean)];
        _cumulative = new double[Rates.Length + 1];
        for (var i = 0; i < Rates.Length; i++)
            _cumulative[i + 1] = _cumulative[i] + Rates[i];
        Total = _cumulative[^1] + (GuestRate * fleet.MachineCount);
        var shared = new List<int>[fleet.HostCount];
        _sourceOfUnit = [.. Enumerable.Repeat(-1, fleet.RegionOfZone.Length * fleet.Model.Failures.StorageUnits)];
        for (var source = fleet.HostCount; source < fleet.Sources.Length; source++)
        {
            foreach (var host in fleet.Sources[source].Hosts)
                (shared[host] ??= []).Add(source);
            if (fleet.Sources[source].StorageUnit is >= 0 and var unit)
                _sourceOfUnit[unit] = source;
        }

        _sourcesOfHost = [.. shared.Select(s => s?.ToArray() ?? [])];
        var needed = Needed(fleet.Model, application);
        Conditions = [.. Enumerable.Range(0, fleet.Requirements.Conditions.Length).Where(c => needed.Contains(fleet.Requirements.Conditions[c].Application))];
        Machines = [.. Enumerable.Range(0, fleet.MachineCount).Where(m => fleet.Requirements.Of(m).ToArray().Intersect(Conditions).Any())];
        Application = application;
    }

    public int Application { get; }

    /// <summary>The conditions of the application, and of those that it depends on.</summary>
    public int[] Conditions { get; }

    /// <summary>The machines that they count.</summary>
    public int[] Machines { get; }

    /// <summary>Failures a second of each source.</summary>
    public double[] Rates { get; }

    public double GuestRate { get; }

    /// <summary>Failures a second of everything together, when all of it is up.</summary>
    public double Total { get; }

    /// <summary>Picks what fails, as likely as it is; a guest is -1 - its machine.</summary>
    public int Natural(double chance)
    {
        var at = chance * Total;
        if (at >= _cumulative[^1])
            return -1 - (int)Math.Min(_fleet.MachineCount - 1, (at - _cumulative[^1]) / GuestRate);
        var found = Array.BinarySearch(_cumulative, at);
        var source = found >= 0 ? found : ~found - 1;
        while (Rates[source] == 0)
            source++;
        return source;
    }

    /// <summary>Lists what a machine that runs on a host depends on, a guest as -1 - its machine.</summary>
    public void Relevant(int machine, int host, List<int> into)
    {
        into.Clear();
        if (host >= 0)
        {
            if (Rates[host] > 0)
                into.Add(host);
            into.AddRange(_sourcesOfHost[host]);
        }

        if (_fleet.Model.Failures.Storage.Kind != LawKind.Never)
            into.Add(_sourceOfUnit[_fleet.StorageUnitOf(machine)]);
        if (GuestRate > 0)
            into.Add(-1 - machine);
    }

    public double RateOf(int what) => what >= 0 ? Rates[what] : GuestRate;

    private static HashSet<int> Needed(FleetModel model, int application)
    {
        var needed = new HashSet<int>();
        var open = new Stack<int>([application]);
        while (open.TryPop(out var next))
        {
            if (!needed.Add(next))
                continue;
            foreach (var name in model.Applications[next].DependsOn)
                open.Push(Enumerable.Range(0, model.Applications.Count).First(a => model.Applications[a].Name.Equals(name, StringComparison.OrdinalIgnoreCase)));
        }

        return needed;
    }
}
