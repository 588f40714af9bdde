using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Tests.Simulation;

public class StatisticsTests
{
    [Theory]
    [InlineData(1, 12.706205)]
    [InlineData(2, 4.302653)]
    [InlineData(3, 3.182446)]
    [InlineData(4, 2.776445)]
    [InlineData(9, 2.262157)]
    [InlineData(29, 2.045230)]
    [InlineData(99, 1.984217)]
    [InlineData(10_000, 1.960201)]
    public void Students_quantile(int degrees, double expected) => Assert.Equal(expected, Special.StudentQuantile(0.975, degrees), expected * 2e-4);

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(1e-10, -6.361340902404056)]
    public void The_normal_quantile(double share, double expected) => Assert.Equal(expected, Special.NormalQuantile(share), 12);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 24)]
    [InlineData(0.5, 1.7724538509055159)]
    [InlineData(2.25, 1.1330030963193465)]
    public void The_gamma_function(double x, double expected) => Assert.Equal(expected, Special.Gamma(x), expected * 1e-12);

    [Theory]
    [InlineData("exponential 2 h", 2)]
    [InlineData("weibull 2 h shape 0.7", 2.9)]
    [InlineData("lognormal 2 h sigma 0.8", 1.9)]
    [InlineData("empirical 1 h, 2 h, 3 h", 0.6)]
    [InlineData("fixed 2 h", 0)]
    public void Draws_have_the_mean_that_the_law_says(string text, double deviation)
    {
        Assert.True(Law.TryParse(text, out var law));
        var chance = new Chance(1, 0);
        const int Draws = 200_000;
        var mean = Enumerable.Range(0, Draws).Average(i => law.Draw(chance.Uniform(7, Purpose.Repair, i))) / 3600;
        Assert.Equal(2, law.Mean / 3600, 9);
        Assert.InRange(mean, 2 - (4 * deviation / Math.Sqrt(Draws)) - 1e-9, 2 + (4 * deviation / Math.Sqrt(Draws)) + 1e-9);
        Assert.True(Law.TryParse(law.ToString(), out var again));
        Assert.Equal(law, again);
    }

    [Fact]
    public void Random_numbers_are_even_and_owe_nothing_to_their_neighbours()
    {
        var chance = new Chance(42, 3);
        var cells = new int[64];
        var pairs = new int[16, 16];
        double former = 0.5;
        const int Draws = 1 << 18;
        for (var i = 0; i < Draws; i++)
        {
            // Neighbours by thing, by purpose and by number in turn.
            var u = chance.Uniform(Chance.Identity(2, 0, i / 3), (Purpose)(1 + (i % 3)), i % 7);
            cells[(int)(u * 64)]++;
            pairs[(int)(former * 16), (int)(u * 16)]++;
            former = u;
        }

        // Chi-square: the mean is the degrees of freedom, the deviation the root of twice as many.
        Assert.InRange(cells.Sum(c => Math.Pow(c - (Draws / 64.0), 2) / (Draws / 64.0)), 63 - (5 * 11.2), 63 + (5 * 11.2));
        Assert.InRange(pairs.Cast<int>().Sum(c => Math.Pow(c - (Draws / 256.0), 2) / (Draws / 256.0)), 255 - (5 * 22.6), 255 + (5 * 22.6));
    }

    [Theory]
    [InlineData("90 s", 90)]
    [InlineData("15min", 900)]
    [InlineData("1.5 h", 5400)]
    [InlineData("2 years", 2 * 365 * 86400.0)]
    [InlineData("00:01:30", 90)]
    [InlineData("250 ms", 0.25)]
    [InlineData("1e-3 s", 1e-3)]
    public void Times_as_people_write_them(string text, double seconds)
    {
        Assert.True(TimeText.TryParse(text, out var read));
        Assert.Equal(seconds, read, seconds * 1e-12);
        Assert.True(TimeText.TryParse(TimeText.Exact(seconds), out var again));
        Assert.Equal(seconds, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("90")]
    [InlineData("-3 h")]
    [InlineData("4 parsecs")]
    [InlineData("-00:01:00")]
    public void Other_text_is_no_time(string text) => Assert.False(TimeText.TryParse(text, out _));

    [Theory]
    [InlineData("weibull 3 y")]
    [InlineData("weibull 3 y shape -1")]
    [InlineData("exponential 0 s")]
    [InlineData("lognormal 4 h sigma 99")]
    [InlineData("empirical 3 h, soon")]
    [InlineData("sometimes")]
    public void Other_text_is_no_law(string text) => Assert.False(Law.TryParse(text, out _));

    [Fact]
    public void A_share_of_no_cases_still_has_an_upper_end()
    {
        var none = Estimate.Share(0, 100);
        Assert.Equal(0, none.Mean);
        Assert.Equal(0, none.Low, 12);
        Assert.InRange(none.High, 0.03, 0.04);
    }
}
