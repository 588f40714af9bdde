using AzureIaaS.Simulation;
using AzureIaaS.Simulation.Engine;
using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Tests.Simulation;

/// <summary>Small fleets with one thing in each that theory knows, and everything else switched off.</summary>
internal static class Farm
{
    public const double Hour = 3600;
    public const double Minute = 60;

    /// <summary>Hosts for one machine each, which waits for its host: machines fail as hosts do.</summary>
    public static FleetModel Bare(int hosts, Law failure, Law repair, int crews = 0) => new()
    {
        Hosts = [new HostGroup { Count = hosts, Cpu = 2, Memory = 8L << 30 }],
        Machines = [new MachineGroup { Count = hosts }],
        Failures = new FailureModel { Host = failure, HostRepair = repair, Crews = crews },
        Recovery = new RecoveryModel { Healing = false },
    };

    /// <summary>Hosts with room for all machines, which are started elsewhere.</summary>
    public static FleetModel Healing(int hosts, int machines, Law failure, Law repair, double detection, double boot, int slots = 0) => new()
    {
        Hosts = [new HostGroup { Count = hosts, Cpu = 4 * machines, Memory = machines * (32L << 30) }],
        Machines = [new MachineGroup { Count = machines }],
        Failures = new FailureModel { Host = failure, HostRepair = repair },
        Recovery = new RecoveryModel { Detection = Law.Fixed(detection), Boot = Law.Fixed(boot), Slots = slots },
    };

    /// <summary>Machines on one host that never fails; their guests crash and are started through slots.</summary>
    public static FleetModel Queue(int machines, double load, Law boot, int slots) => new()
    {
        Hosts = [new HostGroup { Cpu = 2 * machines, Memory = machines * (8L << 30) }],
        Machines = [new MachineGroup { Count = machines }],
        Failures = new FailureModel { Guest = Law.Exponential(boot.Mean * machines / load) },
        Recovery = new RecoveryModel { Boot = boot, Slots = slots },
    };

    public static FleetModel With(this FleetModel model, string requires)
    {
        model.Applications.Add(new FleetApplication { Name = "app" + (model.Applications.Count + 1), Requires = requires });
        return model;
    }

    public static Totals Run(FleetModel model, double years, int replications, long seed = 1, double warmUp = 0.05)
    {
        var options = new SimulationOptions { Years = years, WarmUpYears = warmUp, Replications = replications, Seed = seed, Threads = 2 };
        var (begin, end) = Simulator.Horizon(model, options);
        return Simulator.Replicate(Fleet.Of(model), options, begin, end, null, CancellationToken.None);
    }

    /// <summary>Says that an estimate is within four standard errors of the truth, and that these are small enough to mean something.</summary>
    /// <param name="estimate">The estimate of the unavailability.</param>
    /// <param name="truth">The truth.</param>
    /// <param name="width">The largest standard error that is a test, as a share of the truth.</param>
    public static void ShouldBeWithinFourErrors(this Estimate estimate, double truth, double width = 0.05)
    {
        var error = estimate.HalfWidth / 1.96;
        Assert.True(error <= width * truth, $"The standard error {error:G4} says little about {truth:G6}.");
        Assert.True(Math.Abs(estimate.Mean - truth) <= 4 * error, $"{estimate.Mean:G8} is {Math.Abs(estimate.Mean - truth) / error:0.0} standard errors off {truth:G8}.");
    }
}
