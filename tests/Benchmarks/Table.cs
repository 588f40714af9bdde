namespace AzureIaaS.Benchmarks;

/// <summary>Rows as a Markdown table.</summary>
internal static class Table
{
    private static readonly string[] Heads = ["Benchmark", "What", "Ours", "Peer", "Result", "Target", ""];

    /// <summary>Writes the table.</summary>
    /// <param name="rows">Its rows.</param>
    public static string Of(IReadOnlyList<Row> rows)
    {
        var lines = rows.Select(r => new[] { r.Benchmark, r.What, r.Ours, r.Peer, r.Result, r.Target?.Text ?? "", r.Verdict }).Prepend(Heads).ToList();
        var widths = Enumerable.Range(0, Heads.Length).Select(c => Math.Max(3, lines.Max(l => l[c].Length))).ToArray();
        string Line(string[] cells) => "| " + string.Join(" | ", cells.Select((c, i) => c.PadRight(widths[i]))) + " |";
        string Rule() => "|" + string.Join("|", widths.Select(w => new string('-', w + 2))) + "|";
        return string.Join('\n', lines.Skip(1).Select(Line).Prepend(Rule()).Prepend(Line(Heads))) + "\n";
    }
}
