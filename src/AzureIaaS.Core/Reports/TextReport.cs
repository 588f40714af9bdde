using System.Text;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>A forecast as a console shows it: the answer, the figures, and where the time goes.</summary>
public static class TextReport
{
    private const int Width = 79;      // of the narrowest console there is
    private const int BarWidth = 16;
    private const int MostRows = 12;

    /// <summary>Writes a forecast.</summary>
    /// <param name="report">The forecast.</param>
    /// <returns>Lines of text.</returns>
    public static string Write(AvailabilityReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        Words(text, report.Question);
        text.AppendLine();
        Words(text, report.Answer);
        Figures(text, report);
        Bars(text, "Where the time goes (minutes a year of a machine)", report.Causes.Select(c => (c.Cause.ToString(), c.MinutesPerYear, Say($"{c.MinutesPerYear,8:0.00}  {Blast(c)}"))));
        Bars(text, "What machines wait for", report.Phases.Select(p => (p.Phase.ToString(), p.MinutesPerYear, Say($"{p.MinutesPerYear,8:0.00}"))));
        Bars(text, $"Outages of {(report.Applications.Count > 0 ? "applications" : "machines")} by length (a year)", report.Outages.Where(o => o.PerYear > 0).Select(o => (o.Length, o.PerYear, Say($"{o.PerYear,8:0.###}"))));
        Bars(text, "What would help (minutes a year saved)", report.Improvements.Where(i => i.MinutesSavedPerYear > 0 && i.IsSignificant).Take(5).Select(i => (i.Change, i.MinutesSavedPerYear, Say($"{i.MinutesSavedPerYear,8:0.00}"))));
        foreach (var note in report.Notes)
        {
            text.AppendLine();
            Words(text, note);
        }

        var assumed = report.Assumptions.Count(a => a.Source is null);
        text.AppendLine();
        Words(text, Say($"{report.Replications} replications of {report.Years:0.##} years, {report.Events:N0} events, seed {report.Seed}. {assumed} numbers are assumptions without a source: see Assumptions."));
        return text.ToString().TrimEnd();
    }

    /// <summary>An availability with its interval, with as many digits as that deserves.</summary>
    /// <param name="figure">The figure.</param>
    public static string Interval(AvailabilityFigure figure) => Sentences.Interval(figure);

    private static void Figures(StringBuilder text, AvailabilityReport report)
    {
        var rows = report.Applications.Append(report.Fleet).Concat(report.Groups.Count > 1 ? report.Groups : []).Take(MostRows + 1).ToList();
        var width = Math.Max(4, rows.Max(r => Title(r).Length));
        text.AppendLine().AppendLine($"{"Name".PadRight(width)}  {"Availability (95 %)",-34}{"Min/year",9}{"Planned",8}{"AIR",7}");
        foreach (var row in rows.Take(MostRows))
            text.AppendLine(Say($"{Title(row).PadRight(width)}  {Sentences.Interval(row),-34}{row.MinutesPerYear,9:0.##}{row.PlannedMinutesPerYear,8:0.##}{row.InterruptionsPer100Years,7:0.#}"));
    }

    private static string Title(AvailabilityFigure figure) => figure.Kind == "Fleet" ? "(any machine)" : figure.Name;

    private static string Blast(CauseShare cause) => cause.MostMachines > 1 ? Say($"{cause.MeanMachines:0.#} machines at once, at most {cause.MostMachines}") : "";

    // A console breaks lines wherever they end; words should stay whole.
    private static void Words(StringBuilder text, string words)
    {
        var line = 0;
        foreach (var word in words.Split(' '))
        {
            if (line > 0 && line + 1 + word.Length > Width)
            {
                text.AppendLine();
                line = 0;
            }

            text.Append(line > 0 ? " " : "").Append(word);
            line += word.Length + (line > 0 ? 1 : 0);
        }

        text.AppendLine();
    }

    private static void Bars(StringBuilder text, string title, IEnumerable<(string Name, double Value, string Words)> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        var most = all.Max(r => r.Value);
        var width = all.Max(r => r.Name.Length);
        text.AppendLine().AppendLine(title);
        foreach (var (name, value, words) in all)
            text.AppendLine($"  {name.PadRight(width)} {Histogram.Bar(most > 0 ? value / most : 0, BarWidth).PadRight(BarWidth)} {words}".TrimEnd());
    }

    private static string Say(FormattableString text) => FormattableString.Invariant(text);
}
