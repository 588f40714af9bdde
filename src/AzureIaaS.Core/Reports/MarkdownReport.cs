using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>Reports as Markdown: the same sentences and tables as the page, without its pictures.</summary>
internal static class MarkdownReport
{
    public static string Write(AvailabilityReport report)
    {
        var text = new StringBuilder($"# Availability of {Escape(report.Name)}\n\n{Escape(report.Question)}\n\n**{Escape(report.Answer)}**\n");
        foreach (var note in report.Notes)
            text.Append($"\n> {Escape(note)}\n");
        Table(text, "Figures", ["Of", "Availability", "95 % interval", "Min a year", "planned", "AIR", "Months missed"], report.Applications.Append(report.Fleet).Concat(report.Groups).Select(f => new[]
        {
            AvailabilityPage.Title(f), Say($"{f.Availability * 100:0.######} %"), Say($"{f.Low * 100:0.######} to {f.High * 100:0.######}"), Say($"{f.MinutesPerYear:0.###}"), Say($"{f.PlannedMinutesPerYear:0.###}"), Say($"{f.InterruptionsPer100Years:0.##}"),
            f.MissChance is { } miss ? Sentences.Percent(miss) : "",
        }));
        Table(text, "Against the baseline (minutes a year)", ["Of", "Baseline", "Now", "Saved", "95 % interval"], report.Differences.Select(d => new[] { d.Name, Say($"{d.BaselineMinutesPerYear:0.##}"), Say($"{d.MinutesPerYear:0.##}"), Say($"{d.MinutesSavedPerYear:0.##}"), Say($"{d.Low:0.##} to {d.High:0.##}") }));
        Table(text, "What would help", ["Change", "Saves min a year", "95 % interval"], report.Improvements.Select(i => new[] { i.Change, Say($"{i.MinutesSavedPerYear:0.##}"), Say($"{i.Low:0.##} to {i.High:0.##}") }));
        Table(text, "Where the time goes", ["Cause", "Min a year", "Share", "Events a year", "Machines at once", "at most"], report.Causes.Select(c => new[] { c.Cause.ToString(), Say($"{c.MinutesPerYear:0.###}"), Say($"{c.Share * 100:0.#} %"), Say($"{c.EventsPerYear:0.###}"), Say($"{c.MeanMachines:0.##}"), Say($"{c.MostMachines}") }));
        Table(text, "Outages by length", ["Length", "A year", "Share"], report.Outages.Select(o => new[] { o.Length, Say($"{o.PerYear:0.####}"), Say($"{o.Share * 100:0.##} %") }));
        Table(text, "Assumptions", ["Parameter", "Value", "Source"], report.Assumptions.Select(a => new[] { a.Parameter, a.Value, a.Source ?? "assumption" }));
        text.Append(Say($"\n{report.Replications} replications of {report.Years:0.##} years, {report.Events:N0} events, seed {report.Seed}, fingerprint {report.Fingerprint}.\n\n```json\n{ModelFile.Write(report.Model)}\n```\n"));
        return text.ToString();
    }

    public static string Write(IReadOnlyList<FailoverReport> reports)
    {
        var text = new StringBuilder();
        foreach (var report in reports)
        {
            text.Append($"{(text.Length > 0 ? "\n" : "")}# {report.Kind} failover of {Escape(report.VmName)}\n\n{FailoverPage.Time(report.Started)}, by {Escape(report.InitiatedBy)}: {Escape(report.Trigger)}\n\n**{Escape(FailoverPage.Answer(report))}**\n");
            Table(text, "Steps", ["Step", "Took", "Outcome", "Detail"], report.Steps.Select(s => new[] { s.Name, FailoverPage.Span(s.Duration), s.Outcome.ToString(), s.Detail ?? "" }));
            Table(text, "Checks", ["Check", "Outcome", "After", "What was seen"], report.Checks.Select(c => new[] { c.Name, c.Outcome.ToString(), FailoverPage.Span(c.After), c.Detail ?? "" }));
            Table(text, "Evidence", ["What", "Value"], new[] { new[] { "RTO", FailoverPage.Span(report.Rto) }, ["RPO", FailoverPage.Span(report.Rpo)], ["Recovery point", report.RecoveryPoint], ["From", report.SourceHost ?? ""], ["To", report.TargetHost ?? ""], ["Report", report.Id.ToString()] }
                .Concat(report.Versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => new[] { "Version of " + v.Key, v.Value })).Append(["SHA-256", Evidence.Digest(report)]));
        }

        return text.ToString();
    }

    public static string Write(IReadOnlyList<VirtualMachine> machines, IReadOnlyList<FabricHost> hosts)
    {
        var text = new StringBuilder($"# The farm\n\n**{Escape(FarmPage.Answer(machines, hosts))}**\n");
        Table(text, "Hosts", ["Host", "State", "Fault domain", "CPU", "Memory", "Machines"], hosts.Select(h => new[] { h.Name, h.State.ToString(), $"{h.FaultDomain}", $"{h.CpuUsed}/{h.Cpu}", $"{ByteSize.Format(h.MemoryUsed)}/{ByteSize.Format(h.Memory)}", string.Join(", ", h.Machines) }));
        Table(text, "Machines", ["Machine", "State", "Host", "CPU", "Memory", "Note"], machines.Select(m => new[] { m.Name, m.State.ToString(), m.Host ?? "", $"{m.Cpu}", ByteSize.Format(m.Memory), m.StateReason ?? "" }));
        return text.ToString();
    }

    private static void Table(StringBuilder text, string title, string[] columns, IEnumerable<string[]> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        text.Append($"\n## {title}\n\n| {string.Join(" | ", columns)} |\n|{string.Concat(Enumerable.Repeat("---|", columns.Length))}\n");
        foreach (var row in all)
            text.Append($"| {string.Join(" | ", row.Select(Escape))} |\n");
    }

    // Names come from files of others: none of their characters may become Markdown or HTML.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c is '\r' or '\n')
                escaped.Append(' ');
            else if (c is '<')
                escaped.Append("&lt;");
            else
                escaped.Append(c is '|' or '\\' or '`' or '*' or '_' or '[' or ']' or '#' ? $"\\{c}" : c.ToString());
        }

        return escaped.ToString();
    }

    private static string Say(FormattableString text) => FormattableString.Invariant(text);
}
