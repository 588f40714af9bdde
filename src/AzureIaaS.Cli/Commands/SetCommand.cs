using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class SetCommand
{
    private static readonly Argument<string[]> Machines = Shared.Machines();
    private static readonly Option<int?> Cpu = new("--cpu") { Description = "The number of virtual processors; needs a stop." };
    private static readonly Option<long?> Memory = Shared.Size("--memory", "The guest's memory; needs a stop.");
    private static readonly Option<string?> Size = new("--size") { Description = "In Azure: the size, such as Standard_D4s_v5; needs a stop." };
    private static readonly Option<string?> AvailabilitySet = new("--availability-set") { Description = "The availability set; empty for none." };
    private static readonly Option<int?> StartOrder = new("--start-order") { Description = "When it comes back after the loss of a host: smaller numbers first." };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("set", "Change machines: what is left out stays as it is.");
        command.Arguments.Add(Machines);
        foreach (var option in new Option[] { Cpu, Memory, Size, AvailabilitySet, StartOrder, WhatIf })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var change = new MachineChange
            {
                Cpu = run.Parsed.GetValue(Cpu),
                Memory = run.Parsed.GetValue(Memory),
                Size = run.Parsed.GetValue(Size),
                AvailabilitySet = run.Parsed.GetValue(AvailabilitySet),
                StartOrder = run.Parsed.GetValue(StartOrder),
            };
            foreach (var machine in await run.MachinesAsync(Machines))
            {
                await run.TryAsync(async () =>
                {
                    if (!run.IsWhatIf(WhatIf, $"{machine.Name} would be changed."))
                        run.Output.Write(run.Session.Mark(await run.Ability<IMachineEditor>("changes to machines").ChangeAsync(machine.Id, change, run.Cancellation)), CoreJson.Default.VirtualMachine);
                });
            }
        }));
        return command;
    }
}
