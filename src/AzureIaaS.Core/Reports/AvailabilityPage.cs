using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>A forecast as a page for somebody who decides: the question, the answer in a sentence, the pictures, then every number.</summary>
internal static class AvailabilityPage
{
    private const int MostMachines = 200;

    public static string Write(AvailabilityReport report)
    {
        var html = new HtmlWriter($"Availability of {report.Name}");
        html.Raw($"<h1>{HtmlWriter.Encode($"Availability of {report.Name}")}</h1>").Text(report.Question, "sub").Text(report.Answer, "answer");
        foreach (var note in report.Notes)
            html.Text(note, "note");
        Cards(html, report);
        Target(html, report);
        Differences(html, report);
        Improvements(html, report);
        Causes(html, report);
        Blast(html, report);
        Outages(html, report);
        Figures(html, report);
        Capacity(html, report);
        Assumptions(html, report);
        Repeat(html, report);
        return html.Page();
    }

    private static IEnumerable<AvailabilityFigure> Subjects(AvailabilityReport report) => report.Applications.Append(report.Fleet);

    private static void Cards(HtmlWriter html, AvailabilityReport report)
    {
        html.Raw("<ul class=\"cards\">");
        foreach (var figure in Subjects(report).Take(4))
            html.Raw(Say($"<li><b>{figure.Availability * 100:0.####} %</b><span>{HtmlWriter.Encode(Title(figure))}: {Sentences.Minutes(figure.MinutesPerYear)} down a year</span></li>"));
        html.Raw(Say($"<li><b>{report.Fleet.InterruptionsPer100Years:0.#}</b><span>interruptions in 100 machine-years (AIR)</span></li>"));
        if (Subjects(report).FirstOrDefault(f => f.MissChance is not null) is { } promise)
            html.Raw(Say($"<li><b>{Sentences.Percent(promise.MissChance!.Value)}</b><span>of months miss the promise of {report.Model.Sla!.Target:0.####} % ({HtmlWriter.Encode(Title(promise))})</span></li>"));
        html.Raw("</ul>");
    }

    private static void Target(HtmlWriter html, AvailabilityReport report)
    {
        html.Heading(report.Model.Sla is null ? "How available" : "How available, and what was promised");
        var rows = Subjects(report).Take(12).Select(f => (Title(f), f.Availability, f.Low, f.High, Sentences.Interval(f))).ToList();
        var (height, svg) = Charts.Nines(rows, report.Model.Sla?.Target);
        html.Chart("Availability on a scale on which each step is one nine more. The line through a dot is its 95 % interval.", string.Join("; ", rows.Select(r => $"{r.Item1} {r.Item5}")), height, svg);
    }

    private static void Differences(HtmlWriter html, AvailabilityReport report)
    {
        if (report.Differences.Count == 0)
            return;
        html.Heading("Against the baseline").Text("Both were simulated with the same random numbers, so the difference shows the change and hardly any chance.");
        html.Table("Minutes down a year", ["Of", ">Baseline", ">Now", ">Saved", ">95 % interval"], report.Differences.Select(d => (IReadOnlyList<string>)
            [d.Name, Say($"{d.BaselineMinutesPerYear:0.##}"), Say($"{d.MinutesPerYear:0.##}"), Say($"{d.MinutesSavedPerYear:0.##}"), Say($"{d.Low:0.##} to {d.High:0.##}")]));
    }

    private static void Improvements(HtmlWriter html, AvailabilityReport report)
    {
        if (report.Improvements.Count == 0)
            return;
        html.Heading("What would make it better");
        var rows = report.Improvements.Take(12).Select(i => new BarRow(i.Change, i.IsSignificant ? Math.Max(0, i.MinutesSavedPerYear) : 0,
            i.IsSignificant ? Say($"saves {i.MinutesSavedPerYear:0.##} min a year ({i.Low:0.##} to {i.High:0.##})") : Say($"no effect seen ({i.Low:0.##} to {i.High:0.##})")) { Interval = (Math.Max(0, i.Low), Math.Max(0, i.High)) }).ToList();
        var (height, svg) = Charts.Bars(rows);
        html.Chart("Minutes down a year that each change alone saves, with its 95 % interval.", string.Join("; ", rows.Select(r => $"{r.Label} {r.Words}")), height, svg);
    }

    private static void Causes(HtmlWriter html, AvailabilityReport report)
    {
        if (report.Causes.Count == 0)
            return;
        html.Heading("Where the time goes");
        var causes = report.Causes.Select(c => new BarRow(Name(c.Cause), c.MinutesPerYear, Say($"{c.MinutesPerYear:0.00} min a year, {c.Share * 100:0} %"))).ToList();
        var (height, svg) = Charts.Bars(causes);
        html.Chart("What takes machines down: minutes a year of each machine.", string.Join("; ", causes.Select(r => $"{r.Label} {r.Words}")), height, svg);
        var phases = report.Phases.Select(p => new BarRow(Name(p.Phase), p.MinutesPerYear, Say($"{p.MinutesPerYear:0.00} min a year, {p.Share * 100:0} %"))).ToList();
        (height, svg) = Charts.Bars(phases);
        html.Chart("What machines that are down wait for: minutes a year of each machine.", string.Join("; ", phases.Select(r => $"{r.Label} {r.Words}")), height, svg);
    }

    private static void Blast(HtmlWriter html, AvailabilityReport report)
    {
        var rows = report.Causes.Where(c => c.MostMachines > 0).Select(c => (Name(c.Cause), (double)c.MostMachines / report.Fleet.MachineCount,
            Say($"{c.EventsPerYear:0.##} times a year; {c.MeanMachines:0.#} machines at once, {c.MostMachines} at most"))).ToList();
        if (rows.Count == 0)
            return;
        html.Heading("Blast radius");
        var (height, svg) = Charts.Cells(rows);
        html.Chart("Each cell is one percent of the machines; those struck at once by the worst event of each kind are filled.", string.Join("; ", rows.Select(r => $"{r.Item1} {r.Item3}")), height, svg);
    }

    private static void Outages(HtmlWriter html, AvailabilityReport report)
    {
        var whose = report.Applications.Count > 0 ? "applications" : "machines";
        html.Heading("How long outages last");
        var rows = report.Outages.Select(o => new BarRow(o.Length, o.PerYear, Say($"{o.PerYear:0.####} a year, {o.Share * 100:0.#} %"))).ToList();
        var (height, svg) = Charts.Bars(rows);
        html.Chart($"Outages of {whose} by length.", string.Join("; ", rows.Select(r => $"{r.Label} {r.Words}")), height, svg);
        html.Table($"The longest outages of {whose}", ["What", ">For", "Cause", "What failed", "Note"], report.LongestOutages.Take(10).Select(o => (IReadOnlyList<string>)
            [o.Name, TimeText.Format(o.Duration.TotalSeconds), Name(o.Cause), o.Source, o.Note ?? ""]));
    }

    private static void Figures(HtmlWriter html, AvailabilityReport report)
    {
        html.Heading("Every number");
        string[] columns = ["Of", ">Machines", ">Availability", ">95 % interval", ">Min a year", ">planned", ">AIR", ">Mean outage"];
        if (report.Model.Sla is not null)
            columns = [.. columns, ">Months missed", ">Credit"];
        html.Table("Applications and groups", columns, Subjects(report).Concat(report.Groups.Take(MostMachines)).Select(f => Row(f)[..columns.Length]));
        if (report.Machines.Count is > 0 and <= MostMachines)
            html.Table("Machines", columns[..8], report.Machines.Select(f => Row(f)[..8]));
        else if (report.Machines.Count > MostMachines)
            html.Text($"The {report.Machines.Count:N0} machines one by one are in the CSV file of this report.");
    }

    private static string[] Row(AvailabilityFigure f) =>
    [
        Title(f), Say($"{f.MachineCount:N0}"), Say($"{f.Availability * 100:0.######} %"), Say($"{f.Low * 100:0.######} to {f.High * 100:0.######}"), Say($"{f.MinutesPerYear:0.###}"), Say($"{f.PlannedMinutesPerYear:0.###}"),
        Say($"{f.InterruptionsPer100Years:0.##}"), f.MeanOutageMinutes is { } mean ? Say($"{mean:0.##} min") : "", f.MissChance is { } miss ? Sentences.Percent(miss) : "", f.ExpectedCreditPercent is { } credit ? Say($"{credit:0.####} %") : "",
    ];

    private static void Capacity(HtmlWriter html, AvailabilityReport report)
    {
        html.Heading("Capacity and recovery points");
        html.Text(report.Shortfall.MachinesPerYear > 0
            ? Say($"{report.Shortfall.MachinesPerYear:0.##} machines a year find no room on any host, and wait {report.Shortfall.MachineHoursPerYear:0.##} h for it together; at worst {report.Shortfall.MostAtOnce} waited at once.")
            : "There was always room for machines that had to be started elsewhere.");
        if (report.RecoveryPoint is { } point)
            html.Text(Say($"{point.RecoveriesPerYear:0.###} machines a year go on with their replicas, and lose {TimeText.Format(point.Mean.TotalSeconds)} of work on average, {TimeText.Format(point.Worst.TotalSeconds)} at worst."));
    }

    private static void Assumptions(HtmlWriter html, AvailabilityReport report)
    {
        html.Heading("What was assumed");
        if (report.Assumptions.Count == 0)
            html.Text("Every number was given.");
        else
            html.Table("Numbers that nobody gave", ["Parameter", "Value", "Source"], report.Assumptions.Select(a => (IReadOnlyList<string>)[a.Parameter, a.Value, a.Source ?? "Assumption: nobody measured it for you"]));
    }

    private static void Repeat(HtmlWriter html, AvailabilityReport report)
    {
        html.Heading("To repeat it");
        html.Text(Say($"{report.Replications} replications of {report.Years:0.##} years after {TimeText.Format(report.WarmUpYears * TimeText.Year)} of warm-up, {report.Events:N0} events, seed {report.Seed}, fingerprint {report.Fingerprint}. The model below, saved as a file, gives the same figures with -Model, -Seed, -Years and -ReplicationCount."));
        html.Folded("The model", ModelFile.Write(report.Model));
    }

    internal static string Title(AvailabilityFigure figure) => figure.Kind == "Fleet" ? "Any machine" : figure.Name;

    private static string Name(Enum value) => value switch
    {
        OutageCause.CommonCause => "Common cause",
        OutageCause.FaultDomain => "Fault domain",
        OutageCause.Script => "Told by the model",
        OutagePhase.Order => "Machines that start first",
        OutagePhase.Slot => "Its turn to start",
        OutagePhase.Capacity => "Room on a host",
        _ => value.ToString(),
    };

    private static string Say(FormattableString text) => FormattableString.Invariant(text);
}
