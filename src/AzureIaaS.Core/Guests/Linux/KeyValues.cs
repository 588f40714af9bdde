namespace AzureIaaS.Guests;

/// <summary>Reads lines of the form KEY=VALUE, as shells and systemd have them.</summary>
internal static class KeyValues
{
    /// <summary>The values by key; the last of several counts, quotes are taken off, comments left out.</summary>
    /// <param name="text">The lines.</param>
    public static Dictionary<string, string> Of(string text) => Lines(text).GroupBy(p => p.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Value);

    /// <summary>The sections of a file such as systemd's and NetworkManager's, in its order; what comes before the first has an empty name.</summary>
    /// <param name="text">The lines.</param>
    public static IEnumerable<(string Section, List<KeyValuePair<string, string>> Values)> Sections(string text)
    {
        var (name, lines) = ("", new List<string>());
        foreach (var line in text.Split('\n').Select(l => l.Trim()).Append("[]"))
        {
            if (line is not ['[', .., ']'])
            {
                lines.Add(line);
                continue;
            }

            yield return (name, Lines(string.Join('\n', lines)).ToList());
            (name, lines) = (line[1..^1], []);
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Lines(string text) => text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] is not ('#' or ';'))
        .Select(l => l.Split('=', 2)).Where(p => p.Length == 2).Select(p => KeyValuePair.Create(p[0].Trim(), p[1].Trim().Trim('"', '\'')));
}
