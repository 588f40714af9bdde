using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Simulation.Statistics;

/// <summary>What is kept of one replication.</summary>
internal sealed class RunSummary
{
    public required int Replication { get; init; }

    public required long Events { get; init; }

    public required ulong Fingerprint { get; init; }

    /// <summary>By group of machines: the down and planned ticks of all of them, and their interruptions.</summary>
    public required (double Down, double Planned, long Interruptions)[] Groups { get; init; }

    public required ApplicationTotals[] Applications { get; init; }

    public required double[][] ApplicationCauses { get; init; }

    public required (int Months, long Missed, long[] Credited)[] ApplicationMonths { get; init; }

    public required (int Months, long Missed, long[] Credited) MachineMonths { get; init; }

    public required CauseBook Causes { get; init; }

    public required double[] Phases { get; init; }

    public required OutageHistogram Machines { get; init; }

    public required OutageHistogram ApplicationOutages { get; init; }

    public required IReadOnlyList<LongOutage> Longest { get; init; }

    public required (long Times, int Peak) Shortfall { get; init; }

    public required (long Count, double Sum, double Most) Lost { get; init; }

    /// <summary>The unavailability of all machines in equal parts of the horizon: for batch means, where replications are few.</summary>
    public required double[][] Batches { get; init; }

    public static RunSummary Of(FleetRun run, Fleet fleet, int replication)
    {
        var ledger = run.Ledger;
        var groups = new (double Down, double Planned, long Interruptions)[fleet.Classes.Length];
        for (var machine = 0; machine < ledger.Machines.Length; machine++)
        {
            ref readonly var totals = ref ledger.Machines[machine];
            ref var group = ref groups[fleet.ClassOf[machine]];
            group = (group.Down + totals.Down, group.Planned + ledger.Extras[machine].Planned, group.Interruptions + totals.Interruptions);
        }

        var causes = new CauseBook();
        causes.Add(ledger.Causes);
        var (machines, applications) = (new OutageHistogram(), new OutageHistogram());
        machines.Add(ledger.MachineOutages);
        applications.Add(ledger.ApplicationOutages);
        return new RunSummary
        {
            Replication = replication,
            Events = run.Events,
            Fingerprint = run.Fingerprint,
            Groups = groups,
            Applications = ledger.Applications.ToArray(),
            ApplicationCauses = [.. ledger.ApplicationCauses.Select(c => c.ToArray())],
            ApplicationMonths = [.. ledger.ApplicationMonths.Select(Months)],
            MachineMonths = Months(ledger.MachineMonths),
            Causes = causes,
            Phases = [.. ledger.Phases],
            Machines = machines,
            ApplicationOutages = applications,
            Longest = [.. (fleet.Requirements.ApplicationCount > 0 ? ledger.LongestApplicationOutages : ledger.LongestMachineOutages).Outages],
            Shortfall = ledger.Shortfall,
            Lost = ledger.Lost,
            Batches = ledger.Batches.Shares(fleet.MachineCount),
        };
    }

    private static (int, long, long[]) Months(MonthBook book) => (book.Months, book.Missed, book.Credited.ToArray());
}
