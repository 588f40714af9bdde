using System.Text;
using static AzureIaaS.Reports.HtmlWriter;

namespace AzureIaaS.Reports;

/// <summary>A row of a bar chart.</summary>
/// <param name="Label">What it is of.</param>
/// <param name="Value">How long its bar is, 0 or more.</param>
/// <param name="Words">The value in words.</param>
internal readonly record struct BarRow(string Label, double Value, string Words)
{
    /// <summary>The ends of its interval; null for none.</summary>
    public (double Low, double High)? Interval { get; init; }
}

/// <summary>
/// Pictures in SVG. Lengths along the page are in percent and text in pixels, so that they are as legible on a phone as on a wall; every number is
/// written beside its mark, so that no colour has to be told from another.
/// </summary>
internal static class Charts
{
    private const int Row = 46;

    /// <summary>Bars below each other, each with its label and its value above.</summary>
    public static (double Height, string Svg) Bars(IReadOnlyList<BarRow> rows)
    {
        var most = Math.Max(rows.Max(r => Math.Max(r.Value, r.Interval?.High ?? 0)), double.Epsilon);
        string Percent(double value) => Number(Math.Clamp(value / most, 0, 1) * 100) + "%";
        var svg = new StringBuilder();
        for (var i = 0; i < rows.Count; i++)
        {
            var (top, row) = (i * Row, rows[i]);
            svg.Append($"<text x=\"0\" y=\"{top + 15}\">{Encode(row.Label)}</text><text x=\"100%\" y=\"{top + 15}\" text-anchor=\"end\" class=\"soft\">{Encode(row.Words)}</text>");
            svg.Append($"<rect class=\"track\" x=\"0\" y=\"{top + 22}\" width=\"100%\" height=\"12\" rx=\"2\"/>");
            if (row.Value > 0)
                svg.Append($"<rect class=\"bar\" x=\"0\" y=\"{top + 22}\" width=\"{Percent(row.Value)}\" height=\"12\" rx=\"2\"/>");
            if (row.Interval is { } interval)
                svg.Append(Whisker(Percent(interval.Low), Percent(interval.High), top + 28));
        }

        return (rows.Count * Row, svg.ToString());
    }

    /// <summary>Availabilities with their intervals on a scale of nines, and the target.</summary>
    public static (double Height, string Svg) Nines(IReadOnlyList<(string Label, double Availability, double Low, double High, string Words)> rows, double? target)
    {
        // Each nine is as wide as the next. One step is left on both sides of what is shown.
        static double NinesOf(double availability) => Math.Clamp(-Math.Log10(Math.Max(1e-12, 1 - availability)), 0, 12);
        var shown = rows.SelectMany(r => new[] { NinesOf(r.Low), NinesOf(r.High) }).Concat(target is { } t ? [NinesOf(t / 100)] : []).ToList();
        var (first, last) = (Math.Floor(shown.Min()), Math.Max(Math.Ceiling(shown.Max()), Math.Floor(shown.Min()) + 2));
        string Place(double availability) => Number(Math.Clamp((NinesOf(availability) - first) / (last - first), 0, 1) * 100) + "%";
        var bottom = 24 + (rows.Count * Row);
        var svg = new StringBuilder();
        for (var nines = first; nines <= last; nines++)
        {
            var (x, anchor) = (Number((nines - first) / (last - first) * 100) + "%", nines == first ? "start" : nines == last ? "end" : "middle");
            var name = nines switch { 0 => "0 %", 1 => "90 %", 2 => "99 %", _ => "99." + new string('9', (int)nines - 2) + " %" };
            svg.Append($"<line class=\"line\" x1=\"{x}\" x2=\"{x}\" y1=\"20\" y2=\"{bottom}\"/><text class=\"soft\" x=\"{x}\" y=\"{bottom + 16}\" text-anchor=\"{anchor}\">{name}</text>");
        }

        if (target is { } wanted)
        {
            var x = Place(wanted / 100);
            var anchor = x.StartsWith('9') || x.StartsWith("100", StringComparison.Ordinal) ? "end" : x.Length < 4 ? "start" : "middle";
            svg.Append($"<line class=\"target\" x1=\"{x}\" x2=\"{x}\" y1=\"16\" y2=\"{bottom}\"/><text class=\"targettext\" x=\"{x}\" y=\"12\" text-anchor=\"{anchor}\">promised {Number(wanted)} %</text>");
        }

        for (var i = 0; i < rows.Count; i++)
        {
            var (row, top) = (rows[i], 24 + (i * Row));
            svg.Append($"<text x=\"0\" y=\"{top + 14}\">{Encode(row.Label)}</text><text x=\"100%\" y=\"{top + 14}\" text-anchor=\"end\" class=\"soft\">{Encode(row.Words)}</text>");
            svg.Append(Whisker(Place(row.Low), Place(row.High), top + 28));
            svg.Append($"<circle class=\"dot\" cx=\"{Place(row.Availability)}\" cy=\"{top + 28}\" r=\"6\"/>");
        }

        return (bottom + 22, svg.ToString());
    }

    /// <summary>Steps one after another, each where it was in time.</summary>
    public static (double Height, string Svg) Timeline(IReadOnlyList<(string Label, double Start, double Length, string Words, bool IsBad)> steps, IReadOnlyList<(string Label, double At)> marks)
    {
        var end = Math.Max(steps.Select(s => s.Start + s.Length).Concat(marks.Select(m => m.At)).DefaultIfEmpty(0).Max(), 1e-9);
        string Place(double seconds) => Number(Math.Clamp(seconds / end, 0, 1) * 100) + "%";
        var svg = new StringBuilder();
        for (var i = 0; i < steps.Count; i++)
        {
            var (step, top) = (steps[i], i * Row);
            svg.Append($"<text x=\"0\" y=\"{top + 15}\">{Encode(step.Label)}</text><text x=\"100%\" y=\"{top + 15}\" text-anchor=\"end\" class=\"soft\">{Encode(step.Words)}</text>");
            svg.Append($"<rect class=\"track\" x=\"0\" y=\"{top + 22}\" width=\"100%\" height=\"12\" rx=\"2\"/>");
            // The shortest step is still seen.
            var left = Math.Clamp(step.Start / end, 0, 0.995) * 100;
            var width = Math.Min(Math.Max(step.Length / end * 100, 0.5), 100 - left);
            svg.Append($"<rect class=\"{(step.IsBad ? "badbar" : "bar")}\" x=\"{Number(left)}%\" y=\"{top + 22}\" width=\"{Number(width)}%\" height=\"12\"/>");
        }

        var bottom = steps.Count * Row;
        foreach (var (label, at) in marks)
        {
            bottom += 22;
            var share = at / end;
            svg.Append($"<line class=\"target\" x1=\"{Place(at)}\" x2=\"{Place(at)}\" y1=\"0\" y2=\"{bottom - 6}\"/>");
            svg.Append($"<text class=\"targettext\" x=\"{Place(at)}\" y=\"{bottom + 8}\" text-anchor=\"{(share > 0.7 ? "end" : share < 0.3 ? "start" : "middle")}\">{Encode(label)}</text>");
        }

        return (bottom + 14, svg.ToString());
    }

    /// <summary>How much of a fleet each cause takes at once at most: a hundred cells, of which so many are struck.</summary>
    public static (double Height, string Svg) Cells(IReadOnlyList<(string Label, double Share, string Words)> rows)
    {
        const int Columns = 25;
        const int Side = 10;
        const int Each = 22 + (4 * (Side + 2)) + 14;
        var svg = new StringBuilder();
        for (var i = 0; i < rows.Count; i++)
        {
            var (row, top) = (rows[i], i * Each);
            svg.Append($"<text x=\"0\" y=\"{top + 15}\">{Encode(row.Label)}</text><text x=\"100%\" y=\"{top + 15}\" text-anchor=\"end\" class=\"soft\">{Encode(row.Words)}</text>");
            var struck = row.Share > 0 ? Math.Max(1, (int)Math.Round(row.Share * 100)) : 0;
            for (var cell = 0; cell < 100; cell++)
                svg.Append($"<rect class=\"{(cell < struck ? "hit" : "cell")}\" x=\"{cell % Columns * (Side + 2)}\" y=\"{top + 22 + (cell / Columns * (Side + 2))}\" width=\"{Side}\" height=\"{Side}\"/>");
        }

        return (rows.Count * Each, svg.ToString());
    }

    private static string Whisker(string low, string high, int y) =>
        $"<line class=\"whisker\" x1=\"{low}\" x2=\"{high}\" y1=\"{y}\" y2=\"{y}\"/><line class=\"whisker\" x1=\"{low}\" x2=\"{low}\" y1=\"{y - 5}\" y2=\"{y + 5}\"/><line class=\"whisker\" x1=\"{high}\" x2=\"{high}\" y1=\"{y - 5}\" y2=\"{y + 5}\"/>";
}
