namespace AzureIaaS.Simulation.Statistics;

/// <summary>The functions that laws and intervals are made of.</summary>
internal static class Special
{
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
        -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The gamma function, by Lanczos' approximation; for arguments above 0.</summary>
    public static double Gamma(double x) => Math.Exp(LogGamma(x));

    /// <summary>The logarithm of the gamma function; for arguments above 0.</summary>
    public static double LogGamma(double x)
    {
        if (x < 0.5)
            return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        x--;
        var sum = Lanczos[0];
        for (var i = 1; i < Lanczos.Length; i++)
            sum += Lanczos[i] / (x + i);
        var t = x + 7.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x + 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }

    /// <summary>The quantile of the normal distribution: Wichura's algorithm AS 241 (PPND16), exact to 16 digits.</summary>
    /// <param name="p">The share, above 0 and below 1.</param>
    public static double NormalQuantile(double p)
    {
        var q = p - 0.5;
        if (Math.Abs(q) <= 0.425)
        {
            var r = 0.180625 - (q * q);
            return q * Ratio(r,
                [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
                [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1]);
        }

        var tail = Math.Sqrt(-Math.Log(q < 0 ? p : 1 - p));
        var value = tail <= 5
            ? Ratio(tail - 1.6,
                [7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177, 1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
                [1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966, .14810397642748007459, .68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1])
            : Ratio(tail - 5,
                [2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386, .026532189526576123093, .29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
                [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4, .0148753612908506148525, .13692988092273580531, .59983220655588793769, 1]);
        return q < 0 ? -value : value;
    }

    /// <summary>The quantile of Student's t distribution: Hill's algorithm (CACM 396), from one degree of freedom on.</summary>
    /// <param name="share">The share, above 0.5 and below 1.</param>
    /// <param name="degrees">The degrees of freedom, 1 or more.</param>
    public static double StudentQuantile(double share, int degrees)
    {
        var p = 2 * (1 - share);   // both tails
        if (degrees == 1)
            return Math.Cos(p * Math.PI / 2) / Math.Sin(p * Math.PI / 2);
        if (degrees == 2)
            return Math.Sqrt((2 / (p * (2 - p))) - 2);
        double n = degrees;
        var a = 1 / (n - 0.5);
        var b = 48 / (a * a);
        var c = (((20700 * a / b) - 98) * a - 16) * a + 96.36;
        var d = ((94.5 / (b + c) - 3) / b + 1) * Math.Sqrt(a * Math.PI / 2) * n;
        var y = Math.Pow(d * p, 2 / n);
        if (y > 0.05 + a)
        {
            var x = NormalQuantile(p / 2);
            y = x * x;
            if (degrees < 5)
                c += 0.3 * (n - 4.5) * (x + 0.6);
            c = ((((0.05 * d * x) - 5) * x - 7) * x - 2) * x + b + c;
            y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
            y = a * y * y;
            y = y > 0.002 ? Math.Exp(y) - 1 : (0.5 * y * y) + y;
        }
        else
        {
            y = ((1 / ((((n + 6) / (n * y)) - (0.089 * d) - 0.822) * (n + 2) * 3) + (0.5 / (n + 4))) * y - 1) * (n + 1) / (n + 2) + (1 / y);
        }

        return Math.Sqrt(n * y);
    }

    private static double Ratio(double x, ReadOnlySpan<double> above, ReadOnlySpan<double> below)
    {
        var (a, b) = (above[0], below[0]);
        for (var i = 1; i < above.Length; i++)
            (a, b) = ((a * x) + above[i], (b * x) + below[i]);
        return a / b;
    }
}
