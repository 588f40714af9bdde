using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text.RegularExpressions;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>The static addresses in a Linux's configuration, by whichever of its programs reads it.</summary>
internal static partial class LinuxNetwork
{
    private const string Interfaces = "/etc/network/interfaces";

    private static readonly string[] IfcfgFolders = ["/etc/sysconfig/network-scripts", "/etc/sysconfig/network"];

    private static readonly string[] Families = ["ipv4", "ipv6"];

    /// <summary>Adds the addresses.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="files">The system's files.</param>
    public static void Look(GuestInfo guest, GuestFileSystem files)
    {
        var found = new List<StaticAddress>();
        foreach (var place in In(files, "/etc/network/interfaces.d", "").Prepend(Interfaces))
            found.AddRange(OfInterfaces(files.Text(place) ?? "", place));
        foreach (var place in IfcfgFolders.SelectMany(f => files.List(f).Where(n => n.StartsWith("ifcfg-", StringComparison.Ordinal)).Select(n => $"{f}/{n}")))
            found.AddRange(OfIfcfg(files.Text(place) ?? "", place));
        foreach (var place in In(files, "/etc/netplan", ".yaml").Concat(In(files, "/etc/netplan", ".yml")))
            found.AddRange(Netplan.Addresses(files.Text(place) ?? "", place));
        foreach (var place in In(files, "/etc/systemd/network", ".network"))
            found.AddRange(OfNetworkd(files.Text(place) ?? "", place));
        foreach (var place in In(files, "/etc/NetworkManager/system-connections", ""))
            found.AddRange(OfNetworkManager(files.Text(place) ?? "", place));
        foreach (var address in found)
            guest.StaticAddresses.Add(address);
    }

    /// <summary>The files that configure an adapter by its hardware address: another adapter's is another, and is left without.</summary>
    /// <param name="files">The system's files.</param>
    public static IEnumerable<string> FilesByHardwareAddress(GuestFileSystem files)
    {
        bool HasIn(string path, string[] sections, params string[] keys) => KeyValues.Sections(files.Text(path) ?? "").Any(s => sections.Contains(s.Section) && s.Values.Any(v => keys.Contains(v.Key) && v.Value.Length > 0));
        return IfcfgFolders.SelectMany(f => files.List(f).Where(n => n.StartsWith("ifcfg-", StringComparison.Ordinal)).Select(n => $"{f}/{n}")).Where(p => HasIn(p, [""], "HWADDR"))
            .Concat(In(files, "/etc/netplan", ".yaml").Concat(In(files, "/etc/netplan", ".yml")).Where(p => NetplanMatch().IsMatch(files.Text(p) ?? "")))
            .Concat(In(files, "/etc/systemd/network", ".network").Where(p => HasIn(p, ["Match"], "MACAddress", "PermanentMACAddress")))
            .Concat(In(files, "/etc/NetworkManager/system-connections", "").Where(p => HasIn(p, ["ethernet", "802-3-ethernet"], "mac-address")));
    }

    /// <summary>Makes a static address of a text such as <c>192.0.2.10/24</c>; null where it is none, or stays on the machine.</summary>
    /// <param name="text">The text.</param>
    /// <param name="origin">The file it is in.</param>
    public static StaticAddress? Parse(string text, string origin)
    {
        var parts = text.Trim().Trim('"', '\'').Split('/');
        if (!IPAddress.TryParse(parts[0], out var address) || IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)
            || (address.AddressFamily == AddressFamily.InterNetwork && parts[0].Count(c => c == '.') != 3))
            return null;
        return new StaticAddress { Address = address.ToString(), PrefixLength = parts.Length > 1 ? Prefix(parts[1]) : null, Origin = origin };
    }

    /// <summary>The length of a prefix, written so or as a mask.</summary>
    private static int? Prefix(string? text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
            return bits;
        return IPAddress.TryParse(text, out var mask) && mask.GetAddressBytes() is { Length: 4 } bytes ? BitOperations.PopCount(Be.U32(bytes, 0)) : null;
    }

    private static IEnumerable<string> In(GuestFileSystem files, string folder, string extension) => files.List(folder).Where(n => n.EndsWith(extension, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(n => $"{folder}/{n}");

    /// <summary>Debian's interfaces(5): stanzas that begin with <c>iface NAME inet static</c>.</summary>
    private static IEnumerable<StaticAddress> OfInterfaces(string text, string place)
    {
        string? adapter = null;
        StaticAddress? address = null;
        foreach (var words in text.Split('\n').Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length > 0 && w[0][0] != '#'))
        {
            switch (words)
            {
                case ["iface", var name, _, var method, ..]:
                    adapter = method == "static" ? name : null;
                    address = null;
                    break;
                case ["auto" or "mapping" or "source" or "source-directory" or "rename", ..]:
                    adapter = null;
                    break;
                case [['a', 'l', 'l', 'o', 'w', '-', ..], ..]:
                    adapter = null;
                    break;
                case ["address", var value, ..] when adapter is not null && Parse(value, place) is { } found:
                    (address = found).Adapter = adapter;
                    yield return address;
                    break;
                case ["netmask", var mask, ..] when adapter is not null && address is not null:
                    address.PrefixLength = Prefix(mask);
                    break;
                case ["gateway", var gateway, ..] when adapter is not null && address is not null:
                    address.Gateway = gateway;
                    break;
                case ["dns-nameservers" or "dns-nameserver", .. var servers] when adapter is not null && address is not null:
                    address.DnsServers = [.. address.DnsServers, .. servers];
                    break;
                case ["hwaddress", .., var hardware] when adapter is not null && address is not null:
                    address.HardwareAddress = hardware;
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Red Hat's and SUSE's ifcfg files: IPADDR, IPADDR1 and so on, with PREFIX or NETMASK of the same number.</summary>
    private static IEnumerable<StaticAddress> OfIfcfg(string text, string place)
    {
        var values = KeyValues.Of(text);
        if (values.GetValueOrDefault("BOOTPROTO") is "dhcp" or "dhcp4" or "bootp")
            yield break;
        foreach (var (key, value) in values.Where(v => v.Key.StartsWith("IPADDR", StringComparison.Ordinal) || v.Key == "IPV6ADDR").OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (Parse(value, place) is not { } address)
                continue;
            var number = key.StartsWith("IPADDR", StringComparison.Ordinal) ? key["IPADDR".Length..] : "";
            address.PrefixLength ??= Prefix(values.GetValueOrDefault("PREFIX" + number) ?? values.GetValueOrDefault("PREFIXLEN" + number) ?? values.GetValueOrDefault("NETMASK" + number));
            address.Gateway = values.GetValueOrDefault(key == "IPV6ADDR" ? "IPV6_DEFAULTGW" : "GATEWAY");
            address.DnsServers = [.. values.Where(v => v.Key is ['D', 'N', 'S', >= '1' and <= '9']).OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => v.Value)];
            address.Adapter = values.GetValueOrDefault("DEVICE") ?? place[(place.LastIndexOf("ifcfg-", StringComparison.Ordinal) + 6)..];
            address.HardwareAddress = values.GetValueOrDefault("HWADDR");
            yield return address;
        }
    }

    /// <summary>systemd.network(5).</summary>
    private static IEnumerable<StaticAddress> OfNetworkd(string text, string place)
    {
        var sections = KeyValues.Sections(text).ToList();
        string? Value(string section, string key) => sections.Where(s => s.Section == section).SelectMany(s => s.Values).FirstOrDefault(v => v.Key == key).Value;
        foreach (var (_, value) in sections.Where(s => s.Section is "Network" or "Address").SelectMany(s => s.Values).Where(v => v.Key == "Address"))
        {
            if (Parse(value, place) is not { } address)
                continue;
            address.Gateway = Value("Network", "Gateway") ?? Value("Route", "Gateway");
            address.DnsServers = [.. sections.Where(s => s.Section == "Network").SelectMany(s => s.Values).Where(v => v.Key == "DNS").SelectMany(v => v.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
            (address.Adapter, address.HardwareAddress) = (Value("Match", "Name"), Value("Match", "MACAddress"));
            yield return address;
        }
    }

    /// <summary>NetworkManager's keyfiles: <c>address1=192.0.2.10/24,192.0.2.1</c>.</summary>
    private static IEnumerable<StaticAddress> OfNetworkManager(string text, string place)
    {
        var sections = KeyValues.Sections(text).GroupBy(s => s.Section).ToDictionary(g => g.Key, g => g.SelectMany(s => s.Values).ToList());
        string? Value(string section, string key) => sections.GetValueOrDefault(section)?.Find(v => v.Key == key).Value;
        foreach (var family in Families)
        {
            if (Value(family, "method") != "manual")
                continue;
            foreach (var (_, value) in sections[family].Where(v => v.Key is "address" or "addresses" || v.Key.StartsWith("address", StringComparison.Ordinal)).OrderBy(v => v.Key, StringComparer.Ordinal))
            {
                var parts = value.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length == 0 || Parse(parts[0], place) is not { } address)
                    continue;
                address.Gateway = parts.Length > 1 ? parts[1] : Value(family, "gateway");
                address.DnsServers = [.. (Value(family, "dns") ?? "").Split([',', ';'], StringSplitOptions.RemoveEmptyEntries)];
                (address.Adapter, address.HardwareAddress) = (Value("connection", "interface-name"), Value("ethernet", "mac-address"));
                yield return address;
            }
        }
    }

    [GeneratedRegex(@"\bmatch:\s*\{?\s*macaddress:", RegexOptions.CultureInvariant)]
    private static partial Regex NetplanMatch();
}
