using System.Globalization;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>Makes the report of what the replications have seen.</summary>
internal sealed class ReportBuilder(Fleet fleet, SimulationOptions options, Totals totals, long warmUp, long end)
{
    private const double TicksPerMinute = Clock.PerSecond * 60;

    private readonly long _counted = end - warmUp;

    private double MachineYears => totals.Years * fleet.MachineCount;

    private bool HasApplications => fleet.Requirements.ApplicationCount > 0;

    public AvailabilityReport Build(MachineSums? sums)
    {
        var model = fleet.Model;
        var report = new AvailabilityReport
        {
            Name = model.Name,
            Question = options.Question ?? Sentences.Question(model, options.Years),
            Fleet = FleetFigure(),
            Applications = [.. Enumerable.Range(0, fleet.Requirements.ApplicationCount).Select(ApplicationFigure)],
            Groups = [.. Enumerable.Range(0, model.Machines.Count).Select(GroupFigure)],
            Machines = sums is null ? [] : [.. Enumerable.Range(0, fleet.MachineCount).Select(m => MachineFigure(sums, m))],
            Causes = Causes(),
            Phases = Phases(),
            Outages = Outages(),
            LongestOutages = [.. totals.LongestOutages.Select(o => Record(o.Outage, o.Replication))],
            Shortfall = Shortfall(),
            RecoveryPoint = model.Replication is null ? null : RecoveryPoint(model.Replication),
            Assumptions = model.Assumptions,
            ClosedFormAvailability = ClosedForm.FirstAnswer(model),
            Model = model,
            Seed = options.Seed,
            Years = options.Years,
            WarmUpYears = warmUp / Clock.PerSecond / TimeText.Year,
            Replications = totals.Runs.Count,
            Events = totals.Events,
            Fingerprint = totals.Fingerprint.ToString("x16", CultureInfo.InvariantCulture),
            Samples = Samples(),
        };
        if (sums is null)
            report.Notes.Add($"Machines are reported by group, since there are more than {Simulator.MostMachinesListed:N0}.");
        if (totals.Method == "BatchMeans")
            report.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"With {totals.Runs.Count} replication{(totals.Runs.Count == 1 ? "" : "s")}, intervals are made from {BatchBook.Batches} equal parts of the horizon."));
        Compare(report);
        return report;
    }

    /// <summary>Adds what differs from the baseline, pair by pair.</summary>
    private void Compare(AvailabilityReport report)
    {
        if (options.Baseline is not { } baseline)
            return;
        foreach (var mine in report.Samples)
        {
            var theirs = baseline.Samples.FirstOrDefault(s => s.Name == mine.Name);
            if (theirs is null || theirs.Values.Count != mine.Values.Count)
                continue;
            var saved = Estimate.Of([.. theirs.Values.Zip(mine.Values, (before, now) => Minutes(before - now))]);
            report.Differences.Add(new AvailabilityDifference
            {
                Name = mine.Name.Length == 0 ? "all machines" : mine.Name,
                BaselineMinutesPerYear = Minutes(theirs.Values.Average()),
                MinutesPerYear = Minutes(mine.Values.Average()),
                MinutesSavedPerYear = saved.Mean,
                Low = saved.Low,
                High = saved.High,
            });
        }
    }

    private AvailabilityFigure FleetFigure()
    {
        var figure = AvailabilityFigure.Of("Fleet", fleet.Model.Name, totals.Fleet());
        figure.Method = totals.Method;
        figure.MachineCount = fleet.MachineCount;
        var runs = totals.Runs;
        Fill(figure, runs.Sum(r => r.Groups.Sum(g => g.Down)), runs.Sum(r => r.Groups.Sum(g => g.Planned)), runs.Sum(r => r.Groups.Sum(g => g.Interruptions)), MachineYears);
        Promise(figure, [.. runs.Select(r => (r.MachineMonths.Months * fleet.MachineCount, r.MachineMonths.Missed, r.MachineMonths.Credited))]);
        return figure;
    }

    private AvailabilityFigure GroupFigure(int group)
    {
        var machines = fleet.Model.Machines[group];
        var figure = AvailabilityFigure.Of("Group", machines.Name, totals.Group(group));
        figure.MachineCount = machines.Count;
        var runs = totals.Runs;
        Fill(figure, runs.Sum(r => r.Groups[group].Down), runs.Sum(r => r.Groups[group].Planned), runs.Sum(r => r.Groups[group].Interruptions), totals.Years * machines.Count);
        return figure;
    }

    private AvailabilityFigure ApplicationFigure(int application)
    {
        var figure = AvailabilityFigure.Of("Application", fleet.Model.Applications[application].Name, totals.Application(application));
        figure.Method = totals.Method;
        figure.MachineCount = Enumerable.Range(0, fleet.Requirements.Conditions.Length).Where(c => fleet.Requirements.Conditions[c].Application == application).Sum(c => fleet.Requirements.Conditions[c].Of);
        var runs = totals.Runs;
        Fill(figure, runs.Sum(r => (double)r.Applications[application].Down), runs.Sum(r => (double)r.Applications[application].Planned), runs.Sum(r => (long)r.Applications[application].Interruptions), totals.Years);
        Promise(figure, [.. runs.Select(r => r.ApplicationMonths[application])]);
        return figure;
    }

    private AvailabilityFigure MachineFigure(MachineSums sums, int machine)
    {
        var figure = AvailabilityFigure.Of("Machine", fleet.NameOf(machine), sums.Estimate(machine, totals.Runs.Count, _counted));
        Fill(figure, (double)sums.Down[machine], (double)sums.Planned[machine], sums.Interruptions[machine], totals.Years);
        return figure;
    }

    private static void Fill(AvailabilityFigure figure, double down, double planned, long interruptions, double years)
    {
        figure.PlannedMinutesPerYear = planned / TicksPerMinute / years;
        figure.InterruptionsPer100Years = interruptions / years * 100;
        figure.MeanOutageMinutes = interruptions > 0 ? down / TicksPerMinute / interruptions : null;
    }

    private void Promise(AvailabilityFigure figure, (int Months, long Missed, long[] Credited)[] runs)
    {
        if (fleet.Model.Sla is null || runs.Sum(r => (long)r.Months) == 0)
            return;
        // Months of one replication share its luck; replications do not. So the interval is that of the replications where there are enough.
        var months = runs.Sum(r => (double)r.Months);
        var share = Estimate.Share(runs.Sum(r => (double)r.Missed), months);
        if (runs.Length >= 10 && runs.Sum(r => r.Missed) >= 10)
            share = Estimate.Of([.. runs.Select(r => (double)r.Missed / r.Months)]);
        (figure.MissChance, figure.MissChanceLow, figure.MissChanceHigh) = (share.Mean, Math.Max(0, share.Low), Math.Min(1, share.High));
        var percents = new MonthBook(fleet.Model.Sla).Percents;
        figure.ExpectedCreditPercent = percents.Select((p, i) => p * runs.Sum(r => (double)r.Credited[i])).Sum() / months;
    }

    private List<CauseShare> Causes()
    {
        var all = totals.Causes.Time.Sum();
        return [.. Enum.GetValues<OutageCause>().Where(c => totals.Causes.Events[(int)c] > 0 || totals.Causes.Time[(int)c] > 0).Select(c => new CauseShare
        {
            Cause = c,
            MinutesPerYear = totals.Causes.Time[(int)c] / TicksPerMinute / MachineYears,
            Share = all > 0 ? totals.Causes.Time[(int)c] / all : 0,
            EventsPerYear = totals.Causes.Events[(int)c] / totals.Years,
            MeanMachines = totals.Causes.Events[(int)c] > 0 ? (double)totals.Causes.Machines[(int)c] / totals.Causes.Events[(int)c] : 0,
            MostMachines = totals.Causes.Most[(int)c],
        }).OrderByDescending(c => c.MinutesPerYear)];
    }

    private List<PhaseShare> Phases()
    {
        var all = totals.Phases.Sum();
        return [.. Enum.GetValues<OutagePhase>().Where(p => p != OutagePhase.None && totals.Phases[(int)p] > 0).Select(p => new PhaseShare
        {
            Phase = p,
            MinutesPerYear = totals.Phases[(int)p] / TicksPerMinute / MachineYears,
            Share = totals.Phases[(int)p] / all,
        }).OrderByDescending(p => p.MinutesPerYear)];
    }

    private List<OutageClass> Outages()
    {
        var histogram = HasApplications ? totals.Applications : totals.Machines;
        var all = histogram.Counts.Sum();
        return [.. histogram.Counts.Select((count, i) => new OutageClass
        {
            UpToSeconds = i < OutageHistogram.Ends.Length ? OutageHistogram.Ends[i] : double.PositiveInfinity,
            Length = i == 0 ? $"under {Text(0)}" : i == OutageHistogram.Ends.Length ? $"{Text(i - 1)} and more" : $"{Text(i - 1)} to {Text(i)}",
            PerYear = count / totals.Years,
            Share = all > 0 ? (double)count / all : 0,
        })];

        static string Text(int end) => TimeText.Format(OutageHistogram.Ends[end]);
    }

    private OutageRecord Record(in LongOutage outage, int replication) => new()
    {
        Name = HasApplications ? fleet.Model.Applications[outage.Who].Name : fleet.NameOf(outage.Who),
        Duration = TimeSpan.FromMicroseconds(outage.Ticks),
        Cause = outage.Cause,
        Source = outage.Source >= 0 ? fleet.Sources[outage.Source].Name : outage.Cause == OutageCause.Guest ? "guest" : "maintenance",
        Replication = replication,
        Day = (outage.Began - warmUp) / Clock.PerSecond / 86400,
        Note = Note(outage),
    };

    private string? Note(in LongOutage outage)
    {
        string[] notes =
        [
            outage.LackedRoom ? "there was no room on any host" : "",
            outage.HadCompany && !HasApplications ? "other machines were down with it" : "",
            outage.WasCutOff ? "it had not ended at the horizon" : "",
        ];
        var said = string.Join("; ", notes.Where(n => n.Length > 0));
        return said.Length > 0 ? said : null;
    }

    private CapacityShortfall Shortfall() => new()
    {
        MachinesPerYear = totals.Runs.Sum(r => r.Shortfall.Times) / totals.Years,
        MachineHoursPerYear = totals.Phases[(int)OutagePhase.Capacity] / TicksPerMinute / 60 / totals.Years,
        MostAtOnce = totals.Runs.Max(r => r.Shortfall.Peak),
    };

    private RecoveryPointFigure RecoveryPoint(ReplicationModel copy)
    {
        var count = totals.Runs.Sum(r => r.Lost.Count);
        return new RecoveryPointFigure
        {
            RecoveriesPerYear = count / totals.Years,
            Mean = TimeSpan.FromSeconds(count > 0 ? totals.Runs.Sum(r => r.Lost.Sum) / count : 0),
            Worst = TimeSpan.FromSeconds(totals.Runs.Max(r => r.Lost.Most)),
            Expected = TimeSpan.FromSeconds(ClosedForm.RecoveryPoint(copy.Period.TotalSeconds, copy.Lag.TotalSeconds).Mean),
        };
    }

    private List<SampleSeries> Samples() =>
    [
        new() { Name = "", Values = [.. totals.FleetSamples()] },
        .. Enumerable.Range(0, fleet.Requirements.ApplicationCount).Select(a => new SampleSeries { Name = fleet.Model.Applications[a].Name, Values = [.. totals.ApplicationSamples(a)] }),
    ];

    private static double Minutes(double unavailability) => unavailability * TimeText.Year / 60;
}
