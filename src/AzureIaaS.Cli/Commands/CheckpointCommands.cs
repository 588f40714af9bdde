using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class CheckpointCommands
{
    private static readonly Argument<string> Vm = new("vm") { Description = "The machine's name or id." };
    private static readonly Argument<string> Name = new("checkpoint") { Description = "The checkpoint's name." };

    public static Command Create()
    {
        var command = new Command("checkpoint", "Keep states of machines under a name, and go back to them.");
        var memory = new Option<bool>("--memory", "-m") { Description = "Keep the memory too: restoring goes on in the middle of the run." };
        command.Subcommands.Add(Make("list", "List a machine's checkpoints.", [Vm], [], (run, machine) =>
        {
            foreach (var checkpoint in machine.Checkpoints.Where(c => !c.IsTemporary))
                run.Output.Write(checkpoint, CoreJson.Default.VmCheckpoint);
            return Task.CompletedTask;
        }));
        command.Subcommands.Add(Make("add", "Keep a machine's state.", [Vm, Name], [memory], async (run, machine) => run.Output.Write(
            await Provider(run).CreateCheckpointAsync(machine.Id, run.Parsed.GetValue(Name)!, run.Parsed.GetValue(memory), run.Notices, run.Cancellation), CoreJson.Default.VmCheckpoint)));
        command.Subcommands.Add(Make("restore", "Take a machine that does not run back to a state that was kept; what it has done since is lost.", [Vm, Name], [], async (run, machine) => run.Output.Write(
            run.Session.Mark(await Provider(run).RestoreCheckpointAsync(machine.Id, Find(run, machine).Id, run.Notices, run.Cancellation)), CoreJson.Default.VirtualMachine)));
        command.Subcommands.Add(Make("remove", "Forget a state that was kept.", [Vm, Name], [],
            (run, machine) => Provider(run).RemoveCheckpointAsync(machine.Id, Find(run, machine).Id, run.Notices, run.Cancellation)));
        return command;
    }

    private static ICheckpointProvider Provider(CommandRun run) => run.Ability<ICheckpointProvider>("checkpoints");

    private static VmCheckpoint Find(CommandRun run, VirtualMachine machine)
    {
        var name = run.Parsed.GetValue(Name)!;
        return machine.Checkpoints.FirstOrDefault(c => !c.IsTemporary && c.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "CheckpointNotFound", $"{machine.Name} has no checkpoint '{name}'.", "Get-IaaSVmCheckpoint shows those it has.", name);
    }

    private static Command Make(string name, string description, Argument[] arguments, Option[] options, Func<CommandRun, VirtualMachine, Task> work)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments)
            command.Arguments.Add(argument);
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue(Vm)!, run.Cancellation))
                await work(run, machine);
        }));
        return command;
    }
}
