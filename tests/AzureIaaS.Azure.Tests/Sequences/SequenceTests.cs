using System.Globalization;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Failover;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Sequences;

/// <summary>Any sequence of commands, with any faults, ends in a state that retrying completes: no duplicate, and nothing left behind that nobody knows of.</summary>
public class SequenceTests
{
    private const int Commands = 16;
    private const int Machines = 3;
    private const int Rounds = 10;
    private const long MiB = 1 << 20;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, int.TryParse(Environment.GetEnvironmentVariable("AZUREIAAS_SOAK"), out var soak) ? Rounds * soak : Rounds)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_happens_is_completed_by_trying_again(int seed)
    {
        using var azure = new TestAzure();
        azure.Arm.HasAgent = true;
        var random = new Random(seed);
        var faults = new Faults(seed, azure.Arm) { Rate = 0.08 };
        var network = (await EventuallyAsync(() => ((INetworkProvider)azure.Provider).AddNetworkAsync(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24" }, azure, default), faults, azure))!;
        var story = new List<string>();
        for (var i = 0; i < Commands; i++)
        {
            // The first commands make machines, so that there is something to meet.
            var (name, command) = i < Machines ? Import(azure, $"m{i}") : Next(random, azure, network);
            story.Add(name);
            faults.DiesAfter = random.Next(6) == 0 ? random.Next(1, 40) : null;
            try
            {
                await command();
            }
            catch (Exception e) when (e is IaaSException or OperationCanceledException or HttpRequestException)
            {
                story[^1] += $" ({(e as IaaSException)?.ErrorId ?? e.GetType().Name})";
            }

            if (!faults.IsDead)
                continue;
            faults.DiesAfter = null;
            azure.Restart();
            story.Add("(died)");
        }

        (faults.Rate, faults.DiesAfter) = (0, null);
        try
        {
            await SettleAsync(azure);
            await CheckAsync(azure);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"After {string.Join(", ", story)}: {e.Message}", e);
        }
    }

    private static (string Name, Func<Task> Command) Next(Random random, TestAzure azure, VirtualNetwork network)
    {
        var vm = "m" + random.Next(Machines).ToString(CultureInfo.InvariantCulture);
        var provider = azure.Provider;
        async Task On(Func<Guid, Task> work)
        {
            foreach (var machine in await azure.Session.ResolveAsync(vm, default))
                await work(machine.Id);
        }

        return random.Next(12) switch
        {
            0 => Import(azure, vm),
            1 or 2 or 3 => ($"start {vm}", () => On(id => provider.StartAsync(id, new StartOptions(), azure, default))),
            4 => ($"stop {vm}", () => On(id => provider.StopAsync(id, new StopOptions(), azure, default))),
            5 => ($"join {vm}", () => On(id => ((INetworkProvider)provider).JoinAsync(id, network.Id, new JoinOptions { PublicAddress = random.Next(2) == 0 }, azure, default))),
            6 => ($"checkpoint {vm}", () => On(id => ((ICheckpointProvider)provider).CreateCheckpointAsync(id, $"c{random.Next(100)}", false, azure, default))),
            7 => ($"restore {vm}", () => On(async id =>
            {
                if ((await azure.Session.ListAsync(default)).First(m => m.Id == id).Checkpoints is [var first, ..])
                    await ((ICheckpointProvider)provider).RestoreCheckpointAsync(id, first.Id, azure, default);
            })),
            8 => ($"failover {vm}", () => On(id => ((IFailoverProvider)provider).FailOverAsync(id, new FailoverOptions { Kind = FailoverKind.Unplanned }, azure, default))),
            9 => ($"rehearse {vm}", () => On(id => ((IFailoverProvider)provider).FailOverAsync(id, new FailoverOptions { Kind = FailoverKind.Test, TargetHost = random.Next(2) == 0 ? "northeurope" : null }, azure, default))),
            10 => ($"publish {vm}", () => On(id => provider.StartAsync(id, new StartOptions { Publish = random.Next(4) == 0 ? [] : [PublishedPort.Parse("443"), PublishedPort.Parse("53/udp")], PublishFrom = ["198.51.100.0/24", "203.0.113.9"] }, azure, default))),
            _ => ($"remove {vm}", () => On(id => provider.RemoveAsync(id, force: true, keepDisks: false, azure, default))),
        };
    }

    private static (string Name, Func<Task> Command) Import(TestAzure azure, string vm) =>
        ($"import {vm}", () => azure.ImportAsync(azure.Image(vm + ".img", 32 * MiB, (512, 128)), r => r with { Zone = vm == "m0" ? "1" : null }));

    /// <summary>What a careful user does after trouble: ends what was cut off, then tries each machine again.</summary>
    private static async Task SettleAsync(TestAzure azure)
    {
        foreach (var operation in azure.Session.ListOperations(includeEnded: false))
        {
            try
            {
                await azure.Session.ResumeOperationAsync(operation.Id, azure, default);
            }
            catch (IaaSException)
            {
                await azure.Session.UndoOperationAsync(operation.Id, azure);
            }
        }

        Assert.Empty(azure.Session.ListOperations(includeEnded: false));
        foreach (var machine in await azure.Session.ListAsync(default))
            Assert.Equal(MachineState.Running, (await azure.Provider.StartAsync(machine.Id, new StartOptions(), azure, default)).State);
    }

    private static async Task CheckAsync(TestAzure azure)
    {
        var machines = await azure.Session.ListAsync(default);
        Assert.Equal(machines.Count, machines.Select(m => m.Name).Distinct().Count());
        Assert.Equal(machines.Count, azure.Arm.Resources.Keys.Count(k => k.Contains("/virtualMachines/", StringComparison.Ordinal)));

        // What is left behind is listed, all of it, and can be removed.
        var orphans = (IOrphanProvider)azure.Provider;
        for (var round = 0; round < 100 && await orphans.ListOrphansAsync(default) is [var first, ..]; round++)
            await orphans.RemoveOrphanAsync(first.Id, azure, default);
        Assert.Empty(await orphans.ListOrphansAsync(default));
        Assert.Equal(machines.Sum(m => m.Disks.Count), azure.Arm.Resources.Keys.Count(k => k.Contains("/disks/", StringComparison.Ordinal)));
        foreach (var machine in machines)
            await azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, azure, default);
        var left = azure.Arm.Resources.Keys.Where(k => !k.EndsWith("/corp", StringComparison.Ordinal) && !k.EndsWith("/azureiaas", StringComparison.Ordinal) && k.Contains("/providers/", StringComparison.Ordinal)
            && !k.Contains("/availabilitySets/", StringComparison.Ordinal));
        Assert.Empty(left);
        Assert.All(azure.Arm.Resources.Values.Where(r => (string?)r["type"] == "Microsoft.Network/networkSecurityGroups"), g => Assert.Empty(g["properties"]!["securityRules"]?.AsArray() ?? []));
    }

    private static async Task<T?> EventuallyAsync<T>(Func<Task<T>> work, Faults faults, TestAzure azure)
        where T : class
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                return await work();
            }
            catch (IaaSException e) when (e.ErrorId == "NetworkNameTaken")
            {
                return (T?)(object?)await ((INetworkProvider)azure.Provider).FindNetworkAsync("corp", default);
            }
            catch (IaaSException)
            {
                // Again.
            }
        }

        faults.Rate = 0;
        return await work();
    }
}
