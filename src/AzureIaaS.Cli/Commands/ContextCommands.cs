using System.CommandLine;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class ContextCommands
{
    public static Command Disconnect()
    {
        var name = new Argument<string?>("name") { Description = "The context's name; the current one when left out.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("disconnect", "Forget a context. Its machines stay where they are, and go on running.");
        command.Arguments.Add(name);
        command.SetAction(CommandRun.Of(run =>
        {
            var contexts = new ContextStore();
            run.Output.Write(contexts.Disconnect(run.Parsed.GetValue(name) ?? contexts.Current.Name), CoreJson.Default.IaaSContext);
            return Task.CompletedTask;
        }));
        return command;
    }

    public static Command List()
    {
        var command = new Command("context", "List the contexts there are.");
        command.SetAction(CommandRun.Of(run =>
        {
            foreach (var context in new ContextStore().List())
                run.Output.Write(context, CoreJson.Default.IaaSContext);
            return Task.CompletedTask;
        }));
        return command;
    }
}
