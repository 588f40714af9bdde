using System.Globalization;
using AzureIaaS.Failover;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>What differs between two reports of a kind, line by line: this quarter's with the last's.</summary>
public sealed class ReportDifference
{
    /// <summary>What is compared: <c>Rto</c>, <c>Step boot</c>, <c>Check Process</c>, <c>Web availability</c>.</summary>
    public string Item { get; set; } = "";

    /// <summary>What the former report says; empty when it does not have it.</summary>
    public string Reference { get; set; } = "";

    /// <summary>What the later report says; empty when it does not have it.</summary>
    public string Difference { get; set; } = "";

    /// <summary>The change, where both are numbers or times; in seconds for times.</summary>
    public double? Change { get; set; }

    /// <summary>The verdict: <c>Same</c>, <c>Better</c>, <c>Worse</c> or <c>Changed</c>.</summary>
    public string Verdict { get; set; } = "";

    /// <summary>The item and the verdict.</summary>
    public override string ToString() => $"{Item}: {Verdict}";
}

/// <summary>Compares reports.</summary>
public static class ReportComparison
{
    /// <summary>Compares two reports.</summary>
    /// <param name="reference">The former report: of a failover, or a forecast.</param>
    /// <param name="difference">The later report, of the same kind.</param>
    /// <returns>The items in which reports are compared, those that are the same too.</returns>
    /// <exception cref="IaaSException">They are not two reports of a kind.</exception>
    public static IReadOnlyList<ReportDifference> Compare(object reference, object difference) => (reference, difference) switch
    {
        (FailoverReport former, FailoverReport later) => [.. Failovers(former, later)],
        (AvailabilityReport former, AvailabilityReport later) => [.. Forecasts(former, later)],
        _ => throw new IaaSException(ErrorKind.InvalidArgument, "ReportsNotAlike", "Only two reports of failovers, or two forecasts, can be compared.", "Give two objects from Get-IaaSFailover, or two from Measure-IaaSAvailability."),
    };

    private static IEnumerable<ReportDifference> Failovers(FailoverReport former, FailoverReport later)
    {
        yield return Text("Machine", former.VmName, later.VmName);
        yield return Text("Kind", former.Kind.ToString(), later.Kind.ToString());
        yield return Outcome("Outcome", former.Outcome, later.Outcome);
        yield return Time("Rto", former.Rto, later.Rto);
        yield return Time("Rpo", former.Rpo, later.Rpo);
        yield return Time("Downtime", former.Downtime, later.Downtime);
        yield return Text("Target host", former.TargetHost, later.TargetHost);
        foreach (var name in former.Steps.Concat(later.Steps).Select(s => s.Name).Distinct())
            yield return Time($"Step {name}", former.Steps.FirstOrDefault(s => s.Name == name)?.Duration, later.Steps.FirstOrDefault(s => s.Name == name)?.Duration);
        foreach (var name in former.Checks.Concat(later.Checks).Select(c => c.Name).Distinct())
            yield return Outcome($"Check {name}", former.Checks.FirstOrDefault(c => c.Name == name)?.Outcome, later.Checks.FirstOrDefault(c => c.Name == name)?.Outcome);
        foreach (var name in former.Versions.Keys.Concat(later.Versions.Keys).Distinct().Order(StringComparer.Ordinal))
            yield return Text($"Version of {name}", former.Versions.TryGetValue(name, out var a) ? a : null, later.Versions.TryGetValue(name, out var b) ? b : null);
        yield return Text("Digest", Evidence.Digest(former), Evidence.Digest(later));
    }

    private static IEnumerable<ReportDifference> Forecasts(AvailabilityReport former, AvailabilityReport later)
    {
        foreach (var figure in former.Applications.Append(former.Fleet))
        {
            var other = figure.Kind == "Fleet" ? later.Fleet : later.Applications.FirstOrDefault(f => f.Name.Equals(figure.Name, StringComparison.OrdinalIgnoreCase));
            var name = figure.Kind == "Fleet" ? "Any machine" : figure.Name;
            yield return Figure($"{name}: minutes down a year", figure, other);
            if (figure.MissChance is { } miss && other?.MissChance is { } missNow)
                yield return Number($"{name}: chance to miss the promise", miss, missNow, "0.####");
        }

        foreach (var parameter in former.Assumptions.Concat(later.Assumptions).Select(a => a.Parameter).Distinct(StringComparer.Ordinal))
            yield return Text(parameter, former.Assumptions.FirstOrDefault(a => a.Parameter == parameter)?.Value, later.Assumptions.FirstOrDefault(a => a.Parameter == parameter)?.Value);
        yield return Text("Seed", former.Seed.ToString(CultureInfo.InvariantCulture), later.Seed.ToString(CultureInfo.InvariantCulture));
        yield return Text("Fingerprint", former.Fingerprint, later.Fingerprint);
    }

    // Better or worse is said only where the intervals do not overlap.
    private static ReportDifference Figure(string item, AvailabilityFigure former, AvailabilityFigure? later)
    {
        if (later is null)
            return Text(item, Say(former.MinutesPerYear), null);
        var found = Number(item, former.MinutesPerYear, later.MinutesPerYear, "0.##");
        if (later.Low <= former.High && former.Low <= later.High)
            found.Verdict = "Same";
        return found;
    }

    private static ReportDifference Time(string item, TimeSpan? former, TimeSpan? later)
    {
        if (former is not { } a || later is not { } b)
            return Text(item, Span(former), Span(later));
        var change = (b - a).TotalSeconds;
        // Times of the same thing differ by chance; a tenth says nothing.
        var verdict = Math.Abs(change) <= 0.1 * Math.Max(a.TotalSeconds, b.TotalSeconds) ? "Same" : change < 0 ? "Better" : "Worse";
        return new ReportDifference { Item = item, Reference = Span(a), Difference = Span(b), Change = change, Verdict = verdict };
    }

    private static ReportDifference Number(string item, double former, double later, string format) => new()
    {
        Item = item,
        Reference = former.ToString(format, CultureInfo.InvariantCulture),
        Difference = later.ToString(format, CultureInfo.InvariantCulture),
        Change = later - former,
        Verdict = former == later ? "Same" : later < former ? "Better" : "Worse",
    };

    private static ReportDifference Outcome(string item, FailoverOutcome? former, FailoverOutcome? later)
    {
        var found = Text(item, former?.ToString(), later?.ToString());
        if (former is not null && later is not null && former != later)
            found.Verdict = later == FailoverOutcome.Succeeded ? "Better" : former == FailoverOutcome.Succeeded ? "Worse" : "Changed";
        return found;
    }

    private static ReportDifference Text(string item, string? former, string? later) =>
        new() { Item = item, Reference = former ?? "", Difference = later ?? "", Verdict = (former ?? "") == (later ?? "") ? "Same" : "Changed" };

    private static string Say(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan? time) => time is { } t ? TimeText.Format(t.TotalSeconds) : "";
}
