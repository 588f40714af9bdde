using System.Globalization;
using System.Text.RegularExpressions;

namespace AzureIaaS.Simulation.Engine;

/// <summary>Finds everything that can fail in a fleet. The hosts come first, so that a host's own source has the host's number.</summary>
internal static partial class FailureSources
{
    public static IEnumerable<FailureSource> Of(FleetModel model, FleetHosts hosts, string? file)
    {
        var failures = model.Failures;
        var common = failures.Host.Kind == LawKind.Never ? 0 : failures.CommonCause;
        var own = common > 0 ? failures.Host.Times(1 / (1 - common)) : failures.Host;
        for (var host = 0; host < hosts.Count; host++)
        {
            yield return new FailureSource
            {
                Cause = OutageCause.Host,
                Name = hosts.Names[host],
                Hosts = [host],
                Between = own,
                Repair = failures.HostRepair,
                Crews = failures.Crews > 0 ? hosts.Zones[hosts.ZoneOf(host)].Region : -1,
                Identity = hosts.Identities[host],
            };
        }

        string Zone(int zone) => hosts.Zones.Count == 1 ? "" : $" of zone {hosts.Zones[zone].Name}";
        if (common > 0)
        {
            foreach (var (key, members) in hosts.By(h => Group(failures.CommonCauseScope, hosts, h)))
                yield return Shared(OutageCause.CommonCause, $"common cause {key.Item2 + 1}", members, failures.Host.Times(1 / common), failures.HostRepair, 3, key);
        }

        foreach (var (key, members) in hosts.By(h => (hosts.ZoneOf(h), hosts.FaultDomainNumber(h))))
        {
            if (failures.FaultDomain.Kind != LawKind.Never)
                yield return Shared(OutageCause.FaultDomain, $"fault domain {key.Item2}{Zone(key.Item1)}", members, failures.FaultDomain, failures.FaultDomainRepair, 4, key);
        }

        foreach (var (zone, members) in hosts.By(hosts.ZoneOf))
        {
            if (failures.Zone.Kind != LawKind.Never)
                yield return Shared(OutageCause.Zone, $"zone {hosts.Zones[zone].Name}", members, failures.Zone, failures.ZoneRepair, 5, (zone, 0));
        }

        foreach (var (region, members) in hosts.By(h => hosts.Zones[hosts.ZoneOf(h)].Region))
        {
            if (failures.Region.Kind != LawKind.Never)
                yield return Shared(OutageCause.Region, $"region {hosts.Regions[region]}", members, failures.Region, failures.RegionRepair, 6, (region, 0));
        }

        for (var unit = 0; failures.Storage.Kind != LawKind.Never && unit < hosts.Zones.Count * failures.StorageUnits; unit++)
        {
            yield return new FailureSource
            {
                Cause = OutageCause.Storage,
                Name = $"storage {(unit % failures.StorageUnits) + 1}{Zone(unit / failures.StorageUnits)}",
                StorageUnit = unit,
                Between = failures.Storage,
                Repair = failures.StorageRepair,
                Identity = Chance.Identity(7, unit / failures.StorageUnits, unit % failures.StorageUnits),
            };
        }

        foreach (var (told, i) in failures.Script.Select((s, i) => (s, i)))
            yield return Told(told, i, hosts, file);
    }

    private static FailureSource Shared(OutageCause cause, string name, int[] hosts, Law between, Law repair, int kind, (int Group, int Number) key) =>
        new() { Cause = cause, Name = name, Hosts = hosts, Between = between, Repair = repair, Identity = Chance.Identity(kind, key.Group, key.Number) };

    private static (int, int) Group(FailureScope scope, FleetHosts hosts, int host) => scope switch
    {
        FailureScope.FaultDomain => (hosts.ZoneOf(host), hosts.FaultDomainNumber(host)),
        FailureScope.Zone => (hosts.ZoneOf(host), 0),
        FailureScope.Region => (hosts.Zones[hosts.ZoneOf(host)].Region, 0),
        _ => (0, 0),
    };

    private static FailureSource Told(ScriptedFailure told, int number, FleetHosts hosts, string? file)
    {
        var match = Scope().Match(told.Fails);
        var name = match.Groups[2].Value;
        bool Is(string other) => other.Equals(name, StringComparison.OrdinalIgnoreCase);
        int[] members = match.Groups[1].Value.ToUpperInvariant() switch
        {
            "HOST" => hosts.Find(name) is >= 0 and var host ? [host] : [],
            "ZONE" => [.. Enumerable.Range(0, hosts.Count).Where(h => Is(hosts.Zones[hosts.ZoneOf(h)].Name))],
            "REGION" => [.. Enumerable.Range(0, hosts.Count).Where(h => Is(hosts.Regions[hosts.Zones[hosts.ZoneOf(h)].Region]))],
            "" => [],
            _ => [.. Enumerable.Range(0, hosts.Count).Where(h => Is(hosts.FaultDomainNumber(h).ToString(CultureInfo.InvariantCulture)))],
        };
        if (members.Length == 0)
            throw ModelError.At(file, told.Line, $"The script lets '{told.Fails}' fail, which the fleet does not have.", "Name what fails: 'host host3', 'fault domain 1', 'zone 2' or 'region primary'.");
        if (told.At < TimeSpan.Zero || told.For <= TimeSpan.Zero)
            throw ModelError.At(file, told.Line, $"The script lets '{told.Fails}' fail at {told.At} for {told.For}.", "At is 0 or more, For above 0.");
        return new FailureSource
        {
            Cause = OutageCause.Script,
            Name = told.Fails,
            Hosts = members,
            Between = Law.Never,
            Repair = Law.Fixed(told.For.TotalSeconds),
            FailsAt = Clock.Ticks(told.At.TotalSeconds),
            Identity = Chance.Identity(8, 0, number),
        };
    }

    [GeneratedRegex(@"^\s*(host|fault\s*domain|zone|region)\s+(\S+)\s*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Scope();
}
