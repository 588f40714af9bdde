namespace AzureIaaS.Simulation.Statistics;

/// <summary>A number with its 95 % confidence interval.</summary>
/// <param name="Mean">The estimate.</param>
/// <param name="Low">The interval's lower end.</param>
/// <param name="High">The interval's upper end.</param>
public readonly record struct Estimate(double Mean, double Low, double High)
{
    /// <summary>Half the interval's width.</summary>
    public double HalfWidth => (High - Low) / 2;

    /// <summary>A number that is known exactly.</summary>
    /// <param name="value">The number.</param>
    public static Estimate Exact(double value) => new(value, value, value);

    /// <summary>The mean of independent values, with Student's interval.</summary>
    /// <param name="values">The values; with fewer than two the interval is unbounded.</param>
    public static Estimate Of(IReadOnlyCollection<double> values)
    {
        var tally = default(Tally);
        foreach (var value in values)
            tally.Add(value);
        return tally.Estimate;
    }

    /// <summary>A share of cases, with Wilson's interval: it is right for few cases and for none too.</summary>
    /// <param name="hits">How many there were; a fraction when cases come weighted.</param>
    /// <param name="cases">Of how many.</param>
    public static Estimate Share(double hits, double cases)
    {
        if (cases <= 0)
            return new Estimate(0, 0, 1);
        const double Z = 1.959963984540054;
        var p = hits / cases;
        var centre = p + (Z * Z / (2 * cases));
        var spread = Z * Math.Sqrt((p * (1 - p) / cases) + (Z * Z / (4 * cases * cases)));
        var scale = 1 + (Z * Z / cases);
        return new Estimate(p, Math.Max(0, (centre - spread) / scale), Math.Min(1, (centre + spread) / scale));
    }
}

/// <summary>Mean and spread of values that come one after another, by Welford's recurrence.</summary>
internal struct Tally
{
    private double _squares;

    public int Count { get; private set; }

    public double Mean { get; private set; }

    public readonly double Variance => Count > 1 ? _squares / (Count - 1) : 0;

    public readonly Estimate Estimate
    {
        get
        {
            if (Count < 2)
                return new Estimate(Mean, double.NegativeInfinity, double.PositiveInfinity);
            var half = Special.StudentQuantile(0.975, Count - 1) * Math.Sqrt(Variance / Count);
            return new Estimate(Mean, Mean - half, Mean + half);
        }
    }

    public void Add(double value)
    {
        Count++;
        var off = value - Mean;
        Mean += off / Count;
        _squares += off * (value - Mean);
    }
}
