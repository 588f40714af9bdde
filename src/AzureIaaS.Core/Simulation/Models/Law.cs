using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>The kinds of law that a time can follow.</summary>
public enum LawKind
{
    /// <summary>It never happens.</summary>
    Never,

    /// <summary>Always the same time.</summary>
    Fixed,

    /// <summary>Without memory: the chance of ending is the same at every age.</summary>
    Exponential,

    /// <summary>With a hazard that falls (shape below 1) or grows (above 1) with age.</summary>
    Weibull,

    /// <summary>Its logarithm is normal: most are short, some very long.</summary>
    Lognormal,

    /// <summary>One of the times measured, or between two neighbours of them.</summary>
    Empirical,
}

/// <summary>
/// How long something takes, or how long until it happens: a law with its mean in seconds. Drawn by inversion, so that the same random number
/// gives a longer time whenever the mean is longer: what comparisons under common random numbers rest on.
/// Written as text: <c>never</c>, <c>15 min</c> (a fixed time), <c>exponential 2 y</c>, <c>weibull 2 y shape 0.7</c>, <c>lognormal 4 h sigma 1.2</c>,
/// <c>empirical 30 s, 41 s, 2 min</c>.
/// </summary>
[JsonConverter(typeof(LawConverter))]
public sealed class Law : IEquatable<Law>
{
    private readonly double _scale;
    private readonly double[] _values;

    private Law(LawKind kind, double mean, double shape, double[]? values = null)
    {
        (Kind, Mean, Shape, _values) = (kind, mean, shape, values ?? []);
        _scale = kind switch
        {
            LawKind.Weibull => mean / Special.Gamma(1 + (1 / shape)),
            LawKind.Lognormal => Math.Log(mean) - (shape * shape / 2),
            _ => mean,
        };
    }

    /// <summary>It never happens.</summary>
    public static Law Never { get; } = new(LawKind.Never, double.PositiveInfinity, 0);

    /// <summary>The kind.</summary>
    public LawKind Kind { get; }

    /// <summary>The mean in seconds; infinite for never.</summary>
    public double Mean { get; }

    /// <summary>The Weibull shape or the lognormal sigma; 0 for the others.</summary>
    public double Shape { get; }

    /// <summary>Whether it is always the same time.</summary>
    public bool IsFixed => Kind == LawKind.Fixed;

    /// <summary>Always the same time.</summary>
    /// <param name="seconds">The time in seconds, 0 or more.</param>
    public static Law Fixed(double seconds) => new(LawKind.Fixed, Checked(seconds, 0), 0);

    /// <summary>Without memory.</summary>
    /// <param name="mean">The mean in seconds, above 0.</param>
    public static Law Exponential(double mean) => new(LawKind.Exponential, Checked(mean, double.Epsilon), 0);

    /// <summary>Weibull.</summary>
    /// <param name="mean">The mean in seconds, above 0.</param>
    /// <param name="shape">The shape, from 0.1 to 20.</param>
    public static Law Weibull(double mean, double shape) => new(LawKind.Weibull, Checked(mean, double.Epsilon), shape is >= 0.1 and <= 20 ? shape
        : throw new ArgumentOutOfRangeException(nameof(shape), shape, "A Weibull shape is from 0.1 to 20."));

    /// <summary>Lognormal.</summary>
    /// <param name="mean">The mean in seconds, above 0.</param>
    /// <param name="sigma">The standard deviation of the logarithm, above 0 and up to 5.</param>
    public static Law Lognormal(double mean, double sigma) => new(LawKind.Lognormal, Checked(mean, double.Epsilon), sigma is > 0 and <= 5 ? sigma
        : throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "A lognormal sigma is above 0 and up to 5."));

    /// <summary>As measured: between neighbouring values every time is as likely; a single value is fixed.</summary>
    /// <param name="seconds">The times in seconds, each 0 or more; at least one.</param>
    public static Law Empirical(IEnumerable<double> seconds)
    {
        double[] values = [.. seconds.Select(s => Checked(s, 0)).Order()];
        return values.Length switch
        {
            0 => throw new ArgumentException("An empirical law needs at least one value.", nameof(seconds)),
            1 => Fixed(values[0]),
            _ => new Law(LawKind.Empirical, Enumerable.Range(1, values.Length - 1).Average(i => (values[i - 1] + values[i]) / 2), 0, values),
        };
    }

    /// <summary>The time that a share of all times is above: a uniform random share draws from the law.</summary>
    /// <param name="share">The share, above 0 and below 1.</param>
    /// <returns>Seconds; infinite for never.</returns>
    public double Draw(double share) => Kind switch
    {
        LawKind.Exponential => -Math.Log(share) * _scale,
        LawKind.Weibull => Math.Pow(-Math.Log(share), 1 / Shape) * _scale,
        LawKind.Lognormal => Math.Exp(_scale - (Shape * Special.NormalQuantile(share))),
        LawKind.Empirical => Between(share),
        _ => Mean,
    };

    /// <summary>The same law, longer or shorter.</summary>
    /// <param name="factor">By how much, above 0.</param>
    public Law Times(double factor) => Kind switch
    {
        LawKind.Never => this,
        LawKind.Empirical => Empirical(_values.Select(v => v * factor)),
        _ => new Law(Kind, Mean * factor, Shape),
    };

    /// <summary>Reads a law's text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="law">Receives the law.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string text, out Law law)
    {
        law = Never;
        var words = text.Trim().Split([' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return false;
        if (TimeText.TryParse(text, out var time))
        {
            law = Fixed(time);
            return true;
        }

        var rest = words.Length > 1 ? words[1] : "";
        switch (words[0].ToUpperInvariant())
        {
            case "NEVER" or "NONE":
                return rest.Length == 0;
            case "FIXED" when TimeText.TryParse(rest, out time):
                law = Fixed(time);
                return true;
            case "EXPONENTIAL" when TimeText.TryParse(rest, out time) && time > 0:
                law = Exponential(time);
                return true;
            case "WEIBULL" when TryShape(rest, "shape", out time, out var shape) && shape is >= 0.1 and <= 20:
                law = Weibull(time, shape);
                return true;
            case "LOGNORMAL" when TryShape(rest, "sigma", out time, out var sigma) && sigma is > 0 and <= 5:
                law = Lognormal(time, sigma);
                return true;
            case "EMPIRICAL":
                var values = rest.Split(',').Select(v => TimeText.TryParse(v, out var s) ? s : double.NaN).ToList();
                if (values.Exists(double.IsNaN))
                    return false;
                law = Empirical(values);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The law's text.</summary>
    public override string ToString() => Kind switch
    {
        LawKind.Never => "never",
        LawKind.Fixed => TimeText.Exact(Mean),
        LawKind.Exponential => $"exponential {TimeText.Exact(Mean)}",
        LawKind.Weibull => string.Create(CultureInfo.InvariantCulture, $"weibull {TimeText.Exact(Mean)} shape {Shape:R}"),
        LawKind.Lognormal => string.Create(CultureInfo.InvariantCulture, $"lognormal {TimeText.Exact(Mean)} sigma {Shape:R}"),
        _ => "empirical " + string.Join(", ", _values.Select(TimeText.Exact)),
    };

    /// <inheritdoc/>
    public bool Equals(Law? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Law);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    private double Between(double share)
    {
        var place = (1 - share) * (_values.Length - 1);
        var below = Math.Min((int)place, _values.Length - 2);
        return _values[below] + ((_values[below + 1] - _values[below]) * (place - below));
    }

    private static double Checked(double seconds, double least) => double.IsFinite(seconds) && seconds >= least ? seconds
        : throw new ArgumentOutOfRangeException(nameof(seconds), seconds, least > 0 ? "It has to be above 0." : "It has to be 0 or more.");

    private static bool TryShape(string rest, string word, out double mean, out double shape)
    {
        (mean, shape) = (0, 0);
        var at = rest.IndexOf(word, StringComparison.OrdinalIgnoreCase);
        return at > 0 && TimeText.TryParse(rest[..at].TrimEnd(' ', ','), out mean) && mean > 0
            && double.TryParse(rest.AsSpan(at + word.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out shape);
    }
}

/// <summary>Writes a law as its text.</summary>
internal sealed class LawConverter : JsonConverter<Law>
{
    public override Law Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Law.TryParse(reader.GetString() ?? "", out var law) ? law : throw new JsonException("It is no law.");

    public override void Write(Utf8JsonWriter writer, Law value, JsonSerializerOptions options) =>
        // A plain time would be read as the mean of an exponential law where failures are meant.
        writer.WriteStringValue(value.IsFixed ? $"fixed {value}" : value.ToString());
}
