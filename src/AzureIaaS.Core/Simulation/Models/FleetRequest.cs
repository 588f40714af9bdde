using System.Collections;
using AzureIaaS.Failover;

namespace AzureIaaS.Simulation;

/// <summary>What somebody asks about a fleet, in few words; <see cref="Model"/> makes the whole of it.</summary>
public sealed record FleetRequest
{
    private const double Full = 0.75;
    private const int HostUpdateDomains = 5;

    /// <summary>The model to begin with, from a file or a baseline; null to begin with the defaults. It is changed.</summary>
    public FleetModel? Base { get; init; }

    /// <summary>How many machines; null for what <see cref="Base"/> or <see cref="Machines"/> say.</summary>
    public int? VmCount { get; init; }

    /// <summary>How many hosts; null for what <see cref="Base"/> or <see cref="Hosts"/> say.</summary>
    public int? HostCount { get; init; }

    /// <summary>Over how many fault domains the hosts are spread.</summary>
    public int? FaultDomains { get; init; }

    /// <summary>Over how many update domains the hosts are spread.</summary>
    public int? UpdateDomains { get; init; }

    /// <summary>Machines of a live fabric, each with its place.</summary>
    public IReadOnlyList<VirtualMachine> Machines { get; init; } = [];

    /// <summary>Hosts of a live fabric.</summary>
    public IReadOnlyList<FabricHost> Hosts { get; init; } = [];

    /// <summary>Failovers whose recovery times were measured.</summary>
    public IReadOnlyList<FailoverReport> Drills { get; init; } = [];

    /// <summary>Names of applications, and what they require; null for none.</summary>
    public IDictionary? Applications { get; init; }

    /// <summary>The promise in percent; null for none.</summary>
    public double? Sla { get; init; }

    /// <summary>Other settings, named as in a model's file; null for none.</summary>
    public IDictionary? Settings { get; init; }

    /// <summary>Makes the model.</summary>
    /// <exception cref="IaaSException">What was asked makes no sense.</exception>
    public FleetModel Model()
    {
        var model = Base ?? new FleetModel();
        var given = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        if (Machines.Count > 0)
            LiveFleet.Describe(model, Hosts, Machines);
        Count(model);
        if (Drills.Count > 0)
            given.UnionWith(LiveFleet.Measure(model, Drills));
        if (Applications is not null)
            given.UnionWith(ModelFile.Apply(model, new Dictionary<string, object?> { ["Applications"] = Applications }));
        if (Sla is { } target)
            model.Sla = new SlaModel { Target = target, Credits = ModelDefaults.Credits(target) };
        if (Settings is not null)
            given.UnionWith(ModelFile.Apply(model, Settings));
        if (Base is null)
            ModelDefaults.Fill(model, given);
        return model;
    }

    private void Count(FleetModel model)
    {
        if (VmCount is { } machines)
        {
            if (model.Machines.Count > 1)
                throw new IaaSException(ErrorKind.InvalidArgument, "VmCountAmbiguous", $"The model has {model.Machines.Count} groups of machines, and -VmCount could mean any.", "Change Count in the model instead.");
            if (model.Machines.Count == 0)
                model.Machines.Add(new MachineGroup());
            model.Machines[0].Count = machines;
        }

        var isNew = model.Hosts.Count == 0;
        if (HostCount is { } hosts)
        {
            if (model.Hosts.Count > 1)
                throw new IaaSException(ErrorKind.InvalidArgument, "HostCountAmbiguous", $"The model has {model.Hosts.Count} groups of hosts, and -HostCount could mean any.", "Change Count in the model instead.");
            if (isNew)
                model.Hosts.Add(new HostGroup { UpdateDomains = HostUpdateDomains });
            model.Hosts[0].Count = hosts;
        }

        foreach (var group in model.Hosts.Where(_ => Machines.Count == 0))
        {
            group.FaultDomains = FaultDomains ?? group.FaultDomains;
            group.UpdateDomains = UpdateDomains ?? group.UpdateDomains;
        }

        if (isNew && model.Hosts.Count > 0 && model.Hosts[0].Count > 0 && model.MachineCount > 0 && Machines.Count == 0)
            Size(model);
    }

    // Nobody said how large hosts are: large enough to be as full as fleets usually are, with room for a lost host.
    private static void Size(FleetModel model)
    {
        var (hosts, machines) = (model.Hosts[0], model.Machines[0]);
        var each = Math.Max(1, (long)Math.Ceiling((double)machines.Count / hosts.Count / Full));
        if (hosts.Count > 1)
            each = Math.Max(each, (machines.Count + hosts.Count - 2) / (hosts.Count - 1));
        hosts.Cpu = (int)Math.Min(int.MaxValue, each * machines.Cpu);
        hosts.Memory = each * machines.Memory;
        model.Assumptions.Add(new Assumption { Parameter = "Hosts.Memory", Value = $"{ByteSize.Format(hosts.Memory)}: room for {each} machines, so that hosts are about {Full * 100:0} % full at first" });
        model.Assumptions.Add(new Assumption { Parameter = "Machines.Memory", Value = $"{ByteSize.Format(machines.Memory)} and {machines.Cpu} CPU" });
    }
}
