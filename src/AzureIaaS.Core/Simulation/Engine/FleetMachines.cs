using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>The machines of a model by number, each with the zone it lives in and the host it begins on.</summary>
internal sealed class FleetMachines
{
    public required (int Cpu, long Memory)[] Sizes { get; init; }

    public required MachineClass[] Classes { get; init; }

    public required ushort[] ClassOf { get; init; }

    public required short[] HomePool { get; init; }

    public required int[] HomeZone { get; init; }

    public required int[] FirstHost { get; init; }

    public static FleetMachines Of(FleetModel model, FleetHosts hosts, string? file)
    {
        if (model.Machines.Count > ushort.MaxValue)
            throw ModelError.At(file, 0, $"There are {model.Machines.Count} groups of machines.", $"Put machines that are alike into one; {ushort.MaxValue} groups are possible.");
        var sizes = model.Machines.Select(m => (m.Cpu, m.Memory)).Distinct().ToArray();
        var sets = model.Machines.Select(m => m.AvailabilitySet).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        var classes = model.Machines.Select(m => ClassFor(m, sizes, sets)).ToArray();
        var count = (int)model.MachineCount;
        var (classOf, pools, zones, first) = (new ushort[count], new short[count], new int[count], new int[count]);
        var at = 0;
        for (var g = 0; g < model.Machines.Count; g++)
        {
            var homes = Homes(model, model.Machines[g], hosts, file);
            for (var i = 0; i < model.Machines[g].Count; i++, at++)
            {
                classOf[at] = (ushort)g;
                zones[at] = homes[i % homes.Count];
                pools[at] = (short)(model.Recovery.AcrossZones ? hosts.Zones[zones[at]].Region : zones[at]);
            }
        }

        var machines = new FleetMachines { Sizes = sizes, Classes = classes, ClassOf = classOf, HomePool = pools, HomeZone = zones, FirstHost = first };
        machines.Place(model, hosts, file);
        return machines;
    }

    private static MachineClass ClassFor(MachineGroup group, (int Cpu, long Memory)[] sizes, List<string> sets)
    {
        var set = group.AvailabilitySet is null ? -1 : sets.FindIndex(s => s.Equals(group.AvailabilitySet, StringComparison.OrdinalIgnoreCase));
        return new MachineClass(Array.IndexOf(sizes, (group.Cpu, group.Memory)), set, group.Replicated, new HostNeed(group.Cpu, group.Memory, set));
    }

    private static List<int> Homes(FleetModel model, MachineGroup group, FleetHosts hosts, string? file)
    {
        if (group.Host is { } name)
        {
            var host = hosts.Find(name);
            return host >= 0 ? [hosts.ZoneOf(host)] : throw ModelError.At(file, group.Line, $"The machines '{group.Name}' are on host '{name}', which does not exist.", "Correct Host, or leave it to placement.");
        }

        var second = model.Replication?.To;
        var region = group.Region ?? hosts.Regions.First(r => !r.Equals(second, StringComparison.OrdinalIgnoreCase) || hosts.Regions.Count == 1);
        var homes = Enumerable.Range(0, hosts.Zones.Count).Where(z => hosts.Regions[hosts.Zones[z].Region].Equals(region, StringComparison.OrdinalIgnoreCase)
            && (group.Zone is null || hosts.Zones[z].Name.Equals(group.Zone, StringComparison.OrdinalIgnoreCase))).ToList();
        return homes.Count > 0 ? homes : throw ModelError.At(file, group.Line,
            $"The machines '{group.Name}' belong to region '{region}'{(group.Zone is null ? "" : $", zone '{group.Zone}'")}, which has no hosts.", "Correct Region and Zone, or add hosts there.");
    }

    private void Place(FleetModel model, FleetHosts hosts, string? file)
    {
        var board = new HostBoard(hosts.Offers);
        var index = new HostIndex(board, Sizes, hosts.Pools, Classes.Any(c => c.Set >= 0));
        // Those that have a host already come first: they are there.
        foreach (var told in new[] { true, false })
        {
            for (var machine = 0; machine < ClassOf.Length; machine++)
            {
                var group = model.Machines[ClassOf[machine]];
                if (group.Host is not null != told)
                    continue;
                ref readonly var kind = ref Classes[ClassOf[machine]];
                var host = told ? hosts.Find(group.Host!) : index.Choose(kind.Size, kind.Set, HomePool[machine]);
                if (host < 0)
                {
                    throw ModelError.At(file, group.Line, $"The fleet has no room for all of '{group.Name}': {machine:N0} machines fit, and then no host has {group.Cpu} CPU and {ByteSize.Format(group.Memory)} free.",
                        "Add hosts, or give them more Cpu and Memory.");
                }

                FirstHost[machine] = host;
                board.Take(host, kind.Need, 1);
                index.Changed(host);
            }
        }
    }
}
