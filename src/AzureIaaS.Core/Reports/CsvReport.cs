using System.Globalization;
using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>Reports as rows of a CSV file (RFC 4180), for a spreadsheet or Import-Csv.</summary>
internal static class CsvReport
{
    public static string Write(AvailabilityReport report) => Table(
        ["Kind", "Name", "MachineCount", "Availability", "Low", "High", "MinutesPerYear", "PlannedMinutesPerYear", "InterruptionsPer100Years", "MeanOutageMinutes", "MissChance", "ExpectedCreditPercent", "Method", "Seed", "Replications", "Years", "Fingerprint"],
        report.Applications.Append(report.Fleet).Concat(report.Groups).Concat(report.Machines).Select(f => new object?[]
        {
            f.Kind, f.Name, f.MachineCount, f.Availability, f.Low, f.High, f.MinutesPerYear, f.PlannedMinutesPerYear, f.InterruptionsPer100Years, f.MeanOutageMinutes, f.MissChance, f.ExpectedCreditPercent, f.Method, report.Seed, report.Replications, report.Years, report.Fingerprint,
        }));

    public static string Write(IReadOnlyList<FailoverReport> reports) => Table(
        ["Id", "VmName", "Kind", "Outcome", "Started", "Ended", "InitiatedBy", "Trigger", "SourceHost", "TargetHost", "RecoveryPoint", "RtoSeconds", "RpoSeconds", "DowntimeSeconds", "Item", "Name", "ItemOutcome", "ItemSeconds", "Detail", "Digest"],
        reports.SelectMany(r => Items(r).Select(i => new object?[]
        {
            r.Id, r.VmName, r.Kind, r.Outcome, r.Started.ToString("O", CultureInfo.InvariantCulture), r.Ended.ToString("O", CultureInfo.InvariantCulture), r.InitiatedBy, r.Trigger, r.SourceHost, r.TargetHost, r.RecoveryPoint,
            r.Rto?.TotalSeconds, r.Rpo?.TotalSeconds, r.Downtime?.TotalSeconds, i.Item, i.Name, i.Outcome, i.Seconds, i.Detail, Evidence.Digest(r),
        })));

    public static string Write(IReadOnlyList<VirtualMachine> machines, IReadOnlyList<FabricHost> hosts) => Table(
        ["Kind", "Name", "State", "Host", "Cpu", "Memory", "FaultDomain", "UpdateDomain", "CpuUsed", "MemoryUsed", "Note"],
        hosts.Select(h => new object?[] { "Host", h.Name, h.State, null, h.Cpu, h.Memory, h.FaultDomain, h.UpdateDomain, h.CpuUsed, h.MemoryUsed, h.StateReason })
            .Concat(machines.Select(m => new object?[] { "Machine", m.Name, m.State, m.Host, m.Cpu, m.Memory, null, null, null, null, m.StateReason })));

    private static List<(string Item, string Name, FailoverOutcome Outcome, double Seconds, string? Detail)> Items(FailoverReport report)
    {
        List<(string Item, string Name, FailoverOutcome Outcome, double Seconds, string? Detail)> items = [.. report.Steps.Select(s => ("Step", s.Name, s.Outcome, s.Duration.TotalSeconds, s.Detail)).Concat(report.Checks.Select(c => ("Check", c.Name, c.Outcome, c.After.TotalSeconds, c.Detail)))];
        return items.Count > 0 ? items : [("Report", "", report.Outcome, 0, report.Error)];
    }

    private static string Table(string[] columns, IEnumerable<object?[]> rows)
    {
        var text = new StringBuilder(string.Join(',', columns)).Append("\r\n");
        foreach (var row in rows)
            text.Append(string.Join(',', row.Select(Cell))).Append("\r\n");
        return text.ToString();
    }

    private static string Cell(object? value)
    {
        if (value is not string text)
            return Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        // A spreadsheet runs what begins so; a quote before it makes it text.
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t')
            text = "'" + text;
        return text.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
