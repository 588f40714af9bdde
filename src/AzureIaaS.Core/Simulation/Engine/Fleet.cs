using System.Globalization;
using AzureIaaS.Hosts;

namespace AzureIaaS.Simulation.Engine;

/// <summary>A model made ready to be run: everything by number, nothing by name. Immutable, and shared by all replications.</summary>
internal sealed class Fleet
{
    private readonly int[] _groupStart;

    private Fleet(FleetModel model, int[] groupStart) => (Model, _groupStart) = (model, groupStart);

    public FleetModel Model { get; }

    // --- hosts, in the order of their names ---
    public required string[] HostNames { get; init; }

    public required (int Cpu, long Memory, int FaultDomain, int UpdateDomain)[] Hosts { get; init; }

    public required int[] HostPool { get; init; }

    public required int[] ZoneOfHost { get; init; }

    public required int[][] MaintenanceWaves { get; init; }

    // --- machines, group by group ---
    public required int MachineCount { get; init; }

    public required (int Cpu, long Memory)[] Sizes { get; init; }

    /// <summary>What holds for all machines of a group.</summary>
    public required MachineClass[] Classes { get; init; }

    public required ushort[] ClassOf { get; init; }

    public required short[] HomePool { get; init; }

    public required int[] HomeZone { get; init; }

    public required int[] FirstHost { get; init; }

    public required bool HasSets { get; init; }

    // --- what fails ---
    public required FailureSource[] Sources { get; init; }

    public required int[] RegionOfZone { get; init; }

    public required int PoolCount { get; init; }

    public required int RegionCount { get; init; }

    /// <summary>The pools of the second region; empty when there is none.</summary>
    public required int[] SecondPools { get; init; }

    // --- what is asked ---
    public required Requirements Requirements { get; init; }

    public int HostCount => Hosts.Length;

    public int StorageUnitOf(int machine) => (HomeZone[machine] * Model.Failures.StorageUnits) + (NumberInGroup(machine) % Model.Failures.StorageUnits);

    public int NumberInGroup(int machine) => machine - _groupStart[ClassOf[machine]];

    public ulong IdentityOf(int machine) => Chance.Identity(2, ClassOf[machine], NumberInGroup(machine));

    public string NameOf(int machine)
    {
        var group = Model.Machines[ClassOf[machine]];
        return Numbered(group.Name, group.Count, NumberInGroup(machine));
    }

    public IEnumerable<int> MachinesOf(int group) => Enumerable.Range(_groupStart[group], Model.Machines[group].Count);

    /// <summary>Makes a model ready.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">The file that it came from, for messages; null for none.</param>
    /// <exception cref="IaaSException">It makes no sense.</exception>
    public static Fleet Of(FleetModel model, string? file = null)
    {
        ModelCheck.Check(model, file);
        var hosts = FleetHosts.Of(model, file);
        var starts = new int[model.Machines.Count];
        for (var g = 1; g < starts.Length; g++)
            starts[g] = starts[g - 1] + model.Machines[g - 1].Count;
        var machines = FleetMachines.Of(model, hosts, file);
        return new Fleet(model, starts)
        {
            HostNames = hosts.Names,
            Hosts = hosts.Offers,
            HostPool = hosts.Pools,
            ZoneOfHost = [.. Enumerable.Range(0, hosts.Count).Select(hosts.ZoneOf)],
            MaintenanceWaves = hosts.Waves(),
            PoolCount = hosts.Pools.Max() + 1,
            RegionCount = hosts.Regions.Count,
            RegionOfZone = [.. hosts.Zones.Select(z => z.Region)],
            SecondPools = model.Replication is { } to ? hosts.PoolsOf(to.To) : [],
            MachineCount = (int)model.MachineCount,
            Sizes = machines.Sizes,
            Classes = machines.Classes,
            ClassOf = machines.ClassOf,
            HomePool = machines.HomePool,
            HomeZone = machines.HomeZone,
            FirstHost = machines.FirstHost,
            HasSets = machines.Classes.Any(c => c.Set >= 0),
            Sources = [.. FailureSources.Of(model, hosts, file)],
            Requirements = Requirements.Of(model, file),
        };
    }

    /// <summary>The name of one of several that are alike.</summary>
    public static string Numbered(string name, int count, int number)
    {
        if (count == 1)
            return name;
        var digits = count.ToString(CultureInfo.InvariantCulture).Length;
        return name + (number + 1).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
    }
}

/// <summary>What machines of a group have in common.</summary>
internal readonly record struct MachineClass(int Size, int Set, bool Replicated, HostNeed Need);
