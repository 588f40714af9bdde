using System.CommandLine;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class FabricCommands
{
    private const string Group = "fabric";
    private const string Watch = "watch";
    private const string Serve = "serve";
    private const string Verbose = "--verbose";
    public const string PathOption = "--path";
    public const string HypervisorOption = "--hypervisor";
    public const string UntilIdleOption = "--until-idle";

    /// <summary>What every background process is told: to end when nobody needs it, and to say what it does.</summary>
    public static IReadOnlyList<string> UntilIdle { get; } = [UntilIdleOption, Verbose];

    public static Command Create()
    {
        var command = new Command(Group, "The local fabric's own processes.");
        command.Subcommands.Add(CreateWatch());
        command.Subcommands.Add(CreateServe());
        return command;
    }

    /// <summary>The command that runs a context's watcher in the background.</summary>
    public static WatcherCommand? WatcherFor(IaaSContext context)
    {
        var program = Environment.ProcessPath!;
        // Under the dotnet host, the program is an argument of it.
        string[] host = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(FabricCommands).Assembly.Location] : [];
        string[] where = [PathOption, context.Path, HypervisorOption, context.Hypervisor.ToString()];
        return new WatcherCommand(program, [.. host, Group, Watch, .. where, .. UntilIdle])
        {
            LinkArguments = vm => [.. host, Group, Serve, vm.ToString(), Verbose, .. where],
            SwitchArguments = network => [.. host, .. NetworkCommands.SwitchArguments(network), .. where],
        };
    }

    /// <summary>The session of the fabric in a folder that was given; null when none was.</summary>
    public static IaaSSession? OpenAt(CommandRun run, Option<string?> path, Option<HypervisorKind> hypervisor) =>
        run.Parsed.GetValue(path) is { } folder
            ? CommandRun.Open(new IaaSContext { Path = Path.GetFullPath(folder), Hypervisor = run.Parsed.GetValue(hypervisor) })
            : null;

    private static Command CreateServe()
    {
        var vm = new Argument<string>("machine") { Description = "The machine's name or id." };
        var path = new Option<string?>(PathOption) { Description = "The fabric's folder; the current context's when left out." };
        var hypervisor = new Option<HypervisorKind>(HypervisorOption) { Description = "With --path: what runs the machines." };
        var command = new Command(Serve, "Serve and copy the images of a linked machine, in the foreground. Commands start this in the background by themselves.");
        command.Arguments.Add(vm);
        foreach (var option in new Option[] { path, hypervisor })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            using var own = OpenAt(run, path, hypervisor);
            var session = own ?? run.Session;
            var name = run.Parsed.GetValue(vm)!;
            var id = Guid.TryParse(name, out var given) ? given : (await session.ResolveAsync(name, run.Cancellation))[0].Id;
            if (session.Provider is not ILinkProvider links || !await links.RunLinkAsync(id, run.Notices, run.Cancellation))
                run.Notices.Report(Notice.Verbose("Another process does it already."));
        }));
        return command;
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
            using var session = OpenAt(run, path, hypervisor);
            var watchable = (IWatchable)(session ?? run.Session).Provider;
            if (!await watchable.WatchAsync(!run.Parsed.GetValue(untilIdle), run.Notices, run.Cancellation))
                run.Notices.Report(Notice.Verbose("Another process watches this fabric already."));
        }));
        return command;
    }
}
