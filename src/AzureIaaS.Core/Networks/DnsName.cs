namespace AzureIaaS.Networks;

/// <summary>Names as DNS has them (RFC 1035, section 2.3.1; RFC 1123, section 2.1).</summary>
public static class DnsName
{
    private const int LongestLabel = 63;
    private const int LongestSuffix = 180;   // with the longest label before it, below the 253 of a whole name

    /// <summary>The label by which a machine goes on a network.</summary>
    /// <param name="machine">The machine's name, in which nearly everything may stand.</param>
    /// <param name="taken">Whether another machine there goes by a label.</param>
    public static string LabelOf(string machine, Func<string, bool> taken)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(taken);
        var label = string.Concat(machine.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
        while (label.Contains("--", StringComparison.Ordinal))
            label = label.Replace("--", "-", StringComparison.Ordinal);
        label = label.Length == 0 ? "vm" : label[..Math.Min(label.Length, LongestLabel)].TrimEnd('-');
        if (!taken(label))
            return label;
        for (var number = 2; ; number++)
        {
            var end = "-" + number.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var numbered = label[..Math.Min(label.Length, LongestLabel - end.Length)] + end;
            if (!taken(numbered))
                return numbered;
        }
    }

    /// <summary>Checks a suffix that a user gives.</summary>
    /// <param name="suffix">The suffix.</param>
    /// <returns>It in lower case, without a dot at its end.</returns>
    /// <exception cref="IaaSException">It is no name.</exception>
    public static string CheckSuffix(string suffix)
    {
        ArgumentNullException.ThrowIfNull(suffix);
        var name = suffix.TrimEnd('.').ToLowerInvariant();
        if (name.Length is > 0 and <= LongestSuffix && name.Split('.').All(IsLabel))
            return name;
        throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDnsSuffix", $"'{suffix}' is no DNS suffix.",
            "Give names of letters, digits and hyphens with dots between, such as corp.contoso.example.", suffix);
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LongestLabel && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
