namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// What applications need of machines, by number: conditions (so many of these machines), and the applications that each of them decides.
/// The same conditions hold machines back that have to start after others.
/// </summary>
internal sealed class Requirements
{
    private readonly int[] _first;      // where a machine's conditions begin in _conditions
    private readonly int[] _conditions;

    private Requirements(int[] first, int[] conditions) => (_first, _conditions) = (first, conditions);

    /// <summary>How many of a condition's machines are needed, how many there are, and which application it decides; -1 for a start order.</summary>
    public required (int Needed, int Of, int Application)[] Conditions { get; init; }

    /// <summary>The applications that depend on each.</summary>
    public required int[][] Dependents { get; init; }

    /// <summary>The condition that a class of machines waits for before it starts; -1 for none.</summary>
    public required int[] StartAfter { get; init; }

    public int ApplicationCount => Dependents.Length;

    public bool IsEmpty => Conditions.Length == 0;

    /// <summary>The conditions that a machine counts for.</summary>
    public ReadOnlySpan<int> Of(int machine) => _conditions.AsSpan(_first[machine], _first[machine + 1] - _first[machine]);

    public static Requirements Of(FleetModel model, string? file)
    {
        var conditions = new List<(int Needed, int Of, int Application)>();
        var members = new List<List<int>>();
        for (var a = 0; a < model.Applications.Count; a++)
        {
            var application = model.Applications[a];
            var parsed = Requirement.Parse(application.Requires) ?? (application.Requires.Length == 0 && application.DependsOn.Count > 0 ? []
                : throw ModelError.At(file, application.Line, $"The application '{application.Name}' requires '{application.Requires}', which cannot be read.", "Write it as: 1 of sp-web and 2 of sp-sql."));
            foreach (var requirement in parsed)
            {
                var machines = Matching(model, requirement.Machines);
                if (machines.Count == 0)
                    throw ModelError.At(file, application.Line, $"The application '{application.Name}' needs '{requirement.Machines}', but no machine is called so.", $"The machines are: {Groups(model)}.");
                if (requirement.Needed > machines.Count)
                    throw ModelError.At(file, application.Line, $"The application '{application.Name}' needs {requirement.Needed} of '{requirement.Machines}', but there are only {machines.Count}.", "Correct the number, or add machines.");
                conditions.Add((requirement.Needed == 0 ? machines.Count : requirement.Needed, machines.Count, a));
                members.Add(machines);
            }
        }

        var startAfter = model.Machines.Select(group => StartCondition(model, group, conditions, members, file)).ToArray();
        var dependents = model.Applications.Select(a => Enumerable.Range(0, model.Applications.Count)
            .Where(d => model.Applications[d].DependsOn.Contains(a.Name, StringComparer.OrdinalIgnoreCase)).ToArray()).ToArray();
        var (first, list) = ByMachine((int)model.MachineCount, members);
        return new Requirements(first, list) { Conditions = [.. conditions], Dependents = dependents, StartAfter = startAfter };
    }

    private static int StartCondition(FleetModel model, MachineGroup group, List<(int, int, int)> conditions, List<List<int>> members, string? file)
    {
        if (group.StartAfter is not { } after)
            return -1;
        var machines = Matching(model, after);
        if (machines.Count == 0)
            throw ModelError.At(file, group.Line, $"The machines '{group.Name}' start after '{after}', but no machine is called so.", $"The machines are: {Groups(model)}.");
        conditions.Add((1, machines.Count, -1));
        members.Add(machines);
        return conditions.Count - 1;
    }

    private static (int[] First, int[] Conditions) ByMachine(int machines, List<List<int>> members)
    {
        var first = new int[machines + 1];
        foreach (var machine in members.SelectMany(m => m))
            first[machine + 1]++;
        for (var i = 0; i < machines; i++)
            first[i + 1] += first[i];
        var next = first.ToArray();
        var list = new int[first[^1]];
        for (var condition = 0; condition < members.Count; condition++)
        {
            foreach (var machine in members[condition])
                list[next[machine]++] = condition;
        }

        return (first, list);
    }

    private static List<int> Matching(FleetModel model, string selector)
    {
        var means = Requirement.Selector(selector);
        var found = new List<int>();
        var at = 0;
        foreach (var group in model.Machines)
        {
            for (var i = 0; i < group.Count; i++, at++)
            {
                if (means(group.Name, Fleet.Numbered(group.Name, group.Count, i)))
                    found.Add(at);
            }
        }

        return found;
    }

    private static string Groups(FleetModel model)
    {
        const int Shown = 8;
        return string.Join(", ", model.Machines.Select(m => m.Name).Take(Shown)) + (model.Machines.Count > Shown ? ", …" : "");
    }
}
