using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class CheckpointCommands
{
    private static readonly Argument<string> Vm = VmCommand.Vm();
    private static readonly Argument<string> Name = new("checkpoint") { Description = "The checkpoint's name." };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("checkpoint", "Keep states of machines under a name, and go back to them.");
        var memory = new Option<bool>("--memory", "-m") { Description = "Keep the memory too: restoring goes on in the middle of the run." };
        var copyTo = new Option<string?>("--copy-to") { Description = "In Azure: another region that the checkpoint is copied to, for the loss of its own." };
        command.Subcommands.Add(VmCommand.Create("list", "List a machine's checkpoints.", [Vm], [], (run, machine) =>
        {
            foreach (var checkpoint in machine.Checkpoints.Where(c => !c.IsTemporary))
                run.Output.Write(checkpoint, CoreJson.Default.VmCheckpoint);
            return Task.CompletedTask;
        }));
        command.Subcommands.Add(VmCommand.Create("add", "Keep a machine's state.", [Vm, Name], [memory, copyTo], async (run, machine) =>
        {
            var copier = run.Parsed.GetValue(copyTo) is null ? null : run.Ability<ICheckpointCopier>("copies of checkpoints in other regions");
            var (name, withMemory) = (run.Parsed.GetValue(Name)!, run.Parsed.GetValue(memory));
            var checkpoint = copier is null
                ? await Provider(run).CreateCheckpointAsync(machine.Id, name, withMemory, run.Notices, run.Cancellation)
                : await copier.CreateCopiedCheckpointAsync(machine.Id, name, withMemory, run.Parsed.GetValue(copyTo)!, run.Notices, run.Cancellation);
            run.Output.Write(checkpoint, CoreJson.Default.VmCheckpoint);
        }));
        command.Subcommands.Add(VmCommand.Create("restore", "Take a machine that does not run back to a state that was kept; what it has done since is lost.", [Vm, Name], [WhatIf], RestoreAsync));
        command.Subcommands.Add(VmCommand.Create("remove", "Forget a state that was kept.", [Vm, Name], [WhatIf], RemoveAsync));
        return command;
    }

    private static async Task RestoreAsync(CommandRun run, VirtualMachine machine)
    {
        var checkpoint = Find(run, machine);
        if (!run.IsWhatIf(WhatIf, $"{machine.Name} would go back to '{checkpoint.Name}', and lose what it has done since."))
            run.Output.Write(run.Session.Mark(await Provider(run).RestoreCheckpointAsync(machine.Id, checkpoint.Id, run.Notices, run.Cancellation)), CoreJson.Default.VirtualMachine);
    }

    private static async Task RemoveAsync(CommandRun run, VirtualMachine machine)
    {
        var checkpoint = Find(run, machine);
        if (!run.IsWhatIf(WhatIf, $"'{checkpoint.Name}' of {machine.Name} would be forgotten."))
            await Provider(run).RemoveCheckpointAsync(machine.Id, checkpoint.Id, run.Notices, run.Cancellation);
    }

    private static ICheckpointProvider Provider(CommandRun run) => run.Ability<ICheckpointProvider>("checkpoints");

    private static VmCheckpoint Find(CommandRun run, VirtualMachine machine)
    {
        var name = run.Parsed.GetValue(Name)!;
        return machine.Checkpoints.FirstOrDefault(c => !c.IsTemporary && c.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new IaaSException(ErrorKind.NotFound, "CheckpointNotFound", $"{machine.Name} has no checkpoint '{name}'.", "Get-IaaSVmCheckpoint shows those it has.", name);
    }
}
