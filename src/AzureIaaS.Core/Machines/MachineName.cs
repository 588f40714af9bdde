namespace AzureIaaS;

/// <summary>What a machine may be called: what can be typed, matched and shown without surprises.</summary>
public static class MachineName
{
    private const int MaxLength = 80;
    private const string Refused = "*?[]`'\"/\\:;|<>,=";

    /// <summary>Checks a name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="IaaSException">It cannot be used; the message says why.</exception>
    public static void Check(string name)
    {
        if (Problem(name) is { } problem)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidVmName", $"A machine cannot be called '{name}': {problem}.",
                "Give another name with -Name.", name);
        }
    }

    /// <summary>What is wrong with a name; null when nothing is.</summary>
    /// <param name="name">The name.</param>
    public static string? Problem(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return "the name is empty";
        if (name.Length > MaxLength)
            return $"it is longer than {MaxLength} characters";
        if (name != name.Trim())
            return "it begins or ends with a blank";
        if (name[0] is '-' or '.')
            return $"it begins with '{name[0]}'";
        if (Guid.TryParse(name, out _))
            return "it looks like a machine's id";
        var bad = name.FirstOrDefault(c => char.IsControl(c) || Refused.Contains(c, StringComparison.Ordinal));
        return bad == default ? null : $"it contains {(char.IsControl(bad) ? "a control character" : $"'{bad}'")}";
    }
}
