using System.Globalization;

namespace AzureIaaS.Simulation;

/// <summary>Times as people write them: <c>90 s</c>, <c>15 min</c>, <c>4 h</c>, <c>2 y</c>, or <c>hh:mm:ss</c>. A year has 365 days.</summary>
public static class TimeText
{
    /// <summary>Seconds in a year of 365 days.</summary>
    public const double Year = 365 * 86400.0;

    private static readonly (string Unit, double Seconds)[] Units =
    [
        ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("sec", 1), ("second", 1), ("min", 60), ("minute", 60), ("h", 3600), ("hour", 3600), ("d", 86400), ("day", 86400),
        ("w", 7 * 86400), ("week", 7 * 86400), ("month", 30 * 86400), ("y", Year), ("year", Year),
    ];

    /// <summary>Reads a time.</summary>
    /// <param name="text">The text.</param>
    /// <param name="seconds">Receives the seconds, 0 or more.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string text, out double seconds)
    {
        seconds = 0;
        text = text.Trim();
        if (text.Contains(':', StringComparison.Ordinal))
        {
            if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) || span < TimeSpan.Zero)
                return false;
            seconds = span.TotalSeconds;
            return true;
        }

        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' || (text[end] is 'e' or 'E' or '+' or '-' && end > 0 && IsExponent(text, end))))
            end++;
        var unit = text[end..].Trim();
        if (!double.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) || unit.Length == 0)
            return false;
        foreach (var (name, factor) in Units)
        {
            if (!unit.Equals(name, StringComparison.OrdinalIgnoreCase) && !(name.Length > 2 && unit.Equals(name + "s", StringComparison.OrdinalIgnoreCase)))
                continue;
            seconds = value * factor;
            return double.IsFinite(seconds);
        }

        return false;
    }

    /// <summary>Writes a time in the largest unit that leaves at least one before the point.</summary>
    /// <param name="seconds">The seconds.</param>
    public static string Format(double seconds)
    {
        if (seconds == 0)
            return "0 s";
        if (!double.IsFinite(seconds))
            return "never";
        foreach (var (unit, factor) in new[] { ("y", Year), ("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3) })
        {
            if (Math.Abs(seconds) >= factor * 0.9995)
                return Number(seconds / factor) + " " + unit;
        }

        return Number(seconds * 1e6) + " us";
    }

    /// <summary>Writes a time so that reading it gives the same number.</summary>
    /// <param name="seconds">The seconds.</param>
    internal static string Exact(double seconds)
    {
        var text = Format(seconds);
        return TryParse(text, out var back) && back == seconds ? text : seconds.ToString("R", CultureInfo.InvariantCulture) + " s";
    }

    private static string Number(double value) => value.ToString(value >= 100 ? "0.#" : value >= 10 ? "0.##" : "0.###", CultureInfo.InvariantCulture);

    // 1e-3 s is a number; 4e is not, nor is the h of 4 h.
    private static bool IsExponent(string text, int at) => text[at] is '+' or '-'
        ? text[at - 1] is 'e' or 'E'
        : at + 1 < text.Length && (char.IsAsciiDigit(text[at + 1]) || (text[at + 1] is '+' or '-' && at + 2 < text.Length && char.IsAsciiDigit(text[at + 2])));
}
