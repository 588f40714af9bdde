using AzureIaaS.Failover;
using AzureIaaS.Local.Hypervisors.Simulated;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>Random requests against a small model of what a machine is.</summary>
public class LifecyclePropertyTests
{
    [Fact]
    public async Task WhateverIsAskedTheMachineIsWhatTheModelSays()
    {
        for (var seed = 0; seed < 6 * Soak.Factor; seed++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var machine = await fabric.ImportAsync();
            var (model, random) = (MachineState.Deallocated, new Random(seed));
            for (var step = 0; step < 60; step++)
            {
                var request = random.Next(12);
                var expected = Next(model, request);
                var denied = false;
                try
                {
                    await AskAsync(fabric, machine, request);
                }
                catch (IaaSException e)
                {
                    denied = true;
                    Assert.Equal(ErrorKind.InvalidState, e.Kind);
                }

                var actual = (await fabric.LookAsync(machine)).State;
                Assert.True(expected is null ? denied && actual == model : !denied && actual == expected,
                    $"seed {seed}, step {step}: {model}, request {request}: expected {expected?.ToString() ?? "a refusal"}, is {actual}{(denied ? " and was refused" : "")}");
                model = actual;
            }
        }
    }

    private static Task AskAsync(TestFabric fabric, VirtualMachine machine, int request) => request switch
    {
        0 => fabric.StartAsync(machine),
        1 => fabric.StopAsync(machine),
        2 => fabric.StopAsync(machine, force: true),
        3 => fabric.Provider.StopAsync(machine.Id, new StopOptions { StayProvisioned = true }, fabric.Notices, CancellationToken.None),
        4 => fabric.Provider.RestartAsync(machine.Id, new StopOptions(), fabric.Notices, CancellationToken.None),
        5 => fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None),
        6 => ((ISuspendProvider)fabric.Provider).SuspendAsync(machine.Id, fabric.Notices, CancellationToken.None),
        7 => FailOverAsync(fabric, machine, FailoverKind.Planned),
        8 => FailOverAsync(fabric, machine, FailoverKind.Unplanned),
        9 => FailOverAsync(fabric, machine, FailoverKind.Test),
        10 => ((ICheckpointProvider)fabric.Provider).CreateCheckpointAsync(machine.Id, $"{Guid.NewGuid()}", memory: false, fabric.Notices, CancellationToken.None),
        _ => KillAsync(fabric, machine),
    };

    private static async Task FailOverAsync(TestFabric fabric, VirtualMachine machine, FailoverKind kind)
    {
        var options = new FailoverOptions { Kind = kind, Checks = [new ProcessCheck()] };
        var report = await ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
    }

    private static Task KillAsync(TestFabric fabric, VirtualMachine machine)
    {
        var slot = MachineNotes.Of(fabric.Session.Store.Machines.Find(machine.Id)!).Slot;
        var process = SimulatedHypervisor.StateFile(fabric.Layout.Machine(machine.Id, slot));
        if (File.Exists(process))
            File.Delete(process);
        return Task.CompletedTask;
    }

    /// <summary>The state after a request; null for a refusal.</summary>
    private static MachineState? Next(MachineState state, int request) => (state, request) switch
    {
        (MachineState.Suspended, 0 or 1) => null,   // its memory would be lost: -Force says that this is meant
        (_, 0) => MachineState.Running,
        (_, 1 or 2) => MachineState.Deallocated,
        (MachineState.Deallocated, 3) => MachineState.Deallocated,
        (MachineState.Suspended, 3) => null,
        (_, 3) => MachineState.Stopped,
        (MachineState.Running, 4 or 5) => MachineState.Running,
        (MachineState.Suspended, 5) => MachineState.Running,
        (MachineState.Running or MachineState.Suspended, 6) => MachineState.Suspended,
        (MachineState.Running, 7 or 8) => MachineState.Running,
        (MachineState.Healing, 8) => MachineState.Running,
        (MachineState.Running or MachineState.Deallocated or MachineState.Stopped, 9 or 10) => state,
        (MachineState.Running, 11) => MachineState.Healing,
        (_, 11) => state,
        _ => null,
    };
}
