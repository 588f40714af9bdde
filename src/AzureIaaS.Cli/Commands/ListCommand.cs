using System.CommandLine;

namespace AzureIaaS.Cli.Commands;

internal static class ListCommand
{
    private static readonly Argument<string[]> Names = Shared.Names("vm", "Names (with * and ?) or ids; all machines when left out.", ArgumentArity.ZeroOrMore);

    public static Command Create()
    {
        var command = new Command("list", "List machines with their true states.");
        command.Aliases.Add("get");
        command.Arguments.Add(Names);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        var names = run.Parsed.GetValue(Names) ?? [];
        foreach (var name in names.DefaultIfEmpty("*"))
        {
            await run.TryAsync(async () =>
            {
                foreach (var machine in await run.Session.ResolveAsync(name, run.Cancellation))
                    run.Output.Write(machine, CoreJson.Default.VirtualMachine);
            });
        }
    }
}
