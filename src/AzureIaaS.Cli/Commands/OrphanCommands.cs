using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class OrphanCommands
{
    private const string What = "anything that could be left behind";

    public static Command Create()
    {
        var command = new Command("orphan", "What machines and imports have left behind in Azure: list it, remove it.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Remove());
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "List what was left behind.");
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var orphan in await run.Ability<IOrphanProvider>(What).ListOrphansAsync(run.Cancellation))
            {
                orphan.Context = run.Session.Context.Name;
                run.Output.Write(orphan, CoreJson.Default.Orphan);
            }
        }));
        return command;
    }

    private static Command Remove()
    {
        var ids = Shared.Names("id", "Their full names in the cloud, as orphan list gives them.", ArgumentArity.OneOrMore);
        var whatIf = Shared.WhatIf();
        var command = new Command("remove", "Remove what was left behind.");
        command.Arguments.Add(ids);
        command.Options.Add(whatIf);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var id in run.Parsed.GetValue(ids)!)
            {
                await run.TryAsync(async () =>
                {
                    if (!run.IsWhatIf(whatIf, $"{id} would be removed."))
                        await run.Ability<IOrphanProvider>(What).RemoveOrphanAsync(id, run.Notices, run.Cancellation);
                });
            }
        }));
        return command;
    }
}
