using System.CommandLine;
using System.Text.RegularExpressions;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class WaitCommand
{
    private static readonly Argument<string[]> Machines = Shared.Machines();
    private static readonly Option<WaitFor> For = new("--for") { Description = "What to wait for.", DefaultValueFactory = _ => WaitFor.SignOfLife };
    private static readonly Option<string?> Pattern = new("--pattern") { Description = "For console: the regular expression that a line must match.", HelpName = "regex" };
    private static readonly Option<int> Port = new("--port") { Description = "For port: the TCP port that the guest is to listen at.", HelpName = "port" };
    private static readonly Option<int> Timeout = Shared.Timeout(300, "How long to wait.");

    public static Command Create()
    {
        var command = new Command("wait", "Wait for machines; fails when what is waited for does not come in time.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { For, Pattern, Port, Timeout })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    /// <summary>Compiles a pattern with a limit on the time it may take.</summary>
    public static Regex? PatternOf(string? text)
    {
        try
        {
            return text is null ? null : new Regex(text, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidPattern", $"'{text}' is not a regular expression: {e.Message}", "Correct the pattern; put a backslash before a character that is meant literally.", text, e);
        }
    }

    private static async Task RunAsync(CommandRun run)
    {
        var what = run.Parsed.GetValue(For);
        var pattern = PatternOf(run.Parsed.GetValue(Pattern));
        if (what == WaitFor.Console && pattern is null)
            throw new IaaSException(ErrorKind.InvalidArgument, "PatternMissing", "Waiting for the console needs a pattern.", "Give one: --for console --pattern 'login:'.");
        if (what == WaitFor.Port && run.Parsed.GetValue(Port) is < 1 or > 65535)
            throw new IaaSException(ErrorKind.InvalidArgument, "PortMissing", "Waiting for a port needs its number.", "Give one: -For Port -Port 80.");
        var options = new WaitOptions { For = what, Pattern = pattern, Port = run.Parsed.GetValue(Port), Timeout = TimeSpan.FromSeconds(run.Parsed.GetValue(Timeout)) };
        foreach (var machine in await run.MachinesAsync(Machines))
        {
            await run.TryAsync(async () =>
            {
                var result = await run.Session.Provider.WaitAsync(machine.Id, options, run.Notices, run.Cancellation);
                if (!result.Seen)
                    throw new IaaSException(ErrorKind.Timeout, "WaitTimeout", result.Evidence, "Look at its console, or wait longer with --timeout.", machine.Name);
                run.Output.Write(run.Session.Mark(result.Machine), CoreJson.Default.VirtualMachine);
            });
        }
    }
}
