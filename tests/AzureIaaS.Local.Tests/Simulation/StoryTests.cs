using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Simulation;

namespace AzureIaaS.Local.Tests.Simulation;

/// <summary>The same story of failures happens to a fabric and to its forecast: machines have to come back on the same hosts.</summary>
public class StoryTests
{
    private const int Chapters = 8;

    [SkippableFact]
    public async Task AForecastSendsMachinesWhereTheFabricSendsThem()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        for (var i = 0; i < 5; i++)
            hosts.AddHost(new FabricHost { Name = $"more{i}", FaultDomain = i % 3, UpdateDomain = i % 2, Cpu = 8 + i, Memory = (4L + i) << 30 });
        for (var i = 0; i < 7; i++)
            await StartAsync(fabric, $"vm{i}", (64 + (i * 16)) << 20, i < 5 ? $"set{i % 2}" : null);
        var machines = await fabric.Session.ListAsync(CancellationToken.None);
        var model = new FleetRequest { Machines = machines, Hosts = [.. hosts.ListHosts()], Settings = new Dictionary<string, object?> { ["Maintenance"] = null } }.Model();
        model.Failures = new FailureModel();
        (model.Recovery.Detection, model.Recovery.Boot) = (Law.Fixed(60), Law.Fixed(60));

        // The fabric lives the story, a host of one machine after another, so that nothing depends on which of two comes first.
        var lived = new List<(string Machine, string Host)>();
        await using (var watcher = new TestWatcher(fabric))
        {
            for (var chapter = 0; chapter < Chapters; chapter++)
            {
                var lost = hosts.ListHosts().Where(h => h.Machines.Count == 1).MinBy(h => lived.Count(l => l.Host == h.Name))!;
                var victim = machines.Single(m => m.Name == lost.Machines[0]);
                await hosts.LoseHostsAsync([lost.Name], fabric.Notices, CancellationToken.None);
                var after = await fabric.WaitForStateAsync(victim, MachineState.Running);
                Assert.NotEqual(lost.Name, after.Host);
                lived.Add((victim.Name, after.Host!));
                await hosts.ResumeHostAsync(lost.Name, bringBack: false, fabric.Notices, CancellationToken.None);
                model.Failures.Script.Add(new ScriptedFailure { Fails = $"host {lost.Name}", At = TimeSpan.FromHours(chapter + 1), For = TimeSpan.FromMinutes(30) });
            }
        }

        var told = Simulator.Tell(model, new SimulationOptions { Years = 0.01, WarmUpYears = 0 }).Where(e => e.Kind == "Started").Select(e => (e.Machine!, e.Host!)).ToList();
        Assert.Equal(lived, told);
        Assert.True(lived.Distinct().Count() > Chapters / 2, "The story says little: machines only went to and fro.");
    }

    private static async Task StartAsync(TestFabric fabric, string name, long memory, string? set)
    {
        var request = new ImportRequest { Path = fabric.Guest(name), Name = name, Memory = memory, AvailabilitySet = set };
        var machine = await fabric.Session.Imports.ImportAsync(request, fabric.Notices, CancellationToken.None);
        await fabric.StartAsync(machine);
    }
}
