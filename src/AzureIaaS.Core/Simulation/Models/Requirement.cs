using System.Globalization;
using System.Text.RegularExpressions;

namespace AzureIaaS.Simulation;

/// <summary>K of some machines.</summary>
/// <param name="Needed">How many are needed; 0 for all of them.</param>
/// <param name="Machines">Which: a name, the beginning of names before a number, or a pattern.</param>
internal readonly partial record struct Requirement(int Needed, string Machines)
{
    /// <summary>Reads <c>1 of sp-web and 2 of sp-sql</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The requirements; null when the text is none.</returns>
    public static IReadOnlyList<Requirement>? Parse(string text)
    {
        var found = new List<Requirement>();
        foreach (var part in And().Split(text.Trim()))
        {
            if (OneOf().Match(part) is not { Success: true } match)
                return null;
            var needed = match.Groups[1].Value;
            if (needed.Equals("all", StringComparison.OrdinalIgnoreCase))
                found.Add(new Requirement(0, match.Groups[2].Value));
            else if (int.TryParse(needed, NumberStyles.None, CultureInfo.InvariantCulture, out var k) && k > 0)
                found.Add(new Requirement(k, match.Groups[2].Value));
            else
                return null;
        }

        return found;
    }

    /// <summary>Says whether a machine is meant.</summary>
    /// <param name="selector">Which machines are meant.</param>
    /// <returns>Given a group's name and a machine's own, whether it is.</returns>
    public static Func<string, string, bool> Selector(string selector)
    {
        if (NamePattern.Of(selector) is { } pattern)
            return (_, name) => pattern.Matches(name);
        return (group, name) => group.Equals(selector, StringComparison.OrdinalIgnoreCase) || name.Equals(selector, StringComparison.OrdinalIgnoreCase) || IsNumbered(name, selector);
    }

    private static bool IsNumbered(string name, string stem)
    {
        if (!name.StartsWith(stem, StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = name.AsSpan(stem.Length);
        if (rest is ['-' or '_' or '.', ..])
            rest = rest[1..];
        return rest.Length > 0 && rest.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    [GeneratedRegex(@"\s+and\s+|\s*;\s*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex And();

    [GeneratedRegex(@"^\s*(\d+|all)\s+of\s+(\S+)\s*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OneOf();
}
