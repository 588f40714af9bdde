using System.CommandLine;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class ContextCommands
{
    public static Command Connect()
    {
        var path = new Option<string?>("--path") { Description = "The fabric's folder; the user's own when left out." };
        var hypervisor = new Option<HypervisorKind>("--hypervisor") { Description = "What runs the machines." };
        var name = new Option<string>("--name", "-n") { Description = "The context's name.", DefaultValueFactory = _ => IaaSContext.DefaultName };
        var command = new Command("connect", "Use a local fabric from now on, and remember it under a name.");
        command.Options.Add(path);
        command.Options.Add(hypervisor);
        command.Options.Add(name);
        command.SetAction(CommandRun.Of(run =>
        {
            var context = new IaaSContext
            {
                Name = run.Parsed.GetValue(name)!,
                Path = run.Parsed.GetValue(path) is { } given ? Path.GetFullPath(given) : ContextStore.Default().Path,
                Hypervisor = run.Parsed.GetValue(hypervisor),
            };
            using (CommandRun.Open(context))
                new ContextStore().Connect(context);
            run.Output.Write(context, CoreJson.Default.IaaSContext);
            return Task.CompletedTask;
        }));
        return command;
    }

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
