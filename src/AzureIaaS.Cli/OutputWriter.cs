using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AzureIaaS.Reports;
using AzureIaaS.Simulation;
using Spectre.Console;

namespace AzureIaaS.Cli;

/// <summary>Writes results to standard output: JSON lines at once, or a table when all of them are there.</summary>
internal sealed class OutputWriter
{
    private const int RedirectedWidth = 200;

    private readonly bool _json;
    private readonly List<object> _rows = [];

    private OutputWriter(bool json) => _json = json;

    public static OutputWriter For(OutputKind kind) => new(kind == OutputKind.Json || (kind == OutputKind.Auto && Console.IsOutputRedirected));

    public void Write<T>(T value, JsonTypeInfo<T> type)
        where T : class
    {
        if (_json)
            Console.Out.WriteLine(JsonSerializer.Serialize(value, type));
        else
            _rows.Add(value);
    }

    /// <summary>Writes the table of what was collected.</summary>
    public void Finish()
    {
        if (_rows.Count == 0)
            return;
        if (_rows[0] is AvailabilityReport)
        {
            // A forecast is no row: it has a page of its own.
            foreach (var report in _rows.OfType<AvailabilityReport>())
                Console.Out.WriteLine(TextReport.Write(report));
            return;
        }

        var (columns, cells) = Tables.For(_rows[0]);
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(column)}[/]")) { Padding = new Padding(0, 0, 2, 0), NoWrap = column != Tables.WrappedColumn });
        foreach (var row in _rows)
            table.AddRow([.. cells(row).Select(c => new Text(c))]);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (Console.IsOutputRedirected)
            console.Profile.Width = RedirectedWidth;
        console.Write(table);
    }
}
