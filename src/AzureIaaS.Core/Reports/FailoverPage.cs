using System.Globalization;
using AzureIaaS.Failover;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>Failovers as a page for an auditor: who, when, from what, each step and check with its time, and a digest.</summary>
internal static class FailoverPage
{
    public static string Write(IReadOnlyList<FailoverReport> reports)
    {
        var title = reports.Count == 1 ? $"{reports[0].Kind} failover of {reports[0].VmName}" : $"{reports.Count} failovers";
        var html = new HtmlWriter(title);
        html.Raw($"<h1>{HtmlWriter.Encode(title)}</h1>");
        if (reports.Count > 1)
            Summary(html, reports);
        foreach (var report in reports)
            One(html, report, isAlone: reports.Count == 1);
        return html.Page();
    }

    /// <summary>What came out, in a sentence.</summary>
    public static string Answer(FailoverReport report)
    {
        var outcome = report.Outcome switch
        {
            FailoverOutcome.Succeeded => report.Rto is { } rto ? $"{report.VmName} was back after {Span(rto)}" : $"The failover of {report.VmName} succeeded",
            FailoverOutcome.Failed => $"The failover of {report.VmName} failed",
            _ => $"The failover of {report.VmName} was not run",
        };
        var loss = report.Rpo is { } rpo ? rpo == TimeSpan.Zero ? ", and nothing acknowledged was lost" : $", and up to {Span(rpo)} of work was lost" : "";
        var still = report.Downtime is { } downtime ? $" The guest stood still for {Span(downtime)}." : "";
        return $"{outcome}{loss}.{still}{(report.Error is null ? "" : $" {report.Error}")}";
    }

    private static void Summary(HtmlWriter html, IReadOnlyList<FailoverReport> reports)
    {
        var good = reports.Count(r => r.Outcome == FailoverOutcome.Succeeded);
        var slowest = reports.Where(r => r.Rto is not null).MaxBy(r => r.Rto);
        html.Text($"{good} of {reports.Count} succeeded.{(slowest is null ? "" : $" The slowest was {slowest.VmName}, back after {Span(slowest.Rto!.Value)}.")}", "answer");
        html.Table("Failovers", ["Machine", "Kind", "Outcome", "Started", ">RTO", ">RPO", "From", "To"], reports.Select(r => (IReadOnlyList<string>)
            [r.VmName, r.Kind.ToString(), r.Outcome.ToString(), Time(r.Started), Span(r.Rto), Span(r.Rpo), r.SourceHost ?? "", r.TargetHost ?? ""]));
    }

    private static void One(HtmlWriter html, FailoverReport report, bool isAlone)
    {
        if (!isAlone)
            html.Heading($"{report.Kind} failover of {report.VmName}");
        html.Text($"{Time(report.Started)}, by {report.InitiatedBy}: {report.Trigger}", "sub").Text(Answer(report), "answer");
        html.Raw("<ul class=\"cards\">");
        foreach (var (value, words) in new[] { (Span(report.Rto), "recovery time (RTO)"), (Span(report.Rpo), "recovery point (RPO)"), (Span(report.Downtime), "stood still"), (report.Outcome.ToString(), "outcome") })
        {
            if (value.Length > 0)
                html.Raw($"<li><b>{HtmlWriter.Encode(value)}</b><span>{words}</span></li>");
        }

        html.Raw("</ul>");
        Steps(html, report);
        if (report.Checks.Count > 0)
        {
            html.Table("Checks", ["Check", "Outcome", ">After", "What was seen"], report.Checks.Select(c => (IReadOnlyList<string>)
                [c.Name, c.Outcome.ToString(), c.Outcome == FailoverOutcome.NotRun ? "" : Span(c.After), c.Detail ?? ""]));
        }

        html.Table("Evidence", ["What", "Value"],
        [
            ["Recovery point", report.RecoveryPoint], ["Why the recovery point is what it is", report.RpoStatement], ["From", report.SourceHost ?? ""], ["To", report.TargetHost ?? ""],
            ["Began", Time(report.Started)], ["Ended", Time(report.Ended)], ["By", report.InitiatedBy], ["Set off by", report.Trigger], ["Machine", report.VmId.ToString()], ["Report", report.Id.ToString()],
            .. report.Versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => (IReadOnlyList<string>)["Version of " + v.Key, v.Value]),
            ["SHA-256 of this report", Evidence.Digest(report)],
        ]);
    }

    private static void Steps(HtmlWriter html, FailoverReport report)
    {
        if (report.Steps.Count == 0)
            return;
        var bars = report.Steps.Select(s => (s.Name, Math.Max(0, (s.Started - report.Started).TotalSeconds), s.Duration.TotalSeconds,
            Span(s.Duration) + (s.Outcome == FailoverOutcome.Succeeded ? "" : $", {s.Outcome}"), s.Outcome == FailoverOutcome.Failed)).ToList();
        // What a rehearsal does before it starts the clone is no part of its recovery time; the last check is where that ends.
        var checks = report.Checks.Where(c => c.Outcome == FailoverOutcome.Succeeded).Select(c => c.After.TotalSeconds);
        var marks = report.Rto is { } rto ? new[] { ($"back: recovery time {Span(rto)}", checks.DefaultIfEmpty(rto.TotalSeconds).Max()) } : [];
        var (height, svg) = Charts.Timeline(bars, marks);
        html.Chart("The steps, each where it was in time.", string.Join("; ", bars.Select(b => $"{b.Name} {b.Item4}")), height, svg);
        html.Table("Steps", ["Step", ">Began after", ">Took", "Outcome", "Detail"], report.Steps.Select(s => (IReadOnlyList<string>)
            [s.Name, Span(s.Started > report.Started ? s.Started - report.Started : TimeSpan.Zero), Span(s.Duration), s.Outcome.ToString(), s.Detail ?? ""]));
    }

    internal static string Span(TimeSpan? span) => span is { } time ? TimeText.Format(time.TotalSeconds) : "";

    internal static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
