using System.CommandLine;

namespace AzureIaaS.Cli.Commands;

internal static class ConsoleCommand
{
    private static readonly Argument<string> Machine = new("vm") { Description = "The machine's name or id." };
    private static readonly Option<int?> Tail = new("--tail", "-t") { Description = "Only the last lines.", HelpName = "lines" };
    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on with new lines until interrupted." };

    public static Command Create()
    {
        var command = new Command("console", "Show the lines of a machine's serial console.");
        command.Arguments.Add(Machine);
        command.Options.Add(Tail);
        command.Options.Add(Follow);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue(Machine)!, run.Cancellation))
        {
            var lines = run.Session.Provider.ReadConsoleAsync(machine.Id, run.Parsed.GetValue(Tail), run.Parsed.GetValue(Follow), run.Cancellation);
            await foreach (var line in lines)
                Console.Out.WriteLine(line);
        }
    }
}
