using System.CommandLine;
using System.Globalization;
using AzureIaaS.Providers;
using AzureIaaS.Simulation;

namespace AzureIaaS.Cli.Commands;

internal static class MeasureCommand
{
    private static readonly Argument<string[]> Machines = new("vm") { Description = "Machines of the fabric, on its hosts: names (with * and ?) or ids.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Model = new("--model", "-m") { Description = "A model: a .psd1 or JSON file.", HelpName = "file" };
    private static readonly Option<int?> VmCount = new("--vm-count") { Description = "How many machines there are." };
    private static readonly Option<int?> HostCount = new("--host-count") { Description = "How many hosts there are." };
    private static readonly Option<int?> FaultDomain = new("--fault-domain") { Description = "Over how many fault domains the hosts are spread." };
    private static readonly Option<int?> UpdateDomain = new("--update-domain") { Description = "Over how many update domains the hosts are spread." };
    private static readonly Option<string[]> Application = new("--application", "-a") { Description = "An application and what it requires: 'Web=1 of sp-web'.", HelpName = "name=requires" };
    private static readonly Option<double?> Sla = new("--sla") { Description = "The promised availability in percent of a month.", HelpName = "percent" };
    private static readonly Option<string[]> Setting = new("--setting", "-s") { Description = "Another setting of the model: 'Failures.Host=3 y'.", HelpName = "name=value" };
    private static readonly Option<string?> Baseline = new("--baseline") { Description = "A former forecast to compare with: a file with what iaas measure printed as JSON.", HelpName = "file" };
    private static readonly Option<double> Years = new("--years") { Description = "The years of each replication.", DefaultValueFactory = _ => 10 };
    private static readonly Option<int?> Replications = new("--replication-count") { Description = "How many replications are run; as many as the precision needs when left out." };
    private static readonly Option<double?> Precision = new("--precision") { Description = "Run until half the interval's width is at most this share of the downtime, as 0.05." };
    private static readonly Option<long> Seed = new("--seed") { Description = "The seed: the same seed gives the same forecast.", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool?> Sensitivity = new("--sensitivity") { Description = "Find out what would make it better, however long it takes; false does not look." };

    public static Command Create()
    {
        var command = new Command("measure", "Forecast how available a fleet will be, and what would make it better; touches nothing.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { Model, VmCount, HostCount, FaultDomain, UpdateDomain, Application, Sla, Setting, Baseline, Years, Replications, Precision, Seed, Sensitivity })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var (request, file, baseline) = await RequestAsync(run);
            var options = new SimulationOptions
            {
                Years = run.Parsed.GetValue(Years),
                Replications = run.Parsed.GetValue(Replications),
                Precision = run.Parsed.GetValue(Precision),
                Seed = run.Parsed.GetValue(Seed),
                Sensitivity = run.Parsed.GetValue(Sensitivity),
                Baseline = baseline,
                Notices = run.Notices,
            };
            var report = await Task.Run(() => Simulator.Measure(request.Model(), options, file, run.Cancellation), run.Cancellation);
            run.Output.Write(report, CoreJson.Default.AvailabilityReport);
        }));
        return command;
    }

    private static async Task<(FleetRequest Request, string? File, AvailabilityReport? Baseline)> RequestAsync(CommandRun run)
    {
        var parsed = run.Parsed;
        var file = parsed.GetValue(Model);
        var baseline = parsed.GetValue(Baseline) is { } path ? ReportInput.ReadForecast(path) : null;
        var machines = new List<VirtualMachine>();
        foreach (var name in parsed.GetValue(Machines) ?? [])
            machines.AddRange(await run.Session.ResolveAsync(name, run.Cancellation));
        if (file is null && baseline is null && machines.Count == 0 && (parsed.GetValue(VmCount) is null || parsed.GetValue(HostCount) is null))
            throw new IaaSException(ErrorKind.InvalidArgument, "FleetNotGiven", "It was not said what to measure.", "Give -VmCount and -HostCount, a -Model, or names of machines.");
        var request = new FleetRequest
        {
            Base = file is not null ? ModelFile.Read(file) : machines.Count > 0 ? null : baseline?.Model,
            VmCount = parsed.GetValue(VmCount),
            HostCount = parsed.GetValue(HostCount),
            FaultDomains = parsed.GetValue(FaultDomain),
            UpdateDomains = parsed.GetValue(UpdateDomain),
            Machines = machines,
            Hosts = machines.Count > 0 && run.Session.Provider is IHostProvider hosts ? [.. hosts.ListHosts()] : [],
            Applications = Pairs(parsed.GetValue(Application), "Web=1 of sp-web"),
            Sla = parsed.GetValue(Sla),
            Settings = Pairs(parsed.GetValue(Setting), "Failures.Host=3 y"),
        };
        return (request, file, baseline);
    }

    private static Dictionary<string, object?>? Pairs(string[]? texts, string example)
    {
        if (texts is not { Length: > 0 })
            return null;
        var pairs = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var text in texts)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at < 1)
                throw new IaaSException(ErrorKind.InvalidArgument, "NotAPair", $"'{text}' is no name with a value.", $"Write it as '{example}'.", text);
            var value = text[(at + 1)..].Trim();
            pairs[text[..at].Trim()] = bool.TryParse(value, out var truth) ? truth : double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : value;
        }

        return pairs;
    }
}
