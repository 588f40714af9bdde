using System.Globalization;
using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Simulation;

/// <summary>Refuses models that make no sense, before anything long begins: each refusal a sentence, with the line where there is a file.</summary>
internal static class ModelCheck
{
    public const long MostHosts = 1_000_000;
    public const long MostMachines = 5_000_000;

    public static void Check(FleetModel model, string? file)
    {
        IaaSException At(int line, string message, string remedy) => ModelError.At(file, line, message, remedy);
        if (model.HostCount == 0)
            throw At(0, "The fleet has no hosts.", "Give some: -HostCount 10, or Hosts = @{ Count = 10 } in the model.");
        if (model.MachineCount == 0)
            throw At(0, "The fleet has no machines.", "Give some: -VmCount 100, or Machines = @{ Count = 100 } in the model.");
        foreach (var hosts in model.Hosts)
            CheckHosts(hosts, At);
        foreach (var machines in model.Machines)
            CheckMachines(machines, At);
        if (model.HostCount > MostHosts)
            throw At(model.Hosts.MaxBy(h => h.Count)!.Line, $"{Number(model.HostCount)} hosts are more than the {Number(MostHosts)} that can be simulated.", "Simulate a part of the fleet: a region or a cluster.");
        if (model.MachineCount > MostMachines)
            throw At(model.Machines.MaxBy(m => m.Count)!.Line, $"{Number(model.MachineCount)} machines are more than the {Number(MostMachines)} that can be simulated.", "Simulate a part of the fleet: a region or a cluster.");
        var twice = model.Applications.GroupBy(a => a.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
            throw At(twice.Last().Line, $"There are two applications called '{twice.Key}'.", "Give each a name of its own.");
        CheckCycle(model, At);
        var failures = model.Failures;
        if (failures.CommonCause is < 0 or >= 1 || double.IsNaN(failures.CommonCause))
            throw At(0, "Failures.CommonCause is a share from 0 up to but not including 1.", "Field studies find 0.01 to 0.1.");
        if (failures.CommonCause > 0 && failures.Host.Kind is not (LawKind.Exponential or LawKind.Never))
            throw At(0, "A common cause divides the rate of host failures, and so needs an exponential law for them.", "Use Failures.Host = 'exponential ...', or CommonCause = 0.");
        if (failures.Crews < 0 || failures.StorageUnits < 1 || model.Recovery.Slots < 0)
            throw At(0, "Crews and Slots are 0 or more, and StorageUnits 1 or more.", "0 stands for any number.");
        if (Instant(failures.Host, failures.HostRepair) || Instant(failures.FaultDomain, failures.FaultDomainRepair) || Instant(failures.Zone, failures.ZoneRepair)
            || Instant(failures.Region, failures.RegionRepair) || Instant(failures.Storage, failures.StorageRepair) || failures.Guest is { Kind: not LawKind.Never, Mean: < 1 })
            throw At(0, "Something fails more often than once a second.", "Give the mean time between failures with its unit: 2 y, 8760 h.");
        if (model.Maintenance is { } plan && (plan.Interval <= TimeSpan.Zero || plan.Duration < TimeSpan.Zero || plan.Between < TimeSpan.Zero || plan.Eligible is < 0 or > 1))
            throw At(0, "Maintenance needs an Interval above 0, a Duration and a Between of 0 or more, and an Eligible from 0 to 1.", "Leave the section out for no maintenance.");
        if (model.Replication is { } copy && !model.Hosts.Any(h => h.Region.Equals(copy.To, StringComparison.OrdinalIgnoreCase)))
            throw At(0, $"Machines are replicated to region '{copy.To}', which has no hosts.", "Add a group of hosts with that Region.");
        if (model.Sla is { } sla && sla.Target is not (> 0 and < 100))
            throw At(0, $"An SLA of {sla.Target.ToString(CultureInfo.InvariantCulture)} % cannot be promised.", "Give a percentage such as 99.95.");
    }

    private static void CheckHosts(HostGroup hosts, Func<int, string, string, IaaSException> at)
    {
        if (hosts.Count < 1)
            throw at(hosts.Line, $"The hosts '{hosts.Name}' are {Number(hosts.Count)}; there has to be one at least.", "Correct Count, or leave the group out.");
        if (hosts.Cpu < 1 || hosts.Memory < 1)
            throw at(hosts.Line, $"The hosts '{hosts.Name}' offer {Number(hosts.Cpu)} CPU and {ByteSize.Format(hosts.Memory)}.", "Give Cpu and Memory above 0, as Memory = '128GB'.");
        if (hosts.FaultDomains is < 1 or > 1000 || hosts.UpdateDomains is < 1 or > 1000 || hosts.FirstFaultDomain is < 0 or > 100_000 || hosts.FirstUpdateDomain is < 0 or > 100_000)
            throw at(hosts.Line, $"The hosts '{hosts.Name}' are spread over {Number(hosts.FaultDomains)} fault and {Number(hosts.UpdateDomains)} update domains; 1 to 1,000 are possible.", "Correct FaultDomains and UpdateDomains.");
    }

    private static void CheckMachines(MachineGroup machines, Func<int, string, string, IaaSException> at)
    {
        if (machines.Count < 1)
            throw at(machines.Line, $"The machines '{machines.Name}' are {Number(machines.Count)}; there has to be one at least.", "Correct Count, or leave the group out.");
        if (machines.Cpu < 1 || machines.Memory < 1)
            throw at(machines.Line, $"The machines '{machines.Name}' need {Number(machines.Cpu)} CPU and {ByteSize.Format(machines.Memory)}.", "Give Cpu and Memory above 0, as Memory = '8GB'.");
    }

    // A walk down what each depends on; one that is met again on the same walk closes a circle.
    private static void CheckCycle(FleetModel model, Func<int, string, string, IaaSException> at)
    {
        Walk("application", [.. model.Applications.Select(a => (a.Name, a.Line, (IEnumerable<string>)a.DependsOn))], "DependsOn", at);
        Walk("group of machines", [.. model.Machines.GroupBy(m => m.Name, StringComparer.OrdinalIgnoreCase)
            .Select(g => (g.Key, g.First().Line, g.Where(m => m.StartAfter is not null).SelectMany(m => GroupsOf(model, m.StartAfter!))))], "StartAfter", at);
    }

    private static IEnumerable<string> GroupsOf(FleetModel model, string selector)
    {
        var means = Requirement.Selector(selector);
        return model.Machines.Where(m => means(m.Name, Fleet.Numbered(m.Name, m.Count, 0))).Select(m => m.Name);
    }

    private static void Walk(string what, List<(string Name, int Line, IEnumerable<string> Needs)> all, string property, Func<int, string, string, IaaSException> at)
    {
        var byName = all.ToDictionary(a => a.Name, StringComparer.OrdinalIgnoreCase);
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (start, _, _) in all)
        {
            var path = new List<string>();
            var stack = new Stack<(string Name, int Depth)>([(start, 0)]);
            while (stack.TryPop(out var step))
            {
                path.RemoveRange(step.Depth, path.Count - step.Depth);
                if (path.Contains(step.Name, StringComparer.OrdinalIgnoreCase))
                {
                    throw at(byName[step.Name].Line, $"The {what} '{step.Name}' needs itself: {string.Join(" → ", path.SkipWhile(p => !p.Equals(step.Name, StringComparison.OrdinalIgnoreCase)).Append(step.Name))}.",
                        $"Take one {property} of the circle away.");
                }

                if (!byName.TryGetValue(step.Name, out var item))
                    throw at(byName[path[^1]].Line, $"The {what} '{path[^1]}' needs '{step.Name}', which does not exist.", $"Correct {property}.");

                path.Add(item.Name);
                if (!done.Add(item.Name) && path.Count == 1)
                    break;
                foreach (var need in item.Needs)
                    stack.Push((need, path.Count));
            }
        }
    }

    private static bool Instant(Law between, Law repair) => between.Kind != LawKind.Never && between.Mean + (repair.Kind == LawKind.Never ? 0 : repair.Mean) < 1;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
