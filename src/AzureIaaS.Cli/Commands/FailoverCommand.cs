using System.CommandLine;
using AzureIaaS.Failover;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class FailoverCommand
{
    private static readonly Argument<string[]> Machines = Shared.Machines();
    private static readonly Option<FailoverKind> Kind = new("--kind", "-k") { Description = "test is a rehearsal with a clone, planned a live migration, unplanned the loss of the host.", DefaultValueFactory = _ => FailoverKind.Test };
    private static readonly Option<string?> Target = new("--target-host") { Description = "The host to go to; placement chooses when left out." };
    private static readonly Option<string[]> Check = new("--check") { Description = "What must hold afterwards.", AllowMultipleArgumentsPerToken = true, HelpName = "process|signoflife|agent|ping" };
    private static readonly Option<int?> Port = new("--port") { Description = "The guest must listen at this TCP port of its network.", HelpName = "port" };
    private static readonly Option<string?> Pattern = new("--pattern") { Description = "A line on the console must match this regular expression.", HelpName = "regex" };
    private static readonly Option<int> CheckTimeout = new("--check-timeout") { Description = "How long each check may take.", HelpName = "seconds", DefaultValueFactory = _ => 300 };
    private static readonly Option<bool> AllowRestart = new("--allow-restart") { Description = "For planned, when it cannot be done live: shut down and start elsewhere." };
    private static readonly Option<bool> List = new("--list") { Description = "Show the reports of former failovers instead: of the machines that are named, or of all." };
    private static readonly Option<int?> Last = new("--last") { Description = "With --list: only the last so many.", HelpName = "count" };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("failover", "Rehearse or do the failover of machines, in start order; prints a report each.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { Kind, Target, Check, Pattern, Port, CheckTimeout, AllowRestart, List, Last, WhatIf })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        if (run.Parsed.GetValue(List))
        {
            await ListAsync(run);
            return;
        }

        var options = new FailoverOptions
        {
            Kind = run.Parsed.GetValue(Kind),
            TargetHost = run.Parsed.GetValue(Target),
            AllowRestart = run.Parsed.GetValue(AllowRestart),
            Checks = Checks(run),
        };
        var provider = run.Ability<IFailoverProvider>("failovers");
        foreach (var machine in (await run.MachinesAsync(Machines)).OrderBy(m => m.StartOrder).ThenBy(m => m.Name, StringComparer.OrdinalIgnoreCase))
            await run.TryAsync(() => FailOverAsync(run, provider, machine, options));
    }

    private static async Task ListAsync(CommandRun run)
    {
        var names = run.Parsed.GetValue(Machines) ?? [];
        var reports = new List<FailoverReport>();
        if (names.Length == 0)
            reports.AddRange(run.Session.Store.Reports.List(null));
        foreach (var machine in names.Length == 0 ? [] : await run.MachinesAsync(Machines))
            reports.AddRange(run.Session.Store.Reports.List(machine.Id));
        foreach (var report in reports.OrderBy(r => r.Started).TakeLast(run.Parsed.GetValue(Last) ?? reports.Count))
            run.Output.Write(report, CoreJson.Default.FailoverReport);
    }

    private static async Task FailOverAsync(CommandRun run, IFailoverProvider provider, VirtualMachine machine, FailoverOptions options)
    {
        if (run.IsWhatIf(WhatIf, $"{options.Kind} failover of {machine.Name} from {machine.Host ?? "no host"} to {provider.PreviewFailover(machine.Id, options).Reason}"))
            return;

        var report = await provider.FailOverAsync(machine.Id, options, run.Notices, run.Cancellation);
        run.Output.Write(report, CoreJson.Default.FailoverReport);
        if (report.Outcome != FailoverOutcome.Succeeded)
            throw new IaaSException(ErrorKind.Failed, "FailoverFailed", $"The {options.Kind} failover of {machine.Name} failed: {report.Error}", "Its report has the steps and checks.", machine.Name);
    }

    private static List<FailoverCheck> Checks(CommandRun run)
    {
        var timeout = TimeSpan.FromSeconds(run.Parsed.GetValue(CheckTimeout));
        var checks = (run.Parsed.GetValue(Check) ?? []).Select(name => name.ToUpperInvariant() switch
        {
            "PROCESS" => (FailoverCheck)new ProcessCheck { Timeout = timeout },
            "SIGNOFLIFE" => new SignOfLifeCheck { Timeout = timeout },
            "AGENT" => new AgentCheck { Timeout = timeout },
            "PING" => new PingCheck { Timeout = timeout },
            _ => throw new IaaSException(ErrorKind.InvalidArgument, "UnknownCheck", $"'{name}' is no check.", "Use process, signoflife, agent or ping; a line on the console with --pattern, a port with --port.", name),
        }).ToList();
        if (run.Parsed.GetValue(Pattern) is { } pattern && WaitCommand.PatternOf(pattern) is not null)
            checks.Add(new ConsoleCheck(pattern) { Timeout = timeout });
        if (run.Parsed.GetValue(Port) is { } port)
            checks.Add(new PortCheck(port) { Timeout = timeout });
        return checks;
    }
}
