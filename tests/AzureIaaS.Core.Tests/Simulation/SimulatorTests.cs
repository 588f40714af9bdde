using AzureIaaS.Simulation;
using static AzureIaaS.Tests.Simulation.Farm;

namespace AzureIaaS.Tests.Simulation;

public class SimulatorTests
{
    private static readonly SimulationOptions Quick = new() { Years = 2, Replications = 24, Sensitivity = false };

    [Fact]
    public void An_interval_holds_the_truth_as_often_as_it_says()
    {
        var truth = 1 - ClosedForm.Availability(8, 10, 2, 1.0 / 200, 1.0 / 10);
        var model = Bare(10, Law.Exponential(200 * Hour), Law.Exponential(10 * Hour), crews: 2).With("8 of vm");
        var held = Enumerable.Range(1, 200).Count(seed => Run(model, years: 2, replications: 20, seed).Application(0) is var e && e.Low <= truth && truth <= e.High);
        Assert.InRange(held, 180, 198);
    }

    [Fact]
    public void Batch_means_hold_the_truth_as_often_as_they_say()
    {
        var model = Bare(10, Law.Exponential(200 * Hour), Law.Exponential(10 * Hour));
        var truth = 1 - ClosedForm.Availability(200, 10);
        var held = Enumerable.Range(1, 200).Count(seed => Run(model, years: 10, replications: 1, seed).Fleet() is var e && e.Low <= truth && truth <= e.High);
        Assert.InRange(held, 180, 198);
    }

    [Fact]
    public void The_same_seed_gives_the_same_report_on_any_number_of_threads()
    {
        string Report(int threads, long seed)
        {
            var report = Simulator.Measure(Varied(), Quick with { Threads = threads, Seed = seed, Sensitivity = true });
            report.Elapsed = default;
            return System.Text.Json.JsonSerializer.Serialize(report, CoreJson.Default.AvailabilityReport);
        }

        var one = Report(1, 5);
        Assert.Equal(one, Report(2, 5));
        Assert.Equal(one, Report(7, 5));
        Assert.NotEqual(one, Report(1, 6));
    }

    [Fact]
    public void The_same_seed_gives_the_same_story()
    {
        var options = new SimulationOptions { Years = 1, Seed = 3 };
        Assert.Equal(Simulator.Tell(Varied(), options, 4), Simulator.Tell(Varied(), options, 4));
        Assert.NotEqual(Simulator.Tell(Varied(), options, 4), Simulator.Tell(Varied(), options, 5));
    }

    [Fact]
    public void More_is_run_until_the_interval_is_as_narrow_as_asked()
    {
        var model = Bare(4, Law.Exponential(500 * Hour), Law.Exponential(5 * Hour)).With("3 of vm");
        var wide = Simulator.Measure(model, new SimulationOptions { Years = 1, Precision = 0.2, Sensitivity = false });
        var narrow = Simulator.Measure(model, new SimulationOptions { Years = 1, Precision = 0.02, Sensitivity = false });
        foreach (var (report, precision) in new[] { (wide, 0.2), (narrow, 0.02) })
        {
            var app = report.Applications[0];
            Assert.True((app.High - app.Low) / 2 <= precision * (1 - app.Availability));
        }

        Assert.True(narrow.Replications > 10 * wide.Replications);
    }

    [Fact]
    public void What_happens_in_the_warm_up_does_not_count()
    {
        var model = Healing(2, 4, Law.Never, Law.Never, 60, 60);
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host host1", At = TimeSpan.FromDays(10), For = TimeSpan.FromHours(1) });
        var with = Simulator.Measure(model, new SimulationOptions { Years = 1, WarmUpYears = 0, Replications = 1 });
        var without = Simulator.Measure(model, new SimulationOptions { Years = 1, WarmUpYears = 11.0 / 365, Replications = 1 });
        Assert.Equal(2 * 2 / 4.0, with.Fleet.MinutesPerYear, 6);
        Assert.Equal(0, without.Fleet.MinutesPerYear);
        Assert.Equal(0, without.Fleet.InterruptionsPer100Years);
    }

    [Fact]
    public void A_comparison_uses_the_same_random_numbers_and_so_sees_small_differences()
    {
        var model = Varied();
        var before = Simulator.Measure(model, Quick);
        var better = Varied();
        better.Recovery.Boot = better.Recovery.Boot.Times(0.95);
        var after = Simulator.Measure(better, Quick with { Baseline = before, Replications = 3, Seed = 99 });
        var difference = after.Differences[0];
        Assert.Equal((before.Seed, before.Replications), (after.Seed, after.Replications));
        Assert.True(difference.Low > 0, $"{difference.Low}");
        // Intervals of both alone overlap: it is the pairing that shows it.
        Assert.True(after.Fleet.Low < before.Fleet.High);
        Assert.Contains("saves", after.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Months_that_break_the_promise_are_counted_and_earn_credits()
    {
        // One machine, down for an hour on the first day of each of three months of ten.
        var model = Bare(1, Law.Never, Law.Never).With("1 of vm");
        foreach (var month in new[] { 0, 3, 7 })
            model.Failures.Script.Add(new ScriptedFailure { Fails = "host host", At = TimeSpan.FromDays((30 * month) + 1), For = TimeSpan.FromHours(month == 7 ? 8 : 1) });
        model.Sla = new SlaModel { Target = 99.9, Credits = ModelDefaults.Credits(99.9) };
        var app = Simulator.Measure(model, new SimulationOptions { Years = 300.0 / 365, WarmUpYears = 0, Replications = 1 }).Applications[0];
        Assert.Equal(0.3, app.MissChance!.Value, 9);
        Assert.Equal((10 + 10 + 25) / 10.0, app.ExpectedCreditPercent!.Value, 9);   // 8 h are 1.1 % of a month
        Assert.InRange(0.3, app.MissChanceLow!.Value, app.MissChanceHigh!.Value);
    }

    [Fact]
    public void A_promise_is_counted_by_the_month_in_which_time_is_lost()
    {
        // 30 minutes on each side of a month's end, where 43.2 are allowed.
        var model = Bare(1, Law.Never, Law.Never).With("1 of vm");
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host host", At = TimeSpan.FromDays(30) - TimeSpan.FromMinutes(30), For = TimeSpan.FromHours(1) });
        model.Sla = new SlaModel { Target = 99.9 };
        Assert.Equal(0, Simulator.Measure(model, new SimulationOptions { Years = 60.0 / 365, WarmUpYears = 0, Replications = 1 }).Applications[0].MissChance);
    }

    [Fact]
    public void What_helps_most_is_said()
    {
        var model = Healing(20, 100, Law.Exponential(500 * Hour), Law.Fixed(Hour), 10 * Minute, Minute);
        var report = Simulator.Measure(model, new SimulationOptions { Years = 1, Replications = 40 });
        Assert.Equal("Failures.Host", report.Improvements[0].Parameter);
        Assert.True(report.Improvements[0].IsSignificant);
        Assert.False(report.Improvements.Single(i => i.Parameter == "Failures.HostRepair") is { IsSignificant: true, MinutesSavedPerYear: > 5 });
        Assert.Contains("hosts that fail half as often", report.Answer, StringComparison.Ordinal);
        // Half the failures save half the downtime.
        Assert.Equal(report.Fleet.MinutesPerYear / 2, report.Improvements[0].MinutesSavedPerYear, report.Fleet.MinutesPerYear * 0.1);
    }

    [Fact]
    public void A_fleet_without_spare_capacity_waits_for_it()
    {
        var model = Healing(4, 16, Law.Exponential(1000 * Hour), Law.Fixed(6 * Hour), 60, 60);
        (model.Hosts[0].Cpu, model.Hosts[0].Memory) = (8, 32L << 30);
        var report = Simulator.Measure(model, new SimulationOptions { Years = 2, Replications = 20, Sensitivity = false });
        Assert.Equal(OutagePhase.Capacity, report.Phases[0].Phase);
        Assert.True(report.Shortfall.MachinesPerYear > 100);
        Assert.Contains(report.LongestOutages, o => o.Note == "there was no room on any host");
        // Each waits for the repair of its own host, whose time is known.
        Assert.InRange(report.Fleet.MeanOutageMinutes!.Value, 360, 375);
    }

    [Fact]
    public void Machines_start_in_their_order()
    {
        var model = Healing(2, 1, Law.Never, Law.Never, 60, 60);
        model.Machines = [new MachineGroup { Name = "sql", Host = "host1" }, new MachineGroup { Name = "web", Host = "host1", StartAfter = "sql" }];
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host host1", At = TimeSpan.FromHours(1), For = TimeSpan.FromHours(4) });
        var up = Simulator.Tell(model, new SimulationOptions { Years = 0.01, WarmUpYears = 0 }).Where(e => e.Kind == "Started").Select(e => (e.Machine, (e.Time - TimeSpan.FromHours(1)).TotalSeconds)).ToList();
        Assert.Equal([("sql", 120), ("web", 180)], up);
    }

    [Fact]
    public void A_short_loss_of_storage_freezes_and_a_long_one_restarts()
    {
        double Outage(double seconds)
        {
            var model = Healing(2, 4, Law.Never, Law.Never, 60, 60);
            model.Failures.Storage = Law.Exponential(30 * 24 * Hour);
            model.Failures.StorageRepair = Law.Fixed(seconds);
            model.Failures.StorageGrace = TimeSpan.FromSeconds(120);
            return Simulator.Measure(model, new SimulationOptions { Years = 5, Replications = 10, Sensitivity = false }).Fleet.MeanOutageMinutes!.Value * 60;
        }

        Assert.Equal(100, Outage(100), 3);
        Assert.Equal(200 + 60, Outage(200), 3);
    }

    [Fact]
    public void An_application_is_down_while_one_that_it_needs_is()
    {
        var model = Healing(2, 1, Law.Never, Law.Never, 60, 60);
        model.Machines = [new MachineGroup { Name = "sql", Host = "host1" }, new MachineGroup { Name = "web", Host = "host2" }];
        model.Applications = [new FleetApplication { Name = "Web", Requires = "1 of web", DependsOn = ["Sql"] }, new FleetApplication { Name = "Sql", Requires = "all of sql" }];
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host host1", At = TimeSpan.FromHours(1), For = TimeSpan.FromHours(4) });
        var report = Simulator.Measure(model, new SimulationOptions { Years = 1, WarmUpYears = 0, Replications = 1 });
        Assert.Equal([2.0, 2.0], report.Applications.Select(a => a.MinutesPerYear).Select(m => Math.Round(m, 6)));
    }

    /// <summary>A little of everything.</summary>
    internal static FleetModel Varied()
    {
        var model = Healing(12, 60, Law.Weibull(400 * Hour, 0.8), Law.Lognormal(8 * Hour, 1), 2 * Minute, 3 * Minute, slots: 2);
        (model.Hosts[0].Cpu, model.Hosts[0].Memory) = (14, 56L << 30);
        (model.Hosts[0].FaultDomains, model.Hosts[0].UpdateDomains) = (3, 4);
        model.Machines = [new MachineGroup { Name = "web", Count = 30, AvailabilitySet = "web", StartAfter = "sql" }, new MachineGroup { Name = "sql", Count = 10, AvailabilitySet = "sql", Cpu = 4, Memory = 12L << 30 }, new MachineGroup { Name = "other", Count = 20 }];
        model.Failures.FaultDomain = Law.Exponential(2000 * Hour);
        model.Failures.FaultDomainRepair = Law.Lognormal(2 * Hour, 1);
        model.Failures.Guest = Law.Exponential(3000 * Hour);
        model.Failures.Storage = Law.Exponential(4000 * Hour);
        model.Failures.StorageRepair = Law.Exponential(5 * Minute);
        (model.Failures.StorageUnits, model.Failures.StorageGrace, model.Failures.Crews) = (3, TimeSpan.FromMinutes(2), 3);
        model.Recovery.GuestDetection = Law.Exponential(30);
        model.Maintenance = new MaintenanceModel { Interval = TimeSpan.FromDays(20), Pause = ModelDefaults.Blackout, Eligible = 0.9 };
        model.Applications = [new FleetApplication { Name = "Web", Requires = "25 of web", DependsOn = ["Sql"] }, new FleetApplication { Name = "Sql", Requires = "8 of sql" }];
        return model;
    }
}
