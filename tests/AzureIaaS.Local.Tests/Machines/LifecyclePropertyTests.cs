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
                var request = random.Next(6);
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
        _ => fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None),
    };

    /// <summary>The state after a request; null for a refusal.</summary>
    private static MachineState? Next(MachineState state, int request) => (state, request) switch
    {
        (_, 0) => MachineState.Running,
        (_, 1 or 2) => MachineState.Deallocated,
        (MachineState.Deallocated, 3) => MachineState.Deallocated,
        (_, 3) => MachineState.Stopped,
        (MachineState.Running, 4 or 5) => MachineState.Running,
        _ => null,
    };
}
