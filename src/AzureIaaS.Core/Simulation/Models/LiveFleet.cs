using System.Globalization;
using AzureIaaS.Failover;

namespace AzureIaaS.Simulation;

/// <summary>Describes a fabric as it stands, and recovery as it was measured.</summary>
internal static class LiveFleet
{
    /// <summary>Puts a fabric's hosts and some of its machines into a model. Machines that are not meant keep their room.</summary>
    public static void Describe(FleetModel model, IReadOnlyList<FabricHost> hosts, IReadOnlyList<VirtualMachine> machines)
    {
        var usable = hosts.Where(h => h.State != HostState.Down).ToList();
        if (usable.Count == 0)
            throw new IaaSException(ErrorKind.NotSupported, "NoHostsToMeasure", "The context has no host that is up, and where its machines run is not known here.", "Say how many hosts there are: -VmCount 20 -HostCount 4.");
        model.Name = machines[0].Context is { Length: > 0 } context ? context : model.Name;
        var meant = machines.Where(m => m.Host is not null).ToLookup(m => m.Host!, StringComparer.OrdinalIgnoreCase);
        model.Hosts = [.. usable.Select(h => new HostGroup
        {
            Name = h.Name,
            Cpu = Math.Max(1, h.Cpu - Math.Max(0, h.CpuUsed - meant[h.Name].Sum(m => m.Cpu))),
            Memory = Math.Max(1, h.Memory - Math.Max(0, h.MemoryUsed - meant[h.Name].Sum(m => m.Memory))),
            FirstFaultDomain = Math.Max(0, h.FaultDomain),
            FirstUpdateDomain = Math.Max(0, h.UpdateDomain),
        })];
        var names = usable.Select(h => h.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        // Those of a lost host have their turn in the order of the model.
        model.Machines = [.. machines.DistinctBy(m => m.Id).OrderBy(m => m.StartOrder).Select(m => new MachineGroup
        {
            Name = m.Name,
            Cpu = m.Cpu,
            Memory = m.Memory,
            AvailabilitySet = m.AvailabilitySet,
            Host = m.Host is { } host && names.Contains(host) ? host : null,
        })];
    }

    /// <summary>Takes the times of recovery from drills.</summary>
    /// <returns>The parameters that were measured.</returns>
    public static IEnumerable<string> Measure(FleetModel model, IReadOnlyList<FailoverReport> drills)
    {
        var good = drills.Where(d => d is { Outcome: FailoverOutcome.Succeeded, Rto: not null, Kind: not FailoverKind.Planned }).ToList();
        if (good.Count == 0)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "DrillWithoutRto", "None of the failovers that were given has a recovery time: they failed, were live migrations, or had no check.",
                "Give the reports of Invoke-IaaSFailover -Kind Test with -Check Process, for example.");
        }

        // Of a loss, the part until it was noticed is known by itself.
        static double Noticing(FailoverReport report) => report.Kind == FailoverKind.Unplanned
            ? report.Steps.Where(s => s.Name.StartsWith("detect", StringComparison.OrdinalIgnoreCase)).Sum(s => s.Duration.TotalSeconds) : 0;
        model.Recovery.Boot = Law.Empirical(good.Select(d => Math.Max(0, d.Rto!.Value.TotalSeconds - Noticing(d))));
        var names = string.Join(", ", good.Select(d => d.VmName).Distinct(StringComparer.OrdinalIgnoreCase).Take(5));
        Note(model, "Recovery.Boot", model.Recovery.Boot, $"measured in {good.Count} {(good.Count == 1 ? "drill" : "drills")} of {names}, {good.Max(d => d.Started).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}");
        yield return "Recovery.Boot";
        var losses = good.Where(d => Noticing(d) > 0).ToList();
        if (losses.Count == 0)
            yield break;
        model.Recovery.Detection = Law.Empirical(losses.Select(Noticing));
        Note(model, "Recovery.Detection", model.Recovery.Detection, $"measured in {losses.Count} real or rehearsed losses");
        yield return "Recovery.Detection";
    }

    private static void Note(FleetModel model, string parameter, Law value, string source)
    {
        model.Assumptions = [.. model.Assumptions.Where(a => a.Parameter != parameter)];
        model.Assumptions.Add(new Assumption { Parameter = parameter, Value = value.ToString(), Source = source });
    }
}
