using AzureIaaS.Simulation;

namespace AzureIaaS.Tests.Simulation;

/// <summary>A fabric as it stands, as a model.</summary>
public class LiveFleetTests
{
    [Fact]
    public void Machines_of_a_lost_host_have_their_turn_by_their_start_order()
    {
        var machines = new[] { ("c", 3), ("a", 1), ("d", 4), ("b", 2) }
            .Select(m => new VirtualMachine { Id = Guid.NewGuid(), Name = m.Item1, StartOrder = m.Item2, Host = "h1", Cpu = 1, Memory = 1 << 30 }).ToList();
        var hosts = new[] { "h1", "h2" }.Select((name, i) => new FabricHost { Name = name, FaultDomain = i, Cpu = 8, Memory = 16L << 30 }).ToList();
        var model = new FleetRequest { Machines = machines, Hosts = hosts, Settings = new Dictionary<string, object?> { ["Maintenance"] = null } }.Model();
        model.Failures = new FailureModel();
        model.Failures.Script.Add(new ScriptedFailure { Fails = "host h1", At = TimeSpan.FromHours(1), For = TimeSpan.FromHours(5) });
        (model.Recovery.Slots, model.Recovery.Boot) = (1, Law.Fixed(60));
        var told = Simulator.Tell(model, new SimulationOptions { Years = 0.001, WarmUpYears = 0 }).Where(e => e.Kind == "Started").Select(e => e.Machine);
        Assert.Equal(["a", "b", "c", "d"], told);
    }
}
