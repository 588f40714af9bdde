using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Hypervisors.Simulated;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Failover;

/// <summary>What the watcher does about machines that end by themselves.</summary>
public class HealingTests
{
    [SkippableFact]
    public async Task ADeadProcessIsBroughtBackOnItsHostThenElsewhereThenNotAnyMore()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await using var watcher = new TestWatcher(fabric);
        var home = machine.Host;

        var first = await DieAndComeBackAsync(fabric, machine);
        Assert.Equal(home, first.Host);
        var second = await DieAndComeBackAsync(fabric, first);
        Assert.NotEqual(home, second.Host);
        Kill(fabric, second);
        var failed = await fabric.WaitForStateAsync(machine, MachineState.Failed);
        Assert.Contains("did not stay up", failed.StateReason, StringComparison.Ordinal);
        Assert.Null(failed.Host);

        // By hand, and the count begins anew.
        var started = await fabric.StartAsync(failed);
        Assert.Equal(MachineState.Running, started.State);
        await DieAndComeBackAsync(fabric, started);

        var reports = fabric.Session.Store.Reports.List(machine.Id);
        Assert.Equal(4, reports.Count);
        Assert.All(reports.Where(r => r.Outcome == FailoverOutcome.Succeeded), r => Assert.True(r.Rto > TimeSpan.Zero));
        Assert.Equal(3, reports.Count(r => r.Outcome == FailoverOutcome.Succeeded));
    }

    [SkippableFact]
    public async Task ARealProcessIsBroughtBackAndItsDiskRemembers()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true }));
        await fabric.WaitForLineAsync(machine, "^guest: tick 1");
        await using var watcher = new TestWatcher(fabric);
        await Signals.SendAsync("KILL", machine.ProcessId!.Value);
        await fabric.WaitForLineAsync(await fabric.WaitForStateAsync(machine, MachineState.Running), "^guest: boot 2$");
        Assert.Single(fabric.QemuProcesses());
        var report = Assert.Single(fabric.Session.Store.Reports.List(machine.Id));
        Assert.Equal((FailoverKind.Unplanned, FailoverOutcome.Succeeded, machine.Host), (report.Kind, report.Outcome, report.TargetHost));
        Assert.Contains("ended unexpectedly", report.Trigger, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task WhatPowersItselfOffIsLeftAlone()
    {
        using var fabric = new TestFabric();
        await using var watcher = new TestWatcher(fabric);
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { PowersOffAfterTicks = 1 }));
        machine = await fabric.WaitForStateAsync(machine, MachineState.Stopped);
        await Task.Delay(1500);
        Assert.Equal(MachineState.Stopped, (await fabric.LookAsync(machine)).State);
        Assert.Empty(fabric.QemuProcesses());
        Assert.NotNull((await fabric.LookAsync(machine)).Host);
    }

    [SkippableFact]
    public async Task WhatIsStoppedByHandInTheSameSecondIsLeftAlone()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await using var watcher = new TestWatcher(fabric);
        var machine = await fabric.ImportAsync();
        for (var round = 0; round < 30 * Soak.Factor; round++)
        {
            machine = await fabric.StartAsync(machine);
            if (round % 2 == 0)
                Kill(fabric, machine);
            machine = await fabric.StopAsync(machine, force: true);
            Assert.Equal(MachineState.Deallocated, machine.State);
            await Task.Delay(round % 5 * 20);
            Assert.Equal(MachineState.Deallocated, (await fabric.LookAsync(machine)).State);
        }
    }

    [SkippableFact]
    public async Task ALostHostsMachinesComeBackElsewhereInStartOrder()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        foreach (var name in new[] { "host2", "host3" })
            await hosts.DrainHostAsync(name, fabric.Notices, CancellationToken.None);
        var machines = new List<VirtualMachine>();
        for (var i = 0; i < 12; i++)
        {
            var machine = await fabric.ImportAsync($"vm{i}");
            machine = await ((IMachineEditor)fabric.Provider).ChangeAsync(machine.Id, new MachineChange { StartOrder = 12 - i }, CancellationToken.None);
            machines.Add(await fabric.StartAsync(machine));
        }

        Assert.All(machines, m => Assert.Equal("host1", m.Host));
        foreach (var name in new[] { "host2", "host3" })
            await hosts.ResumeHostAsync(name, bringBack: false, fabric.Notices, CancellationToken.None);
        var lost = Assert.Single(await hosts.LoseHostsAsync(["host1"], fabric.Notices, CancellationToken.None));
        Assert.Equal((HostState.Down, 0), (lost.State, lost.Machines.Count));
        Assert.All(await fabric.Session.ListAsync(CancellationToken.None), m => Assert.Equal((MachineState.Healing, null), (m.State, m.Host)));

        await using var watcher = new TestWatcher(fabric);
        foreach (var machine in machines)
        {
            var back = await fabric.WaitForStateAsync(machine, MachineState.Running);
            Assert.Contains(back.Host, new[] { "host2", "host3" });
        }

        // Four at once: when a machine is back, all but three of those before it in start order are, however long each of them took.
        var order = fabric.Session.Store.Reports.List(null).OrderBy(r => r.Ended).Select(r => machines.FindIndex(m => m.Name == r.VmName)).Select(i => machines.Count - 1 - i).ToList();
        Assert.Equal(Enumerable.Range(0, machines.Count), order.Order());
        Assert.All(order, (place, i) => Assert.InRange(order.Take(i).Count(before => before < place), place - 3, place));
    }

    [SkippableFact]
    public async Task HostsThatAreLostTogetherGiveEachOtherNoMachine()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await using var watcher = new TestWatcher(fabric);
        var names = ((IHostProvider)fabric.Provider).ListHosts().Select(h => h.Name).Where(n => n != "host3").ToList();
        var lost = await ((IHostProvider)fabric.Provider).LoseHostsAsync(names, fabric.Notices, CancellationToken.None);
        Assert.All(lost, h => Assert.Equal((HostState.Down, 0), (h.State, h.Machines.Count)));
        Assert.Equal("host3", (await fabric.WaitForStateAsync(machine, MachineState.Running)).Host);
    }

    [SkippableFact]
    public async Task AHostIsNotLostWhileAPlaceOnItIsGivenAway()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        Task losing;
        using (fabric.Session.Store.Locks.TryAcquire("placement"))
        {
            losing = hosts.LoseHostsAsync(["host1"], fabric.Notices, CancellationToken.None);
            await Task.Delay(300);
            Assert.Equal(HostState.Up, hosts.FindHost("HOST1")!.State);
        }

        await losing;
        Assert.Equal(HostState.Down, hosts.FindHost("host1")!.State);
    }

    [SkippableFact]
    public async Task AMachineThatNobodyHasRoomForWaitsAndComesBackWhenThereIs()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        foreach (var host in hosts.ListHosts().Where(h => h.Name != machine.Host))
            hosts.RemoveHost(host.Name);
        await using var watcher = new TestWatcher(fabric);
        await hosts.LoseHostsAsync([machine.Host!], fabric.Notices, CancellationToken.None);
        await Until.HoldsAsync(async () => await fabric.LookAsync(machine) is { State: MachineState.Healing, StateReason: { } reason } && reason.Contains("waits to be brought back", StringComparison.Ordinal), () => "It does not wait.");
        hosts.AddHost(new FabricHost { Name = "spare", Cpu = 8, Memory = 8L << 30 });
        Assert.Equal("spare", (await fabric.WaitForStateAsync(machine, MachineState.Running)).Host);
    }

    [SkippableFact]
    public async Task ThereIsOneWatcherAndTheNextOneTakesOver()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await using (var first = new TestWatcher(fabric))
        {
            await TestWatcher.BeginsAsync(first.Notices);
            using var session = fabric.Open();
            Assert.False(await ((IWatchable)session.Provider).WatchAsync(stay: true, fabric.Notices, CancellationToken.None));
        }

        await using var second = new TestWatcher(fabric);
        await DieAndComeBackAsync(fabric, machine);
    }

    private static async Task<VirtualMachine> DieAndComeBackAsync(TestFabric fabric, VirtualMachine machine)
    {
        Kill(fabric, machine);
        var now = machine;
        await Until.HoldsAsync(async () => (now = await fabric.LookAsync(machine)).State == MachineState.Running && now.ProcessId != machine.ProcessId,
            () => $"It did not come back: {now.State} {now.StateReason}");
        return now;
    }

    private static void Kill(TestFabric fabric, VirtualMachine machine)
    {
        var notes = Local.Machines.MachineNotes.Of(fabric.Session.Store.Machines.Find(machine.Id)!);
        File.Delete(SimulatedHypervisor.StateFile(fabric.Layout.Machine(machine.Id, notes.Slot)));
    }
}
