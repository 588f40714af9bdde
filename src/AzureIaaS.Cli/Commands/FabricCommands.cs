using System.CommandLine;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class FabricCommands
{
    private const string Group = "fabric";
    private const string Watch = "watch";
    private const string PathOption = "--path";
    private const string HypervisorOption = "--hypervisor";
    private const string UntilIdleOption = "--until-idle";

    public static Command Create()
    {
        var command = new Command(Group, "The local fabric's own processes.");
        command.Subcommands.Add(CreateWatch());
        return command;
    }

    /// <summary>The command that runs a context's watcher in the background.</summary>
    public static WatcherCommand? WatcherFor(IaaSContext context)
    {
        var program = Environment.ProcessPath!;
        string[] arguments = [Group, Watch, PathOption, context.Path, HypervisorOption, context.Hypervisor.ToString(), UntilIdleOption, "--verbose"];
        // Under the dotnet host, the program is an argument of it.
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? new WatcherCommand(program, [typeof(FabricCommands).Assembly.Location, .. arguments])
            : new WatcherCommand(program, arguments);
    }

    private static Command CreateWatch()
    {
        var path = new Option<string?>(PathOption) { Description = "The fabric's folder; the current context's when left out." };
        var hypervisor = new Option<HypervisorKind>(HypervisorOption) { Description = "With --path: what runs the machines." };
        var untilIdle = new Option<bool>(UntilIdleOption) { Description = "End when nothing runs any more." };
        var command = new Command(Watch, "Look after the fabric's machines, in the foreground: for a service manager. Commands start one in the background by themselves.");
        foreach (var option in new Option[] { path, hypervisor, untilIdle })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            using var session = run.Parsed.GetValue(path) is { } folder
                ? CommandRun.Open(new IaaSContext { Path = Path.GetFullPath(folder), Hypervisor = run.Parsed.GetValue(hypervisor) })
                : null;
            var watchable = (IWatchable)(session ?? run.Session).Provider;
            if (!await watchable.WatchAsync(!run.Parsed.GetValue(untilIdle), run.Notices, run.Cancellation))
                run.Notices.Report(Notice.Verbose("Another process watches this fabric already."));
        }));
        return command;
    }
}
