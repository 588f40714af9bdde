using System.Globalization;

namespace AzureIaaS.Simulation;

/// <summary>
/// What is taken for what nobody gave. Each default says where its number is from; one without a source is an assumption, and every report says so.
/// </summary>
public static class ModelDefaults
{
    private const string Proxmox = "Proxmox VE ha-manager: the watchdog fences after 60 s, detection and failover take about 2 min, 4 starts at once on a node";
    private const string Repair = "Schroeder & Gibson, DSN 2006: repair times of 23,000 failures are lognormal, their means from under an hour to over a day";
    private const string Migration = "Ruprecht et al., VEE 2018: a million live migrations a month, blackout median 50 ms, 99th percentile 300 ms";
    private const string Maintenance = "Azure availability sets: one update domain at a time, 30 min to recover before the next";
    private const string Storage = "Azure: a machine without its storage for 120 s is shut down";

    private static readonly (string Parameter, string? Source, Func<FleetModel, string> Value, Action<FleetModel> Set)[] All =
    [
        ("Failures.Host", null, m => m.Failures.Host.ToString(), m => m.Failures.Host = Law.Exponential(2 * TimeText.Year)),
        ("Failures.HostRepair", Repair, m => m.Failures.HostRepair.ToString(), m => m.Failures.HostRepair = Law.Lognormal(6 * 3600, 1)),
        ("Failures.Crews", null, m => m.Failures.Crews == 0 ? "0 (somebody for every host)" : Number(m.Failures.Crews), m => m.Failures.Crews = 0),
        ("Failures.CommonCause", null, m => Number(m.Failures.CommonCause), m => m.Failures.CommonCause = 0),
        ("Failures.FaultDomain", null, m => m.Failures.FaultDomain.ToString(), m => m.Failures.FaultDomain = Law.Exponential(10 * TimeText.Year)),
        ("Failures.FaultDomainRepair", null, m => m.Failures.FaultDomainRepair.ToString(), m => m.Failures.FaultDomainRepair = Law.Lognormal(4 * 3600, 1)),
        ("Failures.Zone", null, m => m.Failures.Zone.ToString(), m => m.Failures.Zone = Law.Never),
        ("Failures.ZoneRepair", null, m => m.Failures.ZoneRepair.ToString(), m => m.Failures.ZoneRepair = Law.Lognormal(4 * 3600, 1)),
        ("Failures.Region", null, m => m.Failures.Region.ToString(), m => m.Failures.Region = Law.Never),
        ("Failures.RegionRepair", null, m => m.Failures.RegionRepair.ToString(), m => m.Failures.RegionRepair = Law.Lognormal(8 * 3600, 1)),
        ("Failures.Storage", null, m => m.Failures.Storage.ToString(), m => m.Failures.Storage = Law.Never),
        ("Failures.StorageRepair", null, m => m.Failures.StorageRepair.ToString(), m => m.Failures.StorageRepair = Law.Lognormal(2 * 3600, 1)),
        ("Failures.StorageGrace", Storage, m => TimeText.Format(m.Failures.StorageGrace.TotalSeconds), m => m.Failures.StorageGrace = TimeSpan.FromSeconds(120)),
        ("Failures.Guest", null, m => m.Failures.Guest.ToString(), m => m.Failures.Guest = Law.Exponential(TimeText.Year)),
        ("Recovery.Detection", Proxmox, m => m.Recovery.Detection.ToString(), m => m.Recovery.Detection = Law.Fixed(120)),
        ("Recovery.GuestDetection", null, m => m.Recovery.GuestDetection.ToString(), m => m.Recovery.GuestDetection = Law.Fixed(30)),
        ("Recovery.Boot", null, m => m.Recovery.Boot.ToString(), m => m.Recovery.Boot = Law.Fixed(120)),
        ("Recovery.Slots", Proxmox, m => Number(m.Recovery.Slots), m => m.Recovery.Slots = 4),
        ("Maintenance.Interval", null, m => m.Maintenance is { } p ? TimeText.Format(p.Interval.TotalSeconds) : "none", m => m.Maintenance ??= new MaintenanceModel()),
        ("Maintenance.Between", Maintenance, m => m.Maintenance is { } p ? TimeText.Format(p.Between.TotalSeconds) : "none", m => (m.Maintenance ?? new()).Between = TimeSpan.FromMinutes(30)),
        ("Maintenance.Pause", Migration, m => m.Maintenance?.Pause.ToString() ?? "none", m => (m.Maintenance ?? new()).Pause = Blackout!),
    ];

    /// <summary>The blackout of a live migration with a median of 50 ms and a 99th percentile of 300 ms.</summary>
    public static Law Blackout { get; } = Law.Lognormal(0.05 * Math.Exp(Math.Pow(Math.Log(6) / 2.3263478740408408, 2) / 2), Math.Log(6) / 2.3263478740408408);

    /// <summary>The months' credits that cloud providers give for machines in two zones: 10 % below 99.99 %, 25 % below 99 %, 100 % below 95 %, scaled to a target.</summary>
    /// <param name="target">The promised availability in percent.</param>
    public static IList<SlaCredit> Credits(double target) =>
    [
        new() { Below = target, Percent = 10 },
        .. new[] { new SlaCredit { Below = 99, Percent = 25 }, new SlaCredit { Below = 95, Percent = 100 } }.Where(c => c.Below < target),
    ];

    /// <summary>Fills what was not given, and notes it in the model's assumptions.</summary>
    /// <param name="model">The model.</param>
    /// <param name="given">The parameters that were given, as <c>Failures.Host</c>; <c>Maintenance</c> alone, with none in the model, says that there is none.</param>
    public static void Fill(FleetModel model, IReadOnlySet<string> given)
    {
        foreach (var (parameter, source, value, set) in All)
        {
            // No maintenance is an answer: then there is nothing to fill in.
            if (given.Contains(parameter) || (parameter.StartsWith("Maintenance", StringComparison.Ordinal) && model.Maintenance is null && given.Contains("Maintenance")))
                continue;
            set(model);
            model.Assumptions.Add(new Assumption { Parameter = parameter, Value = value(model), Source = source });
        }
    }

    /// <summary>The parameters that have a default.</summary>
    internal static IEnumerable<string> Parameters => All.Select(d => d.Parameter);

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
