using AzureIaaS.Simulation;

namespace AzureIaaS.Tests.Simulation;

/// <summary>Values that were computed elsewhere, to every digit that is known.</summary>
public class ClosedFormTests
{
    private const double Failure = 1.0 / 1000;
    private const double Repair = 1.0 / 10;

    [Fact]
    public void Something_that_is_repaired_is_available_for_its_share_of_time()
    {
        Near(0.999000999001, ClosedForm.Availability(1000, 1));
        Near(0.999971462002, ClosedForm.Availability(8760, 0.25));
        Assert.Equal(1, ClosedForm.Availability(double.PositiveInfinity, 5));
    }

    [Theory]
    [InlineData(1, 2, 0.9999)]
    [InlineData(2, 3, 0.999702)]
    [InlineData(3, 4, 0.99940797)]
    [InlineData(8, 10, 0.999886150882)]
    [InlineData(9, 10, 0.995733799757)]
    public void K_of_n_independent_things(int k, int n, double expected) => Near(expected, ClosedForm.KOfN(k, n, 0.99));

    [Theory]
    [InlineData(1, 2, 1, 0.999803960008)]
    [InlineData(1, 2, 2, 0.999901970395)]
    [InlineData(2, 3, 1, 0.999411996437)]
    [InlineData(3, 4, 1, 0.998824230216)]
    [InlineData(8, 10, 1, 0.999302937603)]
    [InlineData(8, 10, 2, 0.999831179414)]
    [InlineData(8, 10, 10, 0.999889441458)]
    public void K_of_n_with_crews(int k, int n, int crews, double expected) => Near(expected, ClosedForm.Availability(k, n, crews, Failure, Repair));

    [Theory]
    [InlineData(1, 2, 1, 51_500)]
    [InlineData(1, 2, 2, 51_500)]
    [InlineData(2, 3, 1, 17_500)]
    [InlineData(3, 4, 1, 8_916.6667)]
    [InlineData(8, 10, 1, 16_725)]
    [InlineData(8, 10, 2, 32_002.7778)]
    public void The_mean_time_to_failure_of_k_of_n(int k, int n, int crews, double expected) =>
        Assert.Equal(expected, ClosedForm.MeanTimeToFailure(k, n, crews, Failure, Repair), 4);

    [Theory]
    [InlineData(1, .5, .5, 1)]
    [InlineData(2, 1.5, 0.642857142857, 1.285714285714)]
    [InlineData(4, 3, 0.509433962264, 0.509433962264)]
    [InlineData(10, 8, 0.409180150796, 0.204590075398)]
    public void A_queue_with_several_servers(int servers, double load, double waits, double wait)
    {
        Near(waits, ClosedForm.ErlangC(servers, load));
        Near(wait, ClosedForm.MeanWait(servers, load, 1));
    }

    [Theory]
    [InlineData(1, .5, .333333333333)]
    [InlineData(2, 1.5, .310344827586)]
    [InlineData(4, 3, .206106870229)]
    [InlineData(10, 8, .121661064253)]
    public void A_group_of_servers_without_a_queue(int servers, double load, double blocked) => Near(blocked, ClosedForm.ErlangB(servers, load));

    [Fact]
    public void A_queue_that_grows_without_end_has_no_wait() => Assert.Throws<ArgumentOutOfRangeException>(() => ClosedForm.ErlangC(2, 2));

    [Theory]
    [InlineData(20, 4, 150, 210)]
    [InlineData(20, 1, 375, 660)]
    [InlineData(50, 4, 262.8, 450)]
    public void A_boot_storm(int machines, int slots, double mean, double last)
    {
        Near(mean, ClosedForm.MeanBootStorm(machines, slots, 30, 60));
        Near(last, ClosedForm.BootStorm(machines, slots, 30, 60));
    }

    [Theory]
    [InlineData(0, 1.0e-6)]
    [InlineData(.01, 1.098e-5)]
    [InlineData(.05, 5.09e-5)]
    [InlineData(.1, 1.008e-4)]
    public void A_pair_with_common_causes(double beta, double expected) => Assert.Equal(expected, ClosedForm.CommonCausePair(1e-3, beta), expected * 1e-3);

    [Fact]
    public void Work_lost_by_a_replica() => Assert.Equal((150 + 20, 300 + 20), ClosedForm.RecoveryPoint(300, 20));

    [Fact]
    public void Many_rare_failures_are_down_as_Poisson_has_it() => Near(Math.Exp(-2) * 8 / 6, ClosedForm.PoissonDown(3, 2));

    [Fact]
    public void A_rolling_update() => Assert.Equal((5 * 10) + (4 * 30), ClosedForm.RollingUpdate(5, 10, 30));

    [Fact]
    public void Pre_copy_ends_in_a_blackout_or_never()
    {
        var copy = ClosedForm.PreCopy(8.0 * (1L << 30), 0.25e9, 1.25e9, 375e6)!.Value;
        Assert.Equal(2, copy.Rounds);
        Assert.Equal(8.246, copy.Copying, 3);
        Assert.Equal(0.2749, copy.Blackout, 4);
        Assert.Null(ClosedForm.PreCopy(8e9, 2e9, 1e9, 1e6));
    }

    [Theory]
    [InlineData(95, 2160, 26280)]
    [InlineData(99.5, 216, 2628)]
    [InlineData(99.95, 21.6, 262.8)]
    [InlineData(99.999, 0.432, 5.256)]
    public void Minutes_that_a_promise_allows(double percent, double month, double year)
    {
        Near(month, ClosedForm.AllowedMinutes(percent, 30));
        Near(year, ClosedForm.AllowedMinutes(percent, 365));
    }

    private static void Near(double expected, double actual) => Assert.Equal(expected, actual, Math.Abs(expected) * 1e-9 + 5e-13);
}
