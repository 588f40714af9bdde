using System.Text.Json;
using AzureIaaS.Simulation;

namespace AzureIaaS.Cli;

/// <summary>Reads what iaas printed as JSON lines: forecasts, failovers, machines and hosts, told apart by what they have.</summary>
internal static class ReportInput
{
    private const int LongestLine = 64 << 20;   // a forecast of ten thousand machines is a few MiB
    private const string Remedy = "Pipe in what iaas measure, failover, list or host list print: iaas measure ... | iaas report report.html.";

    /// <summary>Everything on standard input; nothing when it is a terminal.</summary>
    public static List<object> ReadStandardInput() => Console.IsInputRedirected ? Read(Console.In, "standard input") : [];

    /// <summary>The forecast in a file.</summary>
    public static AvailabilityReport ReadForecast(string path) => ReadFile(path).OfType<AvailabilityReport>().FirstOrDefault()
        ?? throw new IaaSException(ErrorKind.InvalidData, "NoForecast", $"{path} holds no forecast.", "Make one: iaas measure ... > before.json.", path);

    /// <summary>The first report in a file.</summary>
    public static object ReadFirst(string path) => ReadFile(path).FirstOrDefault()
        ?? throw new IaaSException(ErrorKind.InvalidData, "NoReport", $"{path} holds no report.", "Make one: iaas failover web01 --list > drills.json.", path);

    private static List<object> ReadFile(string path)
    {
        if (!File.Exists(path))
            throw new IaaSException(ErrorKind.NotFound, "ReportNotFound", $"There is no file '{path}'.", "Make one: iaas measure ... > before.json.", path);
        using var reader = File.OpenText(path);
        return Read(reader, path);
    }

    private static List<object> Read(TextReader reader, string where)
    {
        var found = new List<object>();
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            if (line.Length > LongestLine)
                throw Wrong(where, number, "is far too long");
            try
            {
                found.Add(Of(line) ?? throw Wrong(where, number, "is nothing to report"));
            }
            catch (JsonException e)
            {
                throw Wrong(where, number, "is no JSON", e);
            }
        }

        return found;
    }

    private static object? Of(string line)
    {
        using var json = JsonDocument.Parse(line);
        bool Has(string name) => json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out _);
        return Has("Fingerprint") ? json.RootElement.Deserialize(CoreJson.Default.AvailabilityReport)
            : Has("VmName") && Has("Trigger") ? json.RootElement.Deserialize(CoreJson.Default.FailoverReport)
            : Has("FaultDomain") ? json.RootElement.Deserialize(CoreJson.Default.FabricHost)
            : Has("Disks") ? json.RootElement.Deserialize(CoreJson.Default.VirtualMachine)
            : null;
    }

    private static IaaSException Wrong(string where, int line, string what, Exception? inner = null) =>
        new(ErrorKind.InvalidData, "ReportInputInvalid", $"Line {line} of {where} {what}.", Remedy, where, inner);
}
