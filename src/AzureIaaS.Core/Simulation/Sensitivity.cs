using AzureIaaS.Providers;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>
/// Finds out which parameter matters most and what the next best improvement would be: each change of the model is run with the same random
/// numbers, so that the difference of each pair shows the change and hardly any chance.
/// </summary>
internal static class Sensitivity
{
    /// <summary>The events that it may cost when nobody asked for it.</summary>
    private const long Effort = 10_000_000;
    private const int MostPairs = 200;
    private const int FewestPairs = 10;

    public static void Find(FleetModel model, SimulationOptions options, Totals totals, AvailabilityReport report, CancellationToken cancellation)
    {
        if (options.Sensitivity == false)
            return;
        var changes = Changes(model).ToList();
        var perRun = Math.Max(1, totals.Events / totals.Runs.Count);
        var pairs = (int)Math.Min(MostPairs, options.Sensitivity == true ? Math.Max(2 * FewestPairs, Effort / perRun / changes.Count) : Effort / perRun / Math.Max(1, changes.Count));
        pairs = Math.Min(pairs, totals.Runs.Count);
        if (pairs < FewestPairs)
        {
            if (totals.Runs.Count >= FewestPairs)
                report.Notes.Add("What would make it better was not simulated, since that would have taken long; -Sensitivity does it all the same.");
            return;
        }

        var before = Metric(totals).Take(pairs).ToList();
        var (warmUp, end) = (Clock.Ticks(report.WarmUpYears * TimeText.Year), Clock.Ticks(report.WarmUpYears * TimeText.Year) + Clock.Ticks(options.Years * TimeText.Year));
        var quiet = options with { Replications = pairs, Notices = null, Baseline = null };
        for (var i = 0; i < changes.Count; i++)
        {
            options.Notices?.Report(Notice.Step($"trying improvements: {changes[i].Words}", (double)i / changes.Count));
            Fleet fleet;
            try
            {
                fleet = Fleet.Of(changes[i].Change(model.Copy()));
            }
            catch (IaaSException)
            {
                continue;   // one more machine has no room, for example: then it is no improvement that can be had
            }

            var after = Metric(Simulator.Replicate(fleet, quiet, warmUp, end, null, cancellation));
            var saved = Estimate.Of([.. before.Zip(after, (b, a) => (b - a) * TimeText.Year / 60)]);
            report.Improvements.Add(new Improvement { Change = changes[i].Words, Parameter = changes[i].Parameter, MinutesSavedPerYear = saved.Mean, Low = saved.Low, High = saved.High });
        }

        report.Improvements = [.. report.Improvements.OrderByDescending(i => i.MinutesSavedPerYear)];
    }

    // What counts are the applications; the machines, where there are none.
    private static IReadOnlyList<double> Metric(Totals totals)
    {
        var applications = totals.Runs[0].Applications.Length;
        return applications == 0 ? totals.FleetSamples()
            : [.. Enumerable.Range(0, totals.Runs.Count).Select(r => Enumerable.Range(0, applications).Average(a => totals.ApplicationSamples(a)[r]))];
    }

    private static IEnumerable<(string Words, string Parameter, Func<FleetModel, FleetModel> Change)> Changes(FleetModel model)
    {
        static Func<FleetModel, FleetModel> Do(Action<FleetModel> change) => m =>
        {
            change(m);
            return m;
        };
        var failures = model.Failures;
        if (failures.Host.Kind != LawKind.Never)
        {
            yield return ("hosts that fail half as often", "Failures.Host", Do(m => m.Failures.Host = m.Failures.Host.Times(2)));
            yield return ("hosts repaired in half the time", "Failures.HostRepair", Do(m => m.Failures.HostRepair = m.Failures.HostRepair.Times(0.5)));
        }

        if (failures.Crews > 0)
            yield return ("one more repair crew", "Failures.Crews", Do(m => m.Failures.Crews++));
        if (failures.CommonCause > 0)
            yield return ("half the common causes", "Failures.CommonCause", Do(m => m.Failures.CommonCause /= 2));
        if (failures.FaultDomain.Kind != LawKind.Never)
            yield return ("fault domains that fail half as often", "Failures.FaultDomain", Do(m => m.Failures.FaultDomain = m.Failures.FaultDomain.Times(2)));
        if (failures.Zone.Kind != LawKind.Never)
            yield return ("zones that fail half as often", "Failures.Zone", Do(m => m.Failures.Zone = m.Failures.Zone.Times(2)));
        if (failures.Region.Kind != LawKind.Never)
            yield return ("regions that fail half as often", "Failures.Region", Do(m => m.Failures.Region = m.Failures.Region.Times(2)));
        if (failures.Storage.Kind != LawKind.Never)
            yield return ("storage that fails half as often", "Failures.Storage", Do(m => m.Failures.Storage = m.Failures.Storage.Times(2)));
        if (failures.Guest.Kind != LawKind.Never)
        {
            yield return ("guests that crash half as often", "Failures.Guest", Do(m => m.Failures.Guest = m.Failures.Guest.Times(2)));
            yield return ("crashed guests noticed in half the time", "Recovery.GuestDetection", Do(m => m.Recovery.GuestDetection = m.Recovery.GuestDetection.Times(0.5)));
        }

        if (model.Recovery.Healing)
            yield return ("lost hosts noticed in half the time", "Recovery.Detection", Do(m => m.Recovery.Detection = m.Recovery.Detection.Times(0.5)));
        else
            yield return ("healing on other hosts", "Recovery.Healing", Do(m => m.Recovery.Healing = true));
        yield return ("machines that boot in half the time", "Recovery.Boot", Do(m => m.Recovery.Boot = m.Recovery.Boot.Times(0.5)));
        if (model.Recovery.Slots > 0)
            yield return ("twice as many starts at once", "Recovery.Slots", Do(m => m.Recovery.Slots *= 2));
        if (model.Maintenance is { Mode: MaintenanceMode.Reboot })
            yield return ("live migration for maintenance", "Maintenance.Mode", Do(m => m.Maintenance!.Mode = MaintenanceMode.LiveMigrate));
        if (model.Replication is not null)
            yield return ("a decision to fail over in half the time", "Replication.Decision", Do(m => m.Replication!.Decision = m.Replication.Decision.Times(0.5)));
        yield return (model.Hosts.All(h => h.Count == 1) ? "one more host" : "a tenth more hosts", "Hosts.Count", Do(m =>
        {
            // A live fabric's hosts are groups of one each: then there is one more like the first.
            if (m.Hosts.All(h => h.Count == 1))
                m.Hosts.Add(new HostGroup { Name = "another", Cpu = m.Hosts[0].Cpu, Memory = m.Hosts[0].Memory, Region = m.Hosts[0].Region, Zone = m.Hosts[0].Zone });
            foreach (var hosts in m.Hosts.Where(h => h.Count > 1))
                hosts.Count += Math.Max(1, hosts.Count / 10);
        }));
    }
}
