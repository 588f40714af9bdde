using System.CommandLine;
using System.Text.RegularExpressions;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class StartCommand
{
    private static readonly Argument<string[]> Machines = Shared.Machines();
    private static readonly Option<bool> Wait = new("--wait", "-w") { Description = "Wait for the guest's first own sign of life." };
    private static readonly Option<string?> Pattern = new("--pattern") { Description = "With --wait: wait for a line on the console that matches this regular expression.", HelpName = "regex" };
    private static readonly Option<int> Timeout = Shared.Timeout(300, "With --wait: how long to wait.");
    private static readonly Option<bool> Overcommit = new("--overcommit") { Description = "Start even when the guests' memory exceeds what this computer has." };
    private static readonly Option<string[]> Publish = new("--publish-port", "-p") { Description = "Reach a port of the machine at one of this computer's: 8080:80. In Azure, at its public address: 443. None publishes none any more.", HelpName = "port:port" };
    private static readonly Option<string[]> From = new("--publish-from") { Description = "In Azure: who may come to the published ports, such as 198.51.100.0/24; Internet for everybody.", HelpName = "range" };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("start", "Start machines, each on a host that has room for it.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { Wait, Pattern, Timeout, Overcommit, Publish, From, WhatIf })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        var pattern = WaitCommand.PatternOf(run.Parsed.GetValue(Pattern));
        foreach (var machine in await run.MachinesAsync(Machines))
            await run.TryAsync(() => StartAsync(run, machine, pattern));
    }

    private static async Task StartAsync(CommandRun run, VirtualMachine machine, Regex? pattern)
    {
        var options = new StartOptions
        {
            Overcommit = run.Parsed.GetValue(Overcommit),
            Publish = run.Parsed.GetValue(Publish) switch
            {
                null or { Length: 0 } => null,
                [var none] when none.Equals("none", StringComparison.OrdinalIgnoreCase) => [],
                var ports => [.. ports.Select(PublishedPort.Parse)],
            },
            PublishFrom = run.Parsed.GetValue(From) ?? [],
        };
        if (run.Parsed.GetValue(WhatIf))
        {
            var where = run.Session.Provider is IPlacementPreview preview ? " on " + preview.PreviewPlacement(machine.Id, options).Reason : ".";
            run.Notices.Report(Notice.Warning($"What if: {machine.Name} would be started{where}"));
            return;
        }

        machine = await run.Session.Provider.StartAsync(machine.Id, options, run.Notices, run.Cancellation);
        if (run.Parsed.GetValue(Wait))
        {
            var wait = new WaitOptions { For = WaitFor.SignOfLife, Pattern = pattern, Timeout = TimeSpan.FromSeconds(run.Parsed.GetValue(Timeout)) };
            var result = await run.Session.Provider.WaitAsync(machine.Id, wait, run.Notices, run.Cancellation);
            if (!result.Seen)
                run.Notices.Report(Notice.Warning(result.Evidence));
            machine = result.Machine;
        }

        run.Output.Write(run.Session.Mark(machine), CoreJson.Default.VirtualMachine);
    }
}
