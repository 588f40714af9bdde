namespace AzureIaaS.Guests;

/// <summary>
/// Reads the addresses in netplan's YAML, as far as netplan's files go: maps by indentation, lists of dashes or brackets, scalars. What is written in another way
/// gives no address.
/// </summary>
internal static class Netplan
{
    private static readonly string[] Kinds = ["ethernets", "bonds", "bridges", "vlans", "wifis"];

    /// <summary>The addresses of a file.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="place">Its path.</param>
    public static IEnumerable<StaticAddress> Addresses(string text, string place)
    {
        var values = Values(text).ToList();

        // network / ethernets / NAME / addresses
        foreach (var group in values.Where(v => v.Path.Length >= 4 && v.Path[0] == "network" && Kinds.Contains(v.Path[1])).GroupBy(v => v.Path[2]))
        {
            var servers = group.Where(v => v.Path is [_, _, _, "nameservers", "addresses", ..]).Select(v => v.Value).ToList();
            var gateway = group.FirstOrDefault(v => v.Path is [_, _, _, "gateway4"]).Value ?? group.FirstOrDefault(v => v.Path is [_, _, _, "routes", "via"]).Value;
            var hardware = group.FirstOrDefault(v => v.Path is [_, _, _, "match", "macaddress"] or [_, _, _, "macaddress"]).Value;

            // An address may have options: then it is the key of a map (192.0.2.10/24: with a label below it).
            foreach (var text4 in group.Where(v => v.Path is [_, _, _, "addresses", ..]).Select(v => v.Path.Length > 4 ? v.Path[4] : v.Value).Distinct())
            {
                if (LinuxNetwork.Parse(text4, place) is not { } address)
                    continue;
                (address.Adapter, address.Gateway, address.HardwareAddress, address.DnsServers) = (group.Key, gateway, hardware, servers);
                yield return address;
            }
        }
    }

    /// <summary>Every scalar with the keys that lead to it; items of lists have their list's keys.</summary>
    private static IEnumerable<(string[] Path, string Value)> Values(string text)
    {
        var keys = new List<(int Indent, string Key)>();
        foreach (var line in text.Split('\n').Select(WithoutComment).Where(l => l.Trim().Length > 0 && l.Trim() != "---"))
        {
            var indent = line.Length - line.TrimStart().Length;
            var rest = line.Trim();
            var isItem = rest.StartsWith("- ", StringComparison.Ordinal);
            while (rest.StartsWith("- ", StringComparison.Ordinal))
            {
                // A list may stand as far left as the key that it belongs to.
                indent += 2;
                rest = rest[2..].TrimStart();
            }

            keys.RemoveAll(k => k.Indent >= (isItem ? indent - 1 : indent));
            var colon = KeyEnd(rest);
            if (colon < 0)
            {
                foreach (var value in Items(rest))
                    yield return ([.. keys.Select(k => k.Key)], value);
                continue;
            }

            keys.Add((indent, Unquoted(rest[..colon])));
            foreach (var value in Items(rest[(colon + 1)..].Trim()))
                yield return ([.. keys.Select(k => k.Key)], value);
        }
    }

    /// <summary>Where a key ends: at a colon with a space or nothing behind it, outside of quotes; -1 where there is no key.</summary>
    private static int KeyEnd(string text)
    {
        if (text is ['[', ..] or ['{', ..])
            return -1;
        var start = text.Length > 0 && text[0] is ('"' or '\'') ? text.IndexOf(text[0], 1) + 1 : 0;
        for (var at = text.IndexOf(':', start); at >= 0; at = text.IndexOf(':', at + 1))
        {
            if (at == text.Length - 1 || text[at + 1] == ' ')
                return at;
        }

        return -1;
    }

    private static IEnumerable<string> Items(string text) => (text is ['[', .., ']'] ? text[1..^1].Split(',') : [text]).Select(t => Unquoted(t.Trim())).Where(t => t.Length > 0);

    private static string Unquoted(string text) => text.Trim().Trim('"', '\'');

    private static string WithoutComment(string line) => line.IndexOf('#') is >= 0 and var at && (at == 0 || line[at - 1] is ' ' or '\t') ? line[..at].TrimEnd() : line.TrimEnd();
}
