using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace AzureIaaS.Azure.Networks;

/// <summary>Published ports as rules of a security group, both ways: one rule for each protocol of a machine. Pure: nothing is asked of Azure.</summary>
internal static class PortRules
{
    /// <summary>The word for everybody.</summary>
    public const string Everybody = "Internet";

    /// <summary>The protocols that ports can be of, in Azure's words.</summary>
    public static readonly string[] Protocols = ["Tcp", "Udp"];

    private const string Mark = "azureiaas-vm ";   // rules have no tags; their descriptions say whose they are
    private const int FirstPriority = 1000;
    private const int LastPriority = 4000;

    /// <summary>A rule's name.</summary>
    /// <param name="vm">The machine's name.</param>
    /// <param name="protocol">The protocol.</param>
    public static string NameOf(string vm, string protocol) => $"azureiaas-{vm}-{protocol.ToLowerInvariant()}";

    /// <summary>Refuses ports that Azure cannot publish as they are asked for.</summary>
    /// <param name="machine">The machine's name.</param>
    /// <param name="ports">The ports.</param>
    /// <param name="from">Who may come: addresses, ranges of them, or the word for everybody.</param>
    /// <exception cref="IaaSException">One cannot be.</exception>
    public static void Check(string machine, IReadOnlyList<PublishedPort> ports, IReadOnlyList<string> from)
    {
        foreach (var port in ports)
        {
            if (port.HostAddress != PublishedPort.Loopback)
            {
                throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", $"{machine}: in Azure its ports are reached at its own public address, not at {port.HostAddress}.",
                    $"Give the port alone: -PublishPort {port.Port}.", port.ToString());
            }

            if (port.HostPort != port.Port)
            {
                throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", $"{machine}: Azure leads port {port.HostPort} of its public address to its own port {port.HostPort}, and not to {port.Port}.",
                    $"Have its software listen at the port that others use, and give that alone: -PublishPort {port.HostPort}.", port.ToString());
            }
        }

        if (ports.Count > 0 && from.Count == 0)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "PublishFromMissing", $"{machine}: a port that is published in Azure can be reached from outside, and it is not said by whom.",
                $"Give their addresses, -PublishFrom 198.51.100.0/24; or -PublishFrom {Everybody} for everybody there is.", machine);
        }

        if (from.Count > 1 && from.Contains(Everybody, StringComparer.OrdinalIgnoreCase))
            throw BadSource(Everybody, "it is everybody, beside whom nobody else needs to be named");
        foreach (var source in from.Where(s => !s.Equals(Everybody, StringComparison.OrdinalIgnoreCase)))
        {
            if (ProblemOf(source) is { } problem)
                throw BadSource(source, problem);
        }
    }

    /// <summary>The body of a rule.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="protocol">The protocol.</param>
    /// <param name="address">The machine's address on its network.</param>
    /// <param name="ports">The ports.</param>
    /// <param name="from">Who may come.</param>
    /// <param name="priority">Its place among the rules, smaller numbers first.</param>
    public static JsonObject Body(Guid vm, string protocol, string address, IEnumerable<int> ports, IReadOnlyList<string> from, int priority)
    {
        var body = new JsonObject
        {
            ["description"] = Mark + vm,
            ["priority"] = priority,
            ["direction"] = "Inbound",
            ["access"] = "Allow",
            ["protocol"] = protocol,
            ["sourcePortRange"] = "*",
            ["destinationAddressPrefix"] = address,
            ["destinationPortRanges"] = new JsonArray([.. ports.Distinct().Order().Select(p => (JsonNode)p.ToString(CultureInfo.InvariantCulture))]),
        };
        if (from is [var only])
            body["sourceAddressPrefix"] = only.Equals(Everybody, StringComparison.OrdinalIgnoreCase) ? Everybody : only;
        else
            body["sourceAddressPrefixes"] = new JsonArray([.. from.Distinct().Order(StringComparer.Ordinal).Select(f => (JsonNode)f)]);
        return body;
    }

    /// <summary>The rules of a security group.</summary>
    /// <param name="properties">The group's properties.</param>
    public static IEnumerable<JsonObject> Of(JsonObject properties) => properties["securityRules"]?.AsArray().OfType<JsonObject>() ?? [];

    /// <summary>The machine that a rule was made for; null for one that others have made.</summary>
    /// <param name="rule">The rule.</param>
    public static Guid? OwnerOf(JsonObject rule) =>
        (string?)rule["properties"]?["description"] is { } text && text.StartsWith(Mark, StringComparison.Ordinal) && Guid.TryParse(text[Mark.Length..], out var id) ? id : null;

    /// <summary>A priority that no rule has.</summary>
    /// <param name="rules">The rules there are.</param>
    /// <exception cref="IaaSException">All are taken.</exception>
    public static int FreePriority(IEnumerable<JsonObject> rules)
    {
        var taken = rules.Where(r => (string?)r["properties"]?["direction"] == "Inbound").Select(r => (int?)r["properties"]!["priority"] ?? 0).ToHashSet();
        for (var priority = FirstPriority; priority <= LastPriority; priority++)
        {
            if (!taken.Contains(priority))
                return priority;
        }

        throw new IaaSException(ErrorKind.NoCapacity, "NoRuleLeft", "The network's security group has no room for another rule.", "Publish fewer ports, or put some machines on another network.");
    }

    /// <summary>Whether a rule says what another body says, whatever else Azure tells of it.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="body">The body.</param>
    public static bool IsSame(JsonObject rule, JsonObject body) =>
        rule["properties"] is JsonObject properties && body.All(p => JsonNode.DeepEquals(properties[p.Key], p.Value)) && HasNone(properties, body, "sourceAddressPrefix") && HasNone(properties, body, "sourceAddressPrefixes");

    /// <summary>A rule as it can be sent again: without what Azure alone writes.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="address">The machine's new address.</param>
    public static JsonObject Follow(JsonObject rule, string address)
    {
        var body = new JsonObject();
        foreach (var (key, value) in rule["properties"]!.AsObject())
        {
            if (key is "description" or "priority" or "direction" or "access" or "protocol" or "sourcePortRange" or "destinationPortRanges" or "sourceAddressPrefix" or "sourceAddressPrefixes"
                && value is not null && value is not JsonArray { Count: 0 })
            {
                body[key] = value.DeepClone();
            }
        }

        body["destinationAddressPrefix"] = address;
        return body;
    }

    /// <summary>The ports that a rule publishes.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="publicAddress">Where they are reached.</param>
    public static IEnumerable<PublishedPort> PortsOf(JsonObject rule, string publicAddress)
    {
        var properties = rule["properties"]!;
        var from = (string?)properties["sourceAddressPrefix"] is { Length: > 0 } one ? [one] : properties["sourceAddressPrefixes"]?.AsArray().Select(s => (string)s!).ToList() ?? [];
        foreach (var text in properties["destinationPortRanges"]?.AsArray() ?? [])
        {
            if (int.TryParse((string?)text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
                yield return new PublishedPort { HostAddress = publicAddress, HostPort = port, Port = port, Udp = (string?)properties["protocol"] == "Udp", From = from };
        }
    }

    private static bool HasNone(JsonObject properties, JsonObject body, string key) =>
        body.ContainsKey(key) || properties[key] is null or JsonArray { Count: 0 } || (string?)(properties[key] as JsonValue) == "";

    private static string? ProblemOf(string source)
    {
        if (source is "*" or "0.0.0.0/0" or "0.0.0.0")
            return "it is everybody";
        if (IPAddress.TryParse(source, out var address) && source.Count(c => c == '.') == 3)
            return address.AddressFamily == AddressFamily.InterNetwork ? null : "public addresses here are of IPv4";
        return IPNetwork.TryParse(source, out var range) && range.BaseAddress.AddressFamily == AddressFamily.InterNetwork && range.BaseAddress.ToString() == source.Split('/')[0] ? null
            : "it is neither an address of IPv4 nor a range that begins where its length says";
    }

    private static IaaSException BadSource(string source, string problem) => new(ErrorKind.InvalidArgument, "InvalidPublishFrom", $"-PublishFrom '{source}': {problem}.",
        $"Give addresses or ranges, such as 198.51.100.7 or 198.51.100.0/24; or {Everybody} alone, for everybody.", source);
}
