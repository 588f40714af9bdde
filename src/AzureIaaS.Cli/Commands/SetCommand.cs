using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class SetCommand
{
    private static readonly Argument<string[]> Machines = Shared.Machines();
    private static readonly Option<int?> Cpu = new("--cpu") { Description = "The number of virtual processors; needs a stop." };
    private static readonly Option<long?> Memory = Shared.Size("--memory", "The guest's memory; needs a stop.");
    private static readonly Option<string?> AvailabilitySet = new("--availability-set") { Description = "The availability set; empty for none." };
    private static readonly Option<int?> StartOrder = new("--start-order") { Description = "When it comes back after the loss of a host: smaller numbers first." };

    public static Command Create()
    {
        var command = new Command("set", "Change machines.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { Cpu, Memory, AvailabilitySet, StartOrder })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var change = new MachineChange
            {
                Cpu = run.Parsed.GetValue(Cpu),
                Memory = run.Parsed.GetValue(Memory),
                AvailabilitySet = run.Parsed.GetValue(AvailabilitySet),
                StartOrder = run.Parsed.GetValue(StartOrder),
            };
            foreach (var machine in await run.MachinesAsync(Machines))
            {
                await run.TryAsync(async () => run.Output.Write(
                    run.Session.Mark(await run.Ability<IMachineEditor>("changes to machines").ChangeAsync(machine.Id, change, run.Cancellation)), CoreJson.Default.VirtualMachine));
            }
        }));
        return command;
    }
}

internal static class DiskCommands
{
    public static Command Create()
    {
        var vm = new Argument<string>("vm") { Description = "The machine's name or id." };
        var size = new Argument<string>("size") { Description = "The disk's size, such as 20GB." };
        var disk = new Argument<string>("disk") { Description = "The disk's name: disk1, disk2, ..." };
        var controller = new Option<DiskController>("--controller") { Description = "The disk's controller; chosen when left out." };
        var keep = new Option<bool>("--keep-file") { Description = "Keep the disk's file." };
        var command = new Command("disk", "Add and remove data disks.");
        command.Subcommands.Add(Make("add", "Add an empty disk to a machine.", [vm, size], [controller], vm, (run, machine) =>
            ByteSize.TryParse(run.Parsed.GetValue(size)!, out var bytes)
                ? run.Ability<IMachineEditor>("changes to machines").AddDiskAsync(machine.Id, bytes, run.Parsed.GetValue(controller), run.Cancellation)
                : throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDiskSize", $"'{run.Parsed.GetValue(size)}' is not a size.", "Give one such as 20GB.")));
        command.Subcommands.Add(Make("remove", "Remove a disk from a machine.", [vm, disk], [keep], vm, (run, machine) =>
            run.Ability<IMachineEditor>("changes to machines").RemoveDiskAsync(machine.Id, run.Parsed.GetValue(disk)!, run.Parsed.GetValue(keep), run.Cancellation)));
        return command;
    }

    private static Command Make(string name, string description, Argument[] arguments, Option[] options, Argument<string> vm, Func<CommandRun, VirtualMachine, Task<VirtualMachine>> work)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments)
            command.Arguments.Add(argument);
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue(vm)!, run.Cancellation))
                run.Output.Write(run.Session.Mark(await work(run, machine)), CoreJson.Default.VirtualMachine);
        }));
        return command;
    }
}
