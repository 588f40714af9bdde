using System.Globalization;
using System.Net;
using System.Numerics;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Registry;

namespace AzureIaaS.Guests;

/// <summary>What the hive SYSTEM says of a Windows: its name, its drivers, how it is reached.</summary>
internal static class WindowsSystem
{
    private const string NetworkAdapters = @"Control\Network\{4D36E972-E325-11CE-BFC1-08002BE10318}";

    /// <summary>Adds what the hive tells.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="windows">The part of it that is Windows' own.</param>
    /// <param name="hive">The hive.</param>
    /// <param name="set">The name of the control set that Windows booted with last.</param>
    /// <param name="drivers">The drivers to look for.</param>
    /// <param name="agents">The services that are agents.</param>
    public static void Look(GuestInfo guest, WindowsInfo windows, RegistryHive hive, string set, IReadOnlyList<string> drivers, IReadOnlyList<string> agents)
    {
        HiveKey? Control(string path) => hive.Key($@"{set}\Control\{path}");
        guest.ComputerName = Control(@"ComputerName\ComputerName")?.Text("ComputerName");
        guest.Architecture = Control(@"Session Manager\Environment")?.Text("PROCESSOR_ARCHITECTURE")?.ToUpperInvariant() switch
        {
            "AMD64" => "x86_64",
            "X86" => "i386",
            "ARM64" => "aarch64",
            _ => null,
        };
        var zone = Control("TimeZoneInformation");
        guest.TimeZone = zone?.Text("TimeZoneKeyName") is { Length: > 0 } name ? name : zone?.Text("StandardName");
        windows.IsClockUniversal = zone?.Number("RealTimeIsUniversal") == 1;

        windows.AllowsRemoteDesktop = Control("Terminal Server")?.Number("fDenyTSConnections") is { } denied ? denied == 0 : null;
        var listener = Control(@"Terminal Server\WinStations\RDP-Tcp");
        windows.RemoteDesktopPort = (int?)listener?.Number("PortNumber");
        windows.RequiresNetworkAuthentication = listener?.Number("UserAuthentication") is { } needed ? needed == 1 : null;
        windows.HasFastStartup = Control(@"Session Manager\Power")?.Number("HiberbootEnabled") is { } fast ? fast == 1 && Control("Power")?.Number("HibernateEnabled") != 0 : null;

        var services = hive.Key($@"{set}\Services");
        var byName = (services?.Subkeys() ?? []).GroupBy(k => k.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(g => g.Key, g => g.First(), StringComparer.OrdinalIgnoreCase);
        LookAtServices(windows, hive, set, byName, drivers);
        guest.Agents = [.. agents.Where(byName.ContainsKey)];
        LookAtNetwork(guest, windows, hive, set);
    }

    private static void LookAtServices(WindowsInfo windows, RegistryHive hive, string set, Dictionary<string, HiveKey> services, IReadOnlyList<string> drivers)
    {
        foreach (var driver in drivers.Where(services.ContainsKey))
        {
            // Since Windows 8, what a service was given in StartOverride counts at boot.
            var key = services[driver];
            var start = key.Subkeys().FirstOrDefault(k => k.Name.Equals("StartOverride", StringComparison.OrdinalIgnoreCase))?.Number("0") ?? key.Number("Start");
            if (start is >= 0 and <= 4)
                windows.Drivers.Add(new WindowsDriver { Name = driver, Start = (DriverStart)start });
        }

        if (hive.Key($@"{set}\Services\partmgr\Parameters")?.Number("SanPolicy") is >= 0 and <= 4 and var policy)
            windows.SanPolicy = (SanPolicy)policy;

        var firewall = hive.Key($@"{set}\Services\SharedAccess\Parameters\FirewallPolicy");
        var profiles = (firewall?.Subkeys() ?? []).Where(k => k.Name.EndsWith("Profile", StringComparison.OrdinalIgnoreCase)).Select(k => k.Number("EnableFirewall")).Where(n => n is not null).ToList();
        windows.IsFirewallEnabled = profiles.Count == 0 ? null : profiles.Contains(1);
        if (hive.Key($@"{set}\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules") is { } rules)
            windows.IsRemoteDesktopAllowedByFirewall = rules.Values().Any(r => r.Text is { } text && AllowsRemoteDesktop(text, windows.RemoteDesktopPort ?? 3389));
    }

    /// <summary>Whether a rule such as <c>v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|…</c> lets connections to a port in.</summary>
    private static bool AllowsRemoteDesktop(string rule, int port)
    {
        var parts = rule.Split('|');
        bool Has(string part) => parts.Contains(part, StringComparer.OrdinalIgnoreCase);
        return Has("Action=Allow") && Has("Active=TRUE") && Has("Dir=In") && Has("Protocol=6") && Has(string.Create(CultureInfo.InvariantCulture, $"LPort={port}"));
    }

    private static void LookAtNetwork(GuestInfo guest, WindowsInfo windows, RegistryHive hive, string set)
    {
        var parameters = $@"{set}\Services\Tcpip\Parameters";
        windows.PersistentRoutes = [.. (hive.Key(parameters + @"\PersistentRoutes")?.Values() ?? []).Select(v => v.Name).Where(n => n.Length > 0)];
        foreach (var adapter in hive.Key(parameters + @"\Interfaces")?.Subkeys() ?? [])
        {
            // Values of DHCP have names of their own; those of a static configuration may be left over from before DHCP was chosen.
            if (adapter.Number("EnableDHCP") != 0)
                continue;
            var masks = adapter.Texts("SubnetMask");
            var addresses = adapter.Texts("IPAddress");
            for (var i = 0; i < addresses.Count; i++)
            {
                if (!IPAddress.TryParse(addresses[i], out var address) || address.Equals(IPAddress.Any))
                    continue;
                guest.StaticAddresses.Add(new StaticAddress
                {
                    Address = address.ToString(),
                    PrefixLength = i < masks.Count ? PrefixOf(masks[i]) : null,
                    Gateway = adapter.Texts("DefaultGateway") is [var gateway, ..] ? gateway : null,
                    DnsServers = (adapter.Text("NameServer") ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries),
                    Adapter = hive.Key($@"{set}\{NetworkAdapters}\{adapter.Name}\Connection")?.Text("Name"),
                    Origin = $@"HKLM\SYSTEM\{parameters}\Interfaces\{adapter.Name}",
                });
            }
        }
    }

    /// <summary>The bits of a mask; null where it is none.</summary>
    private static int? PrefixOf(string mask) => IPAddress.TryParse(mask, out var address) && address.GetAddressBytes() is { Length: 4 } bytes ? BitOperations.PopCount(Be.U32(bytes, 0)) : null;
}
