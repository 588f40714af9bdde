using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

/// <summary>The commands that change a running machine or end one: they differ in one call.</summary>
internal static class LifecycleCommands
{
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Pull the plug instead of asking the guest." };
    private static readonly Option<bool> StayProvisioned = new("--stay-provisioned") { Description = "Keep its capacity reserved." };
    private static readonly Option<int> Timeout = Shared.Timeout(120, "How long the guest may take to shut down.");

    public static Command Stop() => Create("stop", "Shut machines down through their guests.", "stopped", [Force, StayProvisioned, Timeout],
        async (run, m) => await run.Session.Provider.StopAsync(m.Id, OptionsOf(run), run.Notices, run.Cancellation));

    public static Command Restart() => Create("restart", "Shut machines down and start them again.", "restarted", [Force, Timeout],
        async (run, m) => await run.Session.Provider.RestartAsync(m.Id, OptionsOf(run), run.Notices, run.Cancellation));

    public static Command Resume() => Create("resume", "Let paused and suspended machines go on where they were.", "resumed", [],
        async (run, m) => await run.Session.Provider.ResumeAsync(m.Id, run.Notices, run.Cancellation));

    public static Command Suspend() => Create("suspend", "Save the memory of machines on disk and let their processes go.", "suspended", [],
        async (run, m) => await run.Ability<ISuspendProvider>("suspension").SuspendAsync(m.Id, run.Notices, run.Cancellation));

    public static Command Move()
    {
        var target = new Option<string?>("--target-host", "-t") { Description = "The host to go to; placement chooses when left out.", HelpName = "host" };
        return Create("move", "Take machines to another host: live while they run.", "moved", [target],
            async (run, m) => await run.Ability<IMoveProvider>("moves between hosts").MoveAsync(m.Id, run.Parsed.GetValue(target), run.Notices, run.Cancellation));
    }

    public static Command Remove()
    {
        var force = new Option<bool>("--force", "-f") { Description = "Remove it even while it runs." };
        var keepDisks = new Option<bool>("--keep-disks") { Description = "Keep its disks, in a folder of the fabric." };
        return Create("remove", "Delete machines with their disks. The images they were imported from stay.", "removed", [force, keepDisks],
            async (run, m) =>
            {
                await run.Session.Provider.RemoveAsync(m.Id, run.Parsed.GetValue(force), run.Parsed.GetValue(keepDisks), run.Notices, run.Cancellation);
                return null;
            });
    }

    private static StopOptions OptionsOf(CommandRun run) => new()
    {
        Force = run.Parsed.GetValue(Force),
        StayProvisioned = run.Parsed.GetValue(StayProvisioned),
        Timeout = TimeSpan.FromSeconds(run.Parsed.GetValue(Timeout)),
    };

    private static Command Create(string name, string description, string done, Option[] options, Func<CommandRun, VirtualMachine, Task<VirtualMachine?>> work)
    {
        var machines = Shared.Machines();
        var whatIf = Shared.WhatIf();
        var command = new Command(name, description);
        command.Arguments.Add(machines);
        foreach (var option in options.Append(whatIf))
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.MachinesAsync(machines))
            {
                await run.TryAsync(async () =>
                {
                    if (!run.IsWhatIf(whatIf, $"{machine.Name} would be {done}.") && await work(run, machine) is { } after)
                        run.Output.Write(run.Session.Mark(after), CoreJson.Default.VirtualMachine);
                });
            }
        }));
        return command;
    }
}
