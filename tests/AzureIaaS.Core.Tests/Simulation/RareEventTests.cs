using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;
using static AzureIaaS.Tests.Simulation.Farm;

namespace AzureIaaS.Tests.Simulation;

public class RareEventTests
{
    [Theory]
    [InlineData(1, 2, 1, 1_000)]
    [InlineData(1, 2, 2, 100_000)]
    [InlineData(1, 3, 3, 10_000)]
    [InlineData(2, 3, 1, 20_000)]
    [InlineData(8, 10, 10, 5_000)]
    public void Rare_outages_of_k_of_n_come_out_as_theory_has_them(int k, int n, int crews, double hours)
    {
        var model = Bare(n, Law.Exponential(hours * Hour), Law.Exponential(10 * Hour), crews).With($"{k} of vm");
        Estimate(model).ShouldBeWithinFourErrors(1 - ClosedForm.Availability(k, n, crews, 1 / hours, 1.0 / 10), width: 0.1);
    }

    [Fact]
    public void A_pair_with_common_causes_comes_out_as_theory_has_it()
    {
        var model = Bare(2, Law.Exponential(50_000 * Hour), Law.Exponential(10 * Hour)).With("1 of vm");
        model.Failures.CommonCause = 0.001;
        Estimate(model).ShouldBeWithinFourErrors(ClosedForm.CommonCausePair(1.0 / 50_000, 1.0 / 10, 0.001), width: 0.1);
    }

    [Fact]
    public void With_healing_it_agrees_with_plain_replications()
    {
        var model = Healing(6, 12, Law.Exponential(300 * Hour), Law.Exponential(6 * Hour), 5 * Minute, 5 * Minute);
        model.Failures.Guest = Law.Exponential(500 * Hour);
        model.With("1 of vm0").With("11 of vm");
        model.Applications[0].Requires = "1 of vm01 and 1 of vm02";
        var plain = Run(model, years: 300, replications: 30);
        for (var application = 0; application < 2; application++)
        {
            var (quick, slow) = (Estimate(model, application), plain.Application(application));
            var error = Math.Sqrt((quick.HalfWidth * quick.HalfWidth) + (slow.HalfWidth * slow.HalfWidth)) / 1.96;
            Assert.True(error < 0.1 * slow.Mean, $"{error:G3} of {slow.Mean:G3}");
            Assert.True(Math.Abs(quick.Mean - slow.Mean) < 4 * error, $"{quick.Mean:G5} and {slow.Mean:G5} differ by {Math.Abs(quick.Mean - slow.Mean) / error:0.0} errors.");
        }
    }

    [Fact]
    public void Its_interval_holds_the_truth_as_often_as_it_says()
    {
        var model = Bare(3, Law.Exponential(2_000 * Hour), Law.Exponential(10 * Hour)).With("2 of vm");
        var truth = 1 - ClosedForm.Availability(2, 3, 3, 1.0 / 2_000, 1.0 / 10);
        var held = Enumerable.Range(1, 100).Count(seed => Estimate(model, seed: seed) is var e && e.Low <= truth && truth <= e.High);
        Assert.InRange(held, 88, 100);
    }

    [Fact]
    public void Nine_nines_are_told_by_a_report_that_plain_replications_could_not_make()
    {
        var model = Bare(3, Law.Exponential(20_000 * Hour), Law.Exponential(5 * Hour)).With("1 of vm");
        var report = Simulator.Measure(model, new SimulationOptions { Years = 10, Replications = 32, Sensitivity = false });
        var truth = 1 - ClosedForm.Availability(1, 3, 3, 1.0 / 20_000, 1.0 / 5);
        var app = report.Applications[0];
        Assert.Equal("ImportanceSampling", app.Method);
        Assert.Equal(truth, 1 - app.Availability, truth * 0.25);
        Assert.Contains(report.Notes, n => n.Contains("importance sampling", StringComparison.Ordinal));
    }

    private static Estimate Estimate(FleetModel model, int application = 0, long seed = 1) =>
        RareEvents.Estimate(Fleet.Of(model), new SimulationOptions { Seed = seed, Threads = 2 }, application, CancellationToken.None);
}
