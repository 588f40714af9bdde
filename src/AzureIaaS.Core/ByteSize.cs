using System.Buffers;
using System.Globalization;

namespace AzureIaaS;

/// <summary>Sizes in bytes as people write them: <c>512MB</c> is 512 × 1024 × 1024, as PowerShell has it.</summary>
public static class ByteSize
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>Reads a size.</summary>
    /// <param name="text">Digits, possibly with a point, and possibly one of B, KB, MB, GB, TB, PB, or KiB to PiB, or K to P.</param>
    /// <param name="bytes">Receives the size in bytes.</param>
    /// <returns>Whether the text is a size of at least zero that fits.</returns>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        text = text.Trim();
        var end = text.AsSpan().IndexOfAnyExcept(Digits);
        var number = end < 0 ? text : text[..end];
        var unit = end < 0 ? "" : text[end..].Trim().ToUpperInvariant().Replace("IB", "B", StringComparison.Ordinal);
        if (unit is [var letter] && letter != 'B')
            unit += "B";
        var power = unit.Length == 0 ? 0 : Array.IndexOf(Units, unit);
        if (power < 0 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            return false;
        for (var i = 0; i < power; i++)
        {
            if (value > long.MaxValue / 1024m)
                return false;
            value *= 1024;
        }

        if (value > long.MaxValue)
            return false;
        bytes = (long)value;
        return true;
    }

    /// <summary>Writes a size with three digits or more, in the largest unit that leaves at least one before the point.</summary>
    /// <param name="bytes">The size in bytes.</param>
    public static string Format(long bytes)
    {
        decimal value = bytes;
        var unit = 0;
        while (Math.Abs(value) >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return value.ToString(unit == 0 || value >= 100 ? "0" : value >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture) + " " + Units[unit];
    }
}
