using System.Globalization;
using System.Net;
using System.Text;

namespace AzureIaaS.Reports;

/// <summary>Writes a report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere.</summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _html = new();
    private readonly string _title;
    private int _charts;

    public HtmlWriter(string title) => _title = title;

    /// <summary>Text that is shown as it is.</summary>
    public static string Encode(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A number for an attribute.</summary>
    public static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    public HtmlWriter Raw(string html)
    {
        _html.AppendLine(html);
        return this;
    }

    public HtmlWriter Heading(string text) => Raw($"<h2>{Encode(text)}</h2>");

    public HtmlWriter Text(string text, string? kind = null) => Raw($"<p{(kind is null ? "" : $" class=\"{kind}\"")}>{Encode(text)}</p>");

    /// <summary>A table: its caption, its columns (a name that begins with &gt; is of numbers), its rows.</summary>
    public HtmlWriter Table(string caption, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Raw($"<div class=\"scroll\" role=\"region\" aria-label=\"{Encode(caption)}\" tabindex=\"0\"><table><caption>{Encode(caption)}</caption><thead><tr>");
        foreach (var column in columns)
            _html.Append($"<th scope=\"col\"{Align(column)}>{Encode(column.TrimStart('>'))}</th>");
        Raw("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            _html.Append("<tr>");
            for (var i = 0; i < row.Count; i++)
                _html.Append(i == 0 ? $"<th scope=\"row\">{Encode(row[i])}</th>" : $"<td{Align(columns[i])}>{Encode(row[i])}</td>");
            Raw("</tr>");
        }

        return Raw("</tbody></table></div>");
    }

    /// <summary>A picture with its caption; who cannot see it is told what it shows.</summary>
    public HtmlWriter Chart(string caption, string description, double height, string svg)
    {
        var id = ++_charts;
        return Raw($"<figure><svg role=\"img\" aria-labelledby=\"c{id}t c{id}d\" width=\"100%\" height=\"{Number(height)}\"><title id=\"c{id}t\">{Encode(caption)}</title><desc id=\"c{id}d\">{Encode(description)}</desc>{svg}</svg>")
            .Raw($"<figcaption>{Encode(caption)}</figcaption></figure>");
    }

    /// <summary>Something long that is shown when asked for, and in print not at all.</summary>
    public HtmlWriter Folded(string summary, string text) => Raw($"<details><summary>{Encode(summary)}</summary><pre tabindex=\"0\">{Encode(text)}</pre></details>");

    public string Page() => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <meta name="color-scheme" content="light dark">
        <title>{Encode(_title)}</title>
        <link rel="icon" href="data:,">
        <style>
        {Style}
        </style>
        </head>
        <body>
        <main>
        {_html}
        </main>
        </body>
        </html>

        """;

    private static string Align(string column) => column.StartsWith('>') ? " class=\"n\"" : "";

    private const string Style = """
        :root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --page: #ffffff; --card: #f6f8fa; --bar: #0b5cad; --track: #e3e9f0; --good: #116329; --bad: #a40e26; --mark: #8a4600; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #a5b0bc; --line: #3a434d; --page: #0d1117; --card: #161b22; --bar: #6cb0f5; --track: #26303b; --good: #5fd17a; --bad: #ff8f8a; --mark: #f0b072; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: break-word; }
        h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
        h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
        p { margin: .5rem 0; max-width: 48rem; }
        .sub { color: var(--soft); }
        .answer { background: var(--card); border-left: 4px solid var(--bar); padding: .8rem 1rem; font-size: 1.1rem; }
        .note { border-left: 4px solid var(--mark); padding-left: .8rem; }
        .cards { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; padding: 0; margin: 1rem 0; }
        .cards li { flex: 1 1 9rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; }
        .cards b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
        .cards span { color: var(--soft); font-size: .9rem; }
        figure { margin: 1rem 0; }
        figcaption, caption { color: var(--soft); font-size: .9rem; text-align: left; }
        svg { display: block; overflow: visible; font-size: 14px; }
        svg text { fill: var(--ink); }
        svg .soft { fill: var(--soft); font-size: 12px; }
        svg .bar { fill: var(--bar); } svg .track { fill: var(--track); } svg .badbar { fill: var(--bad); }
        svg .line { stroke: var(--line); } svg .whisker { stroke: var(--ink); stroke-width: 2; } svg .target { stroke: var(--mark); stroke-width: 2; stroke-dasharray: 5 4; }
        svg .targettext { fill: var(--mark); font-size: 12px; } svg .dot { fill: var(--bar); stroke: var(--page); stroke-width: 2; } svg .cell { fill: var(--track); stroke: var(--soft); stroke-width: .5; } svg .hit { fill: var(--bad); stroke: var(--ink); stroke-width: .5; }
        .scroll { overflow-x: auto; margin: .75rem 0; }
        table { border-collapse: collapse; width: 100%; font-size: .92rem; }
        caption { padding-bottom: .3rem; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; }
        thead th { font-weight: 600; }
        .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); padding: .8rem; font-size: .8rem; }
        code { overflow-wrap: anywhere; }
        summary { cursor: pointer; }
        :focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
        @media print { :root { --ink: #000; --soft: #444; --page: #fff; --card: #fff; --bar: #0b5cad; --track: #e3e9f0; --line: #bbb; --bad: #a40e26; --mark: #8a4600; } main { max-width: none; padding: 0; } figure, tr, .cards li { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; } details { display: none; } }
        """;
}
