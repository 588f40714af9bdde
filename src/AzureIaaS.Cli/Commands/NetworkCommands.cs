using System.CommandLine;
using System.IO.Enumeration;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class NetworkCommands
{
    private const string Group = "network";
    private const string Switch = "switch";

    public static Command Create()
    {
        var command = new Command(Group, "Networks: make them, and put machines on them.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Add());
        command.Subcommands.Add(Peer());
        command.Subcommands.Add(Remove());
        command.Subcommands.Add(Join());
        command.Subcommands.Add(Exit());
        command.Subcommands.Add(RunShell());
        command.Subcommands.Add(RunSwitch());
        return command;
    }

    /// <summary>The arguments that make this program a network's switch.</summary>
    /// <param name="network">The network's id.</param>
    public static IReadOnlyList<string> SwitchArguments(Guid network) => [Group, Switch, network.ToString(), .. FabricCommands.UntilIdle];

    private static Command List()
    {
        var command = new Command("list", "List the networks with who is on them.");
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var network in await NetworksOf(run).ListNetworksAsync(run.Cancellation))
                Write(run, network);
        }));
        return command;
    }

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "The network's name." };
        var subnet = new Option<string>("--subnet") { Description = "Its addresses: 10.20.0.0/24.", Required = true };
        var suffix = new Option<string?>("--dns-suffix") { Description = "What the names of its machines end with: corp.contoso.example." };
        var servers = new Option<string[]>("--dns-server") { Description = "The servers that other names are asked of; this computer's own when left out.", AllowMultipleArgumentsPerToken = true };
        var isolated = new Option<bool>("--isolated") { Description = "No way out: its machines reach each other alone." };
        var peers = new Option<string[]>("--peer") { Description = "Networks that it exchanges packets with.", AllowMultipleArgumentsPerToken = true };
        var command = new Command("add", "Make a network.");
        command.Arguments.Add(name);
        foreach (var option in new Option[] { subnet, suffix, servers, isolated, peers })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var network = new VirtualNetwork
            {
                Name = run.Parsed.GetValue(name)!,
                Subnet = run.Parsed.GetValue(subnet)!,
                DnsSuffix = run.Parsed.GetValue(suffix),
                DnsServers = run.Parsed.GetValue(servers) ?? [],
                Isolated = run.Parsed.GetValue(isolated),
                Peers = run.Parsed.GetValue(peers) ?? [],
            };
            Write(run, await NetworksOf(run).AddNetworkAsync(network, run.Notices, run.Cancellation));
        }));
        return command;
    }

    private static Command Peer()
    {
        var name = new Argument<string>("name") { Description = "The network's name." };
        var peers = new Argument<string[]>("peer") { Description = "The networks that it is to exchange packets with, and no others; none for none.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("peer", "Say which networks one exchanges packets with.");
        command.Arguments.Add(name);
        command.Arguments.Add(peers);
        command.SetAction(CommandRun.Of(async run =>
        {
            var network = await FindAsync(run, run.Parsed.GetValue(name)!);
            Write(run, await NetworksOf(run).SetPeersAsync(network.Id, run.Parsed.GetValue(peers) ?? [], run.Notices, run.Cancellation));
        }));
        return command;
    }

    private static Command Remove()
    {
        var names = new Argument<string[]>("name") { Description = "The networks' names, with * and ?.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("remove", "Remove networks that no machine is on.");
        command.Arguments.Add(names);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var pattern in run.Parsed.GetValue(names)!)
            {
                await run.TryAsync(async () =>
                {
                    var found = (await NetworksOf(run).ListNetworksAsync(run.Cancellation)).Where(n => FileSystemName.MatchesSimpleExpression(pattern, n.Name)).ToList();
                    if (found.Count == 0)
                        throw NotFound(pattern);
                    foreach (var network in found)
                        await NetworksOf(run).RemoveNetworkAsync(network.Id, run.Cancellation);
                });
            }
        }));
        return command;
    }

    private static Command Join()
    {
        var network = new Argument<string>("network") { Description = "The network's name." };
        var machines = Shared.Machines();
        var address = new Option<string?>("--ip-address") { Description = "The address it is to have; one is chosen when left out." };
        var adapter = new Option<string?>("--adapter") { Description = "The adapter that joins: nic0." };
        var mac = new Option<string?>("--mac-address") { Description = "The adapter's hardware address; the one it has when left out." };
        var isPublic = new Option<bool>("--public-ip") { Description = "In Azure: a public address too, which nothing reaches until it is allowed." };
        var command = new Command("join", "Put machines on a network, running or not.");
        command.Arguments.Add(network);
        command.Arguments.Add(machines);
        foreach (var option in new Option[] { address, adapter, mac, isPublic })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var options = new JoinOptions { IPAddress = run.Parsed.GetValue(address), Adapter = run.Parsed.GetValue(adapter), MacAddress = run.Parsed.GetValue(mac), PublicAddress = run.Parsed.GetValue(isPublic) };
            var target = await FindAsync(run, run.Parsed.GetValue(network)!);
            foreach (var machine in await run.MachinesAsync(machines))
                await run.TryAsync(async () => Write(run, await NetworksOf(run).JoinAsync(machine.Id, target.Id, options, run.Notices, run.Cancellation)));
        }));
        return command;
    }

    private static Command Exit()
    {
        var machines = Shared.Machines();
        var network = new Option<string?>("--network") { Description = "The network's name; every network it is on when left out." };
        var command = new Command("exit", "Take machines off networks, running or not.");
        command.Arguments.Add(machines);
        command.Options.Add(network);
        command.SetAction(CommandRun.Of(async run =>
        {
            var target = run.Parsed.GetValue(network) is { } name ? (await FindAsync(run, name)).Id : (Guid?)null;
            foreach (var machine in await run.MachinesAsync(machines))
                await run.TryAsync(async () => Write(run, await NetworksOf(run).ExitAsync(machine.Id, target, run.Notices, run.Cancellation)));
        }));
        return command;
    }

    private static Command RunShell()
    {
        var network = new Argument<string>("network") { Description = "The network's name." };
        var words = new Argument<string[]>("command") { Description = "The command and its arguments, after --; a shell when left out.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("shell", "Run a command on a network, as on a machine of it, for trying things. Needs Linux and root.");
        command.Arguments.Add(network);
        command.Arguments.Add(words);
        command.SetAction(CommandRun.Of(async run =>
        {
            var wanted = run.Parsed.GetValue(words) is { Length: > 0 } given ? given : [Environment.GetEnvironmentVariable("SHELL") ?? "/bin/sh"];
            run.Fail(await run.Ability<IFabricNetworks>("shells on networks").RunShellAsync((await FindAsync(run, run.Parsed.GetValue(network)!)).Id, wanted, run.Notices, run.Cancellation));
        }));
        return command;
    }

    private static Command RunSwitch()
    {
        var network = new Argument<string>("network") { Description = "The network's name or id." };
        var untilIdle = new Option<bool>(FabricCommands.UntilIdleOption) { Description = "End when no machine on it runs any more." };
        var path = new Option<string?>(FabricCommands.PathOption) { Description = "The fabric's folder; the current context's when left out." };
        var hypervisor = new Option<HypervisorKind>(FabricCommands.HypervisorOption) { Description = "With --path: what runs the machines." };
        var command = new Command(Switch, "Be a network's switch, in the foreground. Commands start one in the background by themselves.");
        command.Arguments.Add(network);
        foreach (var option in new Option[] { untilIdle, path, hypervisor })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            using var own = FabricCommands.OpenAt(run, path, hypervisor);
            var session = own ?? run.Session;
            var name = run.Parsed.GetValue(network)!;
            var id = Guid.TryParse(name, out var given) ? given : (await FindAsync(run, name)).Id;
            if (!await ((IFabricNetworks)session.Provider).RunSwitchAsync(id, !run.Parsed.GetValue(untilIdle), run.Notices, run.Cancellation))
                run.Notices.Report(Notice.Verbose("Another process is this network's switch already."));
        }));
        return command;
    }

    private static void Write(CommandRun run, VirtualNetwork network)
    {
        network.Context = run.Session.Context.Name;
        run.Output.Write(network, CoreJson.Default.VirtualNetwork);
    }

    private static void Write(CommandRun run, VirtualMachine machine) => run.Output.Write(run.Session.Mark(machine), CoreJson.Default.VirtualMachine);

    private static async Task<VirtualNetwork> FindAsync(CommandRun run, string name) =>
        await NetworksOf(run).FindNetworkAsync(name, run.Cancellation) ?? throw NotFound(name);

    private static IaaSException NotFound(string name) =>
        new(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{name}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", name);

    private static INetworkProvider NetworksOf(CommandRun run) => run.Ability<INetworkProvider>("networks of its own");
}
