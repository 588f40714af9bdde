using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Simulation;

namespace AzureIaaS.Reports;

/// <summary>The forms a report can have.</summary>
public enum ReportFormat
{
    /// <summary>One page that needs nothing else.</summary>
    Html,

    /// <summary>Markdown.</summary>
    Markdown,

    /// <summary>Comma-separated values.</summary>
    Csv,
}

/// <summary>Writes forecasts, failovers and farms as files for people.</summary>
public static class ReportFile
{
    /// <summary>The form that a file's name asks for.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IaaSException">It asks for none.</exception>
    public static ReportFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".HTML" or ".HTM" => ReportFormat.Html,
        ".MD" or ".MARKDOWN" => ReportFormat.Markdown,
        ".CSV" => ReportFormat.Csv,
        _ => throw new IaaSException(ErrorKind.InvalidArgument, "UnknownReportFormat", $"What '{Path.GetFileName(path)}' should be cannot be told from its name.", "End it with .html, .md or .csv, or say -Format.", path),
    };

    /// <summary>Writes what was collected: one forecast, or failovers, or machines and hosts.</summary>
    /// <param name="items">The forecast, the failovers, the machines and hosts.</param>
    /// <param name="format">The form.</param>
    /// <returns>The file's text.</returns>
    /// <exception cref="IaaSException">There is nothing, or too much at once.</exception>
    public static string Render(IReadOnlyCollection<object> items, ReportFormat format)
    {
        var forecasts = items.OfType<AvailabilityReport>().ToList();
        var failovers = items.OfType<FailoverReport>().ToList();
        var (machines, hosts) = (items.OfType<VirtualMachine>().ToList(), items.OfType<FabricHost>().ToList());
        var kinds = (forecasts.Count > 0 ? 1 : 0) + (failovers.Count > 0 ? 1 : 0) + (machines.Count + hosts.Count > 0 ? 1 : 0);
        if (kinds == 0)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "NothingToReport", "There is nothing to report.",
                "Pipe in what Measure-IaaSAvailability, Invoke-IaaSFailover, Get-IaaSFailover, Get-IaaSVm or Get-IaaSHost give.");
        }

        if (kinds > 1 || forecasts.Count > 1)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "ReportMixed", forecasts.Count > 1 ? $"{forecasts.Count} forecasts do not go into one report." : "Forecasts, failovers and machines do not go into one report.",
                "Export each to a file of its own; -Baseline compares two forecasts.");
        }

        return (format, forecasts.Count, failovers.Count) switch
        {
            (ReportFormat.Html, 1, _) => AvailabilityPage.Write(forecasts[0]),
            (ReportFormat.Markdown, 1, _) => MarkdownReport.Write(forecasts[0]),
            (_, 1, _) => CsvReport.Write(forecasts[0]),
            (ReportFormat.Html, _, > 0) => FailoverPage.Write(failovers),
            (ReportFormat.Markdown, _, > 0) => MarkdownReport.Write(failovers),
            (_, _, > 0) => CsvReport.Write(failovers),
            (ReportFormat.Html, _, _) => FarmPage.Write(machines, hosts),
            (ReportFormat.Markdown, _, _) => MarkdownReport.Write(machines, hosts),
            _ => CsvReport.Write(machines, hosts),
        };
    }

    /// <summary>Writes a report's file: the whole of it, or nothing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">Its text.</param>
    /// <param name="overwrite">Whether a file that is there may be replaced.</param>
    /// <exception cref="IaaSException">The file is there already, or cannot be written.</exception>
    public static void Save(string path, string text, bool overwrite)
    {
        if (Directory.Exists(path))
            throw new IaaSException(ErrorKind.InvalidArgument, "ReportPathIsFolder", $"{path} is a folder.", "Name a file in it, such as report.html.", path);
        if (!overwrite && File.Exists(path))
            throw new IaaSException(ErrorKind.AlreadyExists, "ReportExists", $"{path} is there already.", "Leave -NoClobber away to replace it, or choose another name.", path);
        var part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            File.WriteAllText(part, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(part, path, overwrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(e is UnauthorizedAccessException ? ErrorKind.AccessDenied : ErrorKind.Failed, "ReportNotWritten", $"{path} cannot be written: {e.Message}", "Check the folder, the permissions and the disk.", path, e);
        }
        finally
        {
            if (File.Exists(part))
                File.Delete(part);
        }
    }
}
