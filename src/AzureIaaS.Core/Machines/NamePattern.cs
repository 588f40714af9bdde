using System.Text.RegularExpressions;

namespace AzureIaaS;

/// <summary>Patterns for machines' names, as shells have them: <c>*</c>, <c>?</c> and sets such as <c>[1-3]</c>; in any case of letters.</summary>
public sealed class NamePattern
{
    private readonly Regex _regex;

    private NamePattern(Regex regex) => _regex = regex;

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">What was typed.</param>
    /// <returns>The pattern; null when the text is none, but the whole of a name.</returns>
    public static NamePattern? Of(string text)
    {
        if (!text.AsSpan().ContainsAny('*', '?', '['))
            return null;
        var escaped = Regex.Escape(text).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal);

        // Escape leaves the closing bracket alone. No name has a bracket, so one that does not close a set can only match nothing.
        var expression = Regex.Replace(escaped, @"\\\[([^\[\]]+)\]", "[$1]");
        try
        {
            return new NamePattern(new Regex($"^(?:{expression})$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking));
        }
        catch (ArgumentException e)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidNamePattern", $"'{text}' is not a pattern for names: {e.Message}",
                "Use * for any characters, ? for one, and a set such as [1-3].", text, e);
        }
    }

    /// <summary>Whether a name matches.</summary>
    /// <param name="name">The whole name.</param>
    public bool Matches(string name) => _regex.IsMatch(name);
}
