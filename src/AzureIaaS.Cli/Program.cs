using System.CommandLine;
using AzureIaaS.Cli.Commands;

namespace AzureIaaS.Cli;

/// <summary>The command line: the same verbs as the cmdlets, for any shell.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand(
            """
            AzureIaaS runs machines exactly as they run on premises: import a disk image, start it, and it keeps its state.

              iaas import ./web01.vmdk --memory 512MB | iaas start --wait
              iaas list
              iaas console web01 --tail 20
              iaas failover 'web*' --kind test --check signoflife     # a rehearsal; the machines run on undisturbed

            Output is a table for people and one JSON object a line when piped, so commands compose: what a command prints, the next takes
            from its standard input. Exit codes: 0 done, 2 wrong arguments, 3 not found, 4 exists already, 5 damaged input, 6 not supported,
            7 no access, 8 no room, 9 busy, 10 timed out, 11 not possible in this state, 12 something is not installed, 1 anything else.
            """);
        root.Options.Add(Shared.Context);
        root.Options.Add(Shared.Output);
        root.Options.Add(Shared.Verbose);
        foreach (var command in AllCommands())
            root.Subcommands.Add(command);
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            await parsed.InvokeAsync();
            return ExitCodes.WrongArguments;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
    }

    /// <summary>Every command there is, in the order in which help shows them.</summary>
    private static IEnumerable<Command> AllCommands() =>
    [
        ImportCommand.Create(),
        ImportCommand.CreateComplete(),
        ListCommand.Create(),
        StartCommand.Create(),
        LifecycleCommands.Stop(),
        LifecycleCommands.Restart(),
        LifecycleCommands.Suspend(),
        LifecycleCommands.Resume(),
        WaitCommand.Create(),
        SetCommand.Create(),
        LifecycleCommands.Move(),
        LifecycleCommands.Remove(),
        ConsoleCommand.Create(),
        GuestCommands.Screenshot(),
        GuestCommands.Run(),
        DiskCommands.Create(),
        CheckpointCommands.Create(),
        FailoverCommand.Create(),
        MeasureCommand.Create(),
        ReportCommand.Create(),
        CompareCommand.Create(),
        HostCommands.Create(),
        ExportCommand.Create(),
        NetworkCommands.Create(),
        ImageCommand.Create(),
        ReadinessCommand.Create(),
        OperationCommands.Create(),
        OrphanCommands.Create(),
        FabricCommands.Create(),
        ConnectCommand.Create(),
        ContextCommands.Disconnect(),
        ContextCommands.List(),
    ];
}
