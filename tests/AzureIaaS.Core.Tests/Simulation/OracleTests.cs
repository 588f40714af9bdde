using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;
using static AzureIaaS.Tests.Simulation.Farm;

namespace AzureIaaS.Tests.Simulation;

/// <summary>The simulator against theory: within four standard errors, with errors small enough to notice a fault.</summary>
public class OracleTests
{
    private static readonly Law Fails = Law.Exponential(1000 * Hour);
    private static readonly Law IsRepaired = Law.Exponential(10 * Hour);

    [Theory]
    [InlineData("exponential 1000 h", "exponential 1 h")]
    [InlineData("weibull 1000 h shape 0.7", "lognormal 1 h sigma 1.5")]
    [InlineData("exponential 1000 h", "fixed 1 h")]
    [InlineData("lognormal 1000 h sigma 0.5", "empirical 0 s, 30 min, 90 min, 2 h")]
    public void One_machine_is_available_for_its_share_of_time_whatever_the_laws(string failure, string repair)
    {
        Assert.True(Law.TryParse(failure, out var up));
        Assert.True(Law.TryParse(repair, out var down));
        Run(Bare(10, up, down), years: 40, replications: 60, warmUp: 2).Fleet().ShouldBeWithinFourErrors(1 - ClosedForm.Availability(up.Mean, down.Mean));
    }

    [Fact]
    public void A_machine_that_is_restarted_elsewhere_is_down_for_detection_and_boot() =>
        // A repair is never over before the loss is noticed: then machines would start where they were, and sooner.
        Run(Healing(10, 20, Law.Exponential(8760 * Hour), Law.Fixed(Hour), 5 * Minute, 10 * Minute), years: 100, replications: 40)
            .Fleet().ShouldBeWithinFourErrors(1 - 0.999971462002);

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(1, 2, 2)]
    [InlineData(2, 3, 1)]
    [InlineData(3, 4, 1)]
    [InlineData(8, 10, 1)]
    [InlineData(8, 10, 2)]
    [InlineData(8, 10, 10)]
    public void K_of_n_with_crews(int k, int n, int crews) =>
        Run(Bare(n, Fails, IsRepaired, crews).With($"{k} of vm"), years: 400, replications: 40)
            .Application(0).ShouldBeWithinFourErrors(1 - ClosedForm.Availability(k, n, crews, 1.0 / 1000, 1.0 / 10));

    [Fact]
    public void With_a_crew_for_every_host_the_law_of_repair_does_not_matter() =>
        Run(Bare(10, Fails, Law.Lognormal(10 * Hour, 1.2), crews: 10).With("8 of vm"), years: 400, replications: 60)
            .Application(0).ShouldBeWithinFourErrors(1 - ClosedForm.Availability(8, 10, 10, 1.0 / 1000, 1.0 / 10));

    [Fact]
    public void With_fewer_crews_it_does_matter()
    {
        var estimate = Run(Bare(10, Fails, Law.Lognormal(10 * Hour, 1.2), crews: 1).With("8 of vm"), years: 400, replications: 60).Application(0);
        var exponential = 1 - ClosedForm.Availability(8, 10, 1, 1.0 / 1000, 1.0 / 10);
        Assert.True(estimate.Mean - exponential > 8 * estimate.HalfWidth / 1.96, $"{estimate.Mean:G6} is not beyond {exponential:G6}.");
    }

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(8, 10, 2)]
    public void The_mean_time_from_all_up_to_the_first_failure(int k, int n, int crews)
    {
        var model = Bare(n, Fails, IsRepaired, crews).With($"{k} of vm");
        var firsts = Enumerable.Range(0, 400).Select(replication => FirstFailure(model, replication, n - k + 1)).ToList();
        Estimate.Of(firsts).ShouldBeWithinFourErrors(ClosedForm.MeanTimeToFailure(k, n, crews, 1.0 / 1000, 1.0 / 10), width: 0.06);
    }

    [Theory]
    [InlineData(1, .5)]
    [InlineData(2, 1.5)]
    [InlineData(4, 3)]
    [InlineData(10, 8)]
    public void The_wait_for_a_slot_is_that_of_a_queue_with_as_many_servers(int slots, double load)
    {
        var totals = Run(Queue(20_000, load, Law.Exponential(Minute), slots), years: 0.1, replications: 12, warmUp: 0.005);
        var waits = totals.Runs.Select(r => r.Phases[(int)OutagePhase.Slot] / r.Groups[0].Interruptions / (Clock.PerSecond * Minute)).ToList();
        Estimate.Of(waits).ShouldBeWithinFourErrors(ClosedForm.MeanWait(slots, load, 1));
    }

    [Theory]
    [InlineData("exponential 1 min")]
    [InlineData("fixed 1 min")]
    [InlineData("lognormal 1 min sigma 1")]
    public void Without_a_limit_the_number_of_machines_down_is_Poisson_for_any_law(string boot)
    {
        Assert.True(Law.TryParse(boot, out var law));
        const int N = 2000;
        var model = Queue(N, load: 1.5, law, slots: 0);
        for (var down = 0; down < 4; down++)
            model.With($"{N - down} of vm");
        var totals = Run(model, years: 0.3, replications: 20, warmUp: 0.005);
        for (var down = 0; down < 4; down++)
        {
            var atMost = Enumerable.Range(0, down + 1).Sum(i => ClosedForm.PoissonDown(i, 1.5));
            // 2,000 machines are not infinitely many; what that changes is a tenth of the error.
            totals.Application(down).ShouldBeWithinFourErrors(1 - atMost);
        }
    }

    [Fact]
    public void Machines_that_die_together_make_counts_as_many_times_as_wide()
    {
        const int PerHost = 8;
        var model = Healing(20, 20 * PerHost, Law.Exponential(8760 * Hour), Law.Fixed(Hour), 0, 0);
        model.Recovery.Healing = false;
        var totals = Run(model, years: 1, replications: 1500);
        var tally = default(Tally);
        foreach (var run in totals.Runs)
            tally.Add(run.Groups[0].Interruptions);
        Assert.InRange(tally.Variance / tally.Mean, PerHost * 0.85, PerHost * 1.15);   // four standard errors of the variance
        Estimate.Of([.. totals.Runs.Select(r => r.Groups[0].Interruptions / 160.0)]).ShouldBeWithinFourErrors(8760.0 / 8761);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(.01)]
    [InlineData(.1)]
    public void A_pair_with_common_causes(double beta)
    {
        var model = Bare(2, Fails, IsRepaired).With("1 of vm");
        model.Failures.CommonCause = beta;
        var truth = ClosedForm.CommonCausePair(1.0 / 1000, 1.0 / 10, beta);
        Run(model, years: 1500, replications: 60).Application(0).ShouldBeWithinFourErrors(truth);
        Assert.Equal(ClosedForm.CommonCausePair(1.0 / 101, beta), truth, truth * 0.03);   // what the usual approximation is worth
    }

    [Theory]
    [InlineData(20, 4)]
    [InlineData(20, 1)]
    [InlineData(50, 4)]
    public void A_boot_storm(int machines, int slots)
    {
        var model = Healing(2, machines, Law.Never, Law.Never, 60, 30, slots);
        model.Machines = [.. Enumerable.Range(0, machines).Select(i => new MachineGroup { Name = $"vm{i:00}", Host = "host1" })];
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host host1", At = TimeSpan.FromHours(1), For = TimeSpan.FromHours(4) });
        var back = Simulator.Tell(model, new SimulationOptions { Years = 0.01, WarmUpYears = 0 })
            .Where(e => e is { Kind: "Started", Host: "host2" }).Select(e => (e.Time - TimeSpan.FromHours(1)).TotalSeconds).ToList();
        Assert.Equal(Enumerable.Range(1, machines).Select(i => ClosedForm.BootStorm(i, slots, 30, 60)), back);
    }

    [Fact]
    public void Work_lost_by_going_to_a_replica_lies_between_the_lag_and_the_lag_and_the_period()
    {
        var model = Healing(4, 20, Law.Never, Law.Never, 60, 60);
        model.Hosts.Add(new HostGroup { Name = "far", Count = 4, Cpu = 100, Memory = 1L << 40, Region = "secondary" });
        model.Machines[0].Replicated = true;
        model.Failures.Region = Law.Exponential(TimeText.Year);
        model.Failures.RegionRepair = Law.Fixed(12 * Hour);
        model.Replication = new ReplicationModel { Period = TimeSpan.FromSeconds(300), Lag = TimeSpan.FromSeconds(20), Decision = Law.Fixed(Hour) };
        var totals = Run(model, years: 30, replications: 30);
        Estimate.Of([.. totals.Runs.Where(r => r.Lost.Count > 0).Select(r => r.Lost.Sum / r.Lost.Count)]).ShouldBeWithinFourErrors(170);
        Assert.InRange(totals.Runs.Max(r => r.Lost.Most), 300, 320);
        // Each disaster costs each machine the decision and a boot; the far region's own disasters cost nothing here.
        Estimate.Of([.. totals.Runs.Select(r => r.Groups[0].Down / 20)]).ShouldBeWithinFourErrors(30 * (Hour + 60) * Clock.PerSecond, width: 0.06);
    }

    [Fact]
    public void A_rolling_update_takes_every_machine_down_once_and_one_domain_at_a_time()
    {
        var model = Healing(10, 40, Law.Never, Law.Never, 0, 0);
        model.Hosts[0].UpdateDomains = 5;
        model.With("32 of vm").With("33 of vm");
        model.Maintenance = new MaintenanceModel { Interval = TimeSpan.FromDays(30), Duration = TimeSpan.FromMinutes(10), Between = TimeSpan.FromMinutes(30), Mode = MaintenanceMode.Reboot };
        var totals = Run(model, years: 45.0 / 365, replications: 1, warmUp: 0);
        var run = totals.Runs[0];
        Assert.Equal(40 * 10 * Minute * Clock.PerSecond, run.Groups[0].Planned);
        Assert.Equal(0, run.Groups[0].Down);
        Assert.Equal(0, run.Applications[0].Planned);
        Assert.Equal((long)(5 * 10 * Minute * Clock.PerSecond), run.Applications[1].Planned);
        var story = Simulator.Tell(model, new SimulationOptions { Years = 45.0 / 365, WarmUpYears = 0 });
        Assert.Equal(ClosedForm.RollingUpdate(5, 10, 30), (story.Last(e => e.Kind == "MaintenanceEnded").Time - story.First(e => e.Kind == "MaintenanceBegan").Time).TotalMinutes);
    }

    // Reads only the failures and repairs of hosts, not what the simulator makes of them.
    private static double FirstFailure(FleetModel model, int replication, int tolerated)
    {
        var down = 0;
        foreach (var e in Simulator.Tell(model, new SimulationOptions { Years = 80, WarmUpYears = 0, Seed = 7 }, replication))
        {
            down += e.Kind == "Failed" ? 1 : e.Kind == "Repaired" ? -1 : 0;
            if (down == tolerated)
                return e.Time.TotalHours;
        }

        return 80 * 8760;
    }
}
