using System.CommandLine;
using System.IO.Enumeration;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class HostCommands
{
    public static Command Create()
    {
        var command = new Command("host", "The hosts of the fabric: add, empty, lose and bring them back.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Add());
        command.Subcommands.Add(Action("remove", "Remove hosts that hold no machine.", "removed", [], (run, hosts, host) =>
        {
            hosts.RemoveHost(host.Name);
            return Task.FromResult<FabricHost?>(null);
        }));
        command.Subcommands.Add(Action("suspend", "Empty hosts for maintenance, by live migration.", "emptied", [],
            async (run, hosts, host) => (await hosts.DrainHostAsync(host.Name, run.Notices, run.Cancellation)).Host));
        var bringBack = new Option<bool>("--return-machines") { Description = "Bring back the machines that had their place there." };
        command.Subcommands.Add(Action("resume", "Let hosts take machines again.", "resumed", [bringBack],
            async (run, hosts, host) => await hosts.ResumeHostAsync(host.Name, run.Parsed.GetValue(bringBack), run.Notices, run.Cancellation)));
        command.Subcommands.Add(Stop());
        return command;
    }

    private static Command Stop()
    {
        var force = new Option<bool>("--force", "-f") { Description = "Really kill what runs there; without it nothing is done." };
        var command = ActionOnAll("stop", "Lose hosts, all at once, as when their plug is pulled: every machine on them is killed, and comes back elsewhere.", "lost, and every machine on it killed", [force], LoseAsync);
        command.Validators.Add(r =>
        {
            // Required is not enough: a switch that is not there has a value all the same.
            if (!r.GetValue(force))
                r.AddError("Stopping a host kills its machines, and --force was not given. Empty it first with iaas host suspend; or rehearse its loss with --force.");
        });
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "List the hosts with what is taken on them.");
        command.SetAction(CommandRun.Of(run =>
        {
            foreach (var host in HostsOf(run).ListHosts())
                run.Output.Write(host, CoreJson.Default.FabricHost);
            return Task.CompletedTask;
        }));
        return command;
    }

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "The host's name." };
        var fault = new Option<int>("--fault-domain") { Description = "The number of its fault domain: hosts that share power and a switch." };
        var update = new Option<int>("--update-domain") { Description = "The number of its update domain: hosts that are maintained together." };
        var cpu = new Option<int>("--cpu") { Description = "How many virtual processors it offers.", DefaultValueFactory = _ => 16 };
        var memory = Shared.Size("--memory", "How much memory it offers (default 64GB).");
        var command = new Command("add", "Add a host.");
        command.Arguments.Add(name);
        foreach (var option in new Option[] { fault, update, cpu, memory })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(run =>
        {
            var host = HostsOf(run).AddHost(new FabricHost
            {
                Name = run.Parsed.GetValue(name)!,
                FaultDomain = run.Parsed.GetValue(fault),
                UpdateDomain = run.Parsed.GetValue(update),
                Cpu = run.Parsed.GetValue(cpu),
                Memory = run.Parsed.GetValue(memory) ?? 64L << 30,
            });
            run.Output.Write(host, CoreJson.Default.FabricHost);
            return Task.CompletedTask;
        }));
        return command;
    }

    private static Command Action(string name, string description, string done, Option[] options, Func<CommandRun, IHostProvider, FabricHost, Task<FabricHost?>> work) =>
        ActionOnAll(name, description, done, options, async (run, hosts, found) =>
        {
            foreach (var host in found)
            {
                await run.TryAsync(async () =>
                {
                    if (await work(run, hosts, host) is { } after)
                        run.Output.Write(after, CoreJson.Default.FabricHost);
                });
            }
        });

    private static Command ActionOnAll(string name, string description, string done, Option[] options, Func<CommandRun, IHostProvider, IReadOnlyList<FabricHost>, Task> work)
    {
        var names = Shared.Names("host", "The hosts' names, with * and ?.", ArgumentArity.OneOrMore);
        var whatIf = Shared.WhatIf();
        var command = new Command(name, description);
        command.Arguments.Add(names);
        foreach (var option in options.Append(whatIf))
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var (hosts, found) = (HostsOf(run), new List<FabricHost>());
            foreach (var pattern in run.Parsed.GetValue(names)!)
            {
                await run.TryAsync(() =>
                {
                    found.AddRange(Find(hosts, pattern));
                    return Task.CompletedTask;
                });
            }

            found.RemoveAll(h => run.IsWhatIf(whatIf, $"{h.Name} would be {done}."));
            if (found.Count > 0)
                await work(run, hosts, found);
        }));
        return command;
    }

    private static async Task LoseAsync(CommandRun run, IHostProvider hosts, IReadOnlyList<FabricHost> found)
    {
        foreach (var host in await hosts.LoseHostsAsync([.. found.Select(h => h.Name)], run.Notices, run.Cancellation))
            run.Output.Write(host, CoreJson.Default.FabricHost);
    }

    private static List<FabricHost> Find(IHostProvider hosts, string pattern)
    {
        var found = hosts.ListHosts().Where(h => FileSystemName.MatchesSimpleExpression(pattern, h.Name)).ToList();
        return found.Count > 0 ? found
            : throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host '{pattern}'.", "Get-IaaSHost shows those there are.", pattern);
    }

    private static IHostProvider HostsOf(CommandRun run) => run.Ability<IHostProvider>("hosts of its own");
}
