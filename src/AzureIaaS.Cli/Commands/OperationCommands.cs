using System.CommandLine;

namespace AzureIaaS.Cli.Commands;

internal static class OperationCommands
{
    public static Command Create()
    {
        var command = new Command("operation", "See, resume or undo long work that was cut off.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Resume());
        command.Subcommands.Add(Undo());
        return command;
    }

    private static Command List()
    {
        var all = new Option<bool>("--all", "-a") { Description = "Those that have ended too." };
        var command = new Command("list", "List operations that have not ended.");
        command.Options.Add(all);
        command.SetAction(CommandRun.Of(run =>
        {
            foreach (var operation in run.Session.ListOperations(run.Parsed.GetValue(all)))
                run.Output.Write(operation, CoreJson.Default.Operation);
            return Task.CompletedTask;
        }));
        return command;
    }

    private static Command Resume()
    {
        var id = Id();
        var command = new Command("resume", "Go on with operations where they were cut off.");
        command.Arguments.Add(id);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var operation in Chosen(run, id))
            {
                await run.TryAsync(async () =>
                {
                    if (await run.Session.ResumeOperationAsync(operation, run.Notices, run.Cancellation) is { } machine)
                        run.Output.Write(machine, CoreJson.Default.VirtualMachine);
                });
            }
        }));
        return command;
    }

    private static Command Undo()
    {
        var id = Id();
        var command = new Command("undo", "Give operations up; nothing of them is left.");
        command.Arguments.Add(id);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var operation in Chosen(run, id))
                await run.TryAsync(() => run.Session.UndoOperationAsync(operation, run.Notices));
        }));
        return command;
    }

    private static Argument<Guid[]> Id() => new("id") { Description = "The operations' ids; all that were cut off when left out.", Arity = ArgumentArity.ZeroOrMore };

    private static IEnumerable<Guid> Chosen(CommandRun run, Argument<Guid[]> argument) =>
        run.Parsed.GetValue(argument) is { Length: > 0 } ids ? ids
        : run.Session.ListOperations(includeEnded: false).Where(o => o.State is OperationState.Interrupted or OperationState.UndoInterrupted).Select(o => o.Id);
}
