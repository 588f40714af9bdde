using System.Globalization;

namespace AzureIaaS.Simulation;

/// <summary>Figures as a director reads them.</summary>
internal static class Sentences
{
    /// <summary>What was asked.</summary>
    public static string Question(FleetModel model, double years)
    {
        var domains = model.Hosts.Max(h => h.FaultDomains);
        var over = domains > 1 ? Say($" in {domains} fault domains") : "";
        var what = model.Applications.Count == 0 ? "each machine" : string.Join(", ", model.Applications.Select(a => a.Requires.Length > 0 ? $"{a.Name} ({a.Requires})" : a.Name));
        return Say($"How available will {what} be on {Count(model.HostCount, "host")}{over} with {Count(model.MachineCount, "machine")}, over {years:0.##} years?");
    }

    /// <summary>What came out.</summary>
    public static string Answer(AvailabilityReport report)
    {
        var subjects = report.Applications.Count > 0 ? report.Applications : [report.Fleet];
        var parts = subjects.Select(f => Say($"{(f.Kind == "Fleet" ? "A machine" : f.Name)} is available {Interval(f)} of the time: {Minutes(f.MinutesPerYear)} down a year{Planned(f)}.")).ToList();
        parts.AddRange(subjects.Where(f => f.MissChance is not null).Select(f =>
            Say($"{(f.Kind == "Fleet" ? "A machine" : f.Name)} misses {report.Model.Sla!.Target:0.####} % in {Percent(f.MissChance!.Value)} of months{Credit(f)}.")));
        parts.AddRange(report.Differences.Take(1).Select(d => d.IsSignificant
            ? Say($"Against the baseline that {(d.MinutesSavedPerYear >= 0 ? "saves" : "costs")} {Minutes(Math.Abs(d.MinutesSavedPerYear))} a year of {d.Name} ({d.Low:0.##} to {d.High:0.##}).")
            : Say($"Against the baseline no difference shows for {d.Name} ({d.Low:0.##} to {d.High:0.##} min a year).")));
        if (report.Improvements.FirstOrDefault(i => i.Low > 0) is { } best)
            parts.Add(Say($"What helps most: {best.Change} saves {Minutes(best.MinutesSavedPerYear)} a year."));
        return string.Join(" ", parts);
    }

    /// <summary>An availability with as many digits as its interval deserves.</summary>
    public static string Interval(AvailabilityFigure figure)
    {
        var digits = Digits(figure.High - figure.Low);
        var format = "F" + digits.ToString(CultureInfo.InvariantCulture);
        string Text(double value) => (value * 100).ToString(format, CultureInfo.InvariantCulture);
        return $"{Text(figure.Availability)} % ({Text(figure.Low)} to {Text(figure.High)})";
    }

    /// <summary>Minutes in words.</summary>
    public static string Minutes(double minutes) => minutes switch
    {
        >= 120 => Say($"{minutes / 60:0.#} h"),
        >= 10 => Say($"{minutes:0} min"),
        >= 1 => Say($"{minutes:0.#} min"),
        >= 0.02 => Say($"{minutes * 60:0.#} s"),
        _ => TimeText.Format(minutes * 60),
    };

    /// <summary>A share in percent.</summary>
    public static string Percent(double share) => share is > 0 and < 0.0001 ? Say($"{share * 100:0.0000} %") : Say($"{share * 100:0.##} %");

    internal static string Count(long count, string what) => Say($"{count:N0} {what}{(count == 1 ? "" : "s")}");

    private static int Digits(double width) => width is > 0 and < 1 ? Math.Clamp((int)Math.Ceiling(-Math.Log10(width * 100)) + 1, 1, 12) : 4;

    private static string Planned(AvailabilityFigure figure) => figure.PlannedMinutesPerYear >= 0.005 * figure.MinutesPerYear && figure.PlannedMinutesPerYear > 0
        ? Say($", {Minutes(figure.PlannedMinutesPerYear)} of them planned") : "";

    private static string Credit(AvailabilityFigure figure) => figure.ExpectedCreditPercent is > 0 and var credit ? Say($", an expected credit of {credit:0.###} % of the price") : "";

    private static string Say(FormattableString text) => FormattableString.Invariant(text);
}
