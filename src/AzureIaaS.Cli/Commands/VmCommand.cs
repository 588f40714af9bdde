using System.CommandLine;

namespace AzureIaaS.Cli.Commands;

/// <summary>A command whose first argument is a machine, or a pattern for several: each has its turn, whatever became of the one before.</summary>
internal static class VmCommand
{
    public static Argument<string> Vm() => new("vm") { Description = "The machine's name or id, or a pattern with * and ?." };

    public static Command Create(string name, string description, Argument[] arguments, Option[] options, Func<CommandRun, VirtualMachine, Task> work)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments)
            command.Arguments.Add(argument);
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue((Argument<string>)arguments[0])!, run.Cancellation))
                await run.TryAsync(() => work(run, machine));
        }));
        return command;
    }
}
