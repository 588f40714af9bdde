using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class DiskCommands
{
    private static readonly Argument<string> Vm = VmCommand.Vm();
    private static readonly Argument<string> Size = new("size") { Description = "The disk's size, such as 20GB." };
    private static readonly Argument<string> Disk = new("disk") { Description = "The disk's name: disk1, disk2, ..." };
    private static readonly Option<DiskController> Controller = new("--controller") { Description = "The disk's controller; chosen when left out." };
    private static readonly Option<bool> KeepFile = new("--keep-file") { Description = "Keep the disk's file." };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("disk", "List, add and remove the disks of machines.");
        command.Subcommands.Add(VmCommand.Create("list", "List a machine's disks.", [Vm], [], (run, machine) =>
        {
            foreach (var disk in machine.Disks)
                run.Output.Write(disk, CoreJson.Default.VirtualDisk);
            return Task.CompletedTask;
        }));
        command.Subcommands.Add(VmCommand.Create("add", "Add an empty disk to a machine.", [Vm, Size], [Controller, WhatIf], AddAsync));
        command.Subcommands.Add(VmCommand.Create("remove", "Remove a disk from a machine, and delete it.", [Vm, Disk], [KeepFile, WhatIf], RemoveAsync));
        return command;
    }

    private static async Task AddAsync(CommandRun run, VirtualMachine machine)
    {
        if (!ByteSize.TryParse(run.Parsed.GetValue(Size)!, out var bytes))
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDiskSize", $"'{run.Parsed.GetValue(Size)}' is not a size.", "Give one such as 20GB.");
        if (!run.IsWhatIf(WhatIf, $"A disk of {ByteSize.Format(bytes)} would be added to {machine.Name}."))
            Write(run, await Editor(run).AddDiskAsync(machine.Id, bytes, run.Parsed.GetValue(Controller), run.Cancellation));
    }

    private static async Task RemoveAsync(CommandRun run, VirtualMachine machine)
    {
        var disk = run.Parsed.GetValue(Disk)!;
        var keep = run.Parsed.GetValue(KeepFile);
        if (!run.IsWhatIf(WhatIf, $"{disk} would be taken from {machine.Name}{(keep ? "" : " and deleted")}."))
            Write(run, await Editor(run).RemoveDiskAsync(machine.Id, disk, keep, run.Cancellation));
    }

    private static IMachineEditor Editor(CommandRun run) => run.Ability<IMachineEditor>("changes to machines");

    private static void Write(CommandRun run, VirtualMachine machine) => run.Output.Write(run.Session.Mark(machine), CoreJson.Default.VirtualMachine);
}
