using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Tests.Sagas;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Failover;

/// <summary>What goes wrong around a failover, and what must hold all the same.</summary>
public class FailoverTroubleTests
{
    [SkippableFact]
    public async Task NoAcknowledgedWriteIsLost()
    {
        using var fabric = new TestFabric();
        var hosts = (IHostProvider)fabric.Provider;
        await using var watcher = new TestWatcher(fabric);
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true }));
        for (var round = 0; round < 6 * Soak.Factor; round++)
        {
            await fabric.WaitForLineAsync(machine, "^guest: tick [3-9]");
            var before = await fabric.LookAsync(machine);
            switch (round % 3)
            {
                case 0:
                    await Signals.SendAsync("KILL", before.ProcessId!.Value);
                    break;
                case 1:
                    Assert.Equal(FailoverOutcome.Succeeded, (await FailOverAsync(fabric.Provider, machine, FailoverKind.Unplanned, new ProcessCheck())).Outcome);
                    break;
                default:
                    await hosts.LoseHostsAsync([before.Host!], fabric.Notices, CancellationToken.None);
                    break;
            }

            machine = await ComeBackAsync(fabric, before);
            await fabric.WaitForLineAsync(machine, "^guest: ready");

            // Ticks begin anew with each life: what counts was said before the last one began, however late this is read.
            var all = (await File.ReadAllTextAsync(fabric.Layout.Machine(machine.Id).Console)).Split("\r\n").ToList();
            var begun = all.FindLastIndex(l => l.StartsWith("guest: found ", StringComparison.Ordinal));
            var (found, acknowledged) = (all[begun], all.Take(begun).Last(l => l.StartsWith("guest: tick ", StringComparison.Ordinal)));
            Assert.True(Number(found) >= Number(acknowledged), $"round {round}: '{acknowledged}' was acknowledged, and '{found}'");
            foreach (var host in hosts.ListHosts().Where(h => h.State == HostState.Down))
                await hosts.ResumeHostAsync(host.Name, bringBack: false, fabric.Notices, CancellationToken.None);
        }
    }

    [SkippableTheory]
    [InlineData(HypervisorKind.Simulated)]
    [InlineData(HypervisorKind.Qemu)]
    public async Task TwoFailoversOfOneMachineAreOneAfterTheOther(HypervisorKind hypervisor)
    {
        using var fabric = new TestFabric(hypervisor);
        using var other = fabric.Open();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var reports = await Task.WhenAll(
            FailOverAsync(fabric.Provider, machine, FailoverKind.Unplanned, new ProcessCheck()), FailOverAsync(other.Provider, machine, FailoverKind.Unplanned, new ProcessCheck()));
        Assert.All(reports, r => Assert.True(r.Outcome == FailoverOutcome.Succeeded, r.Error));
        Assert.Equal(MachineState.Running, (await fabric.LookAsync(machine)).State);
        if (hypervisor == HypervisorKind.Qemu)
            Assert.Single(fabric.QemuProcesses());
    }

    [SkippableFact]
    public async Task AFailoverWaitsForAStartThatIsUnderWay()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        using var other = fabric.Open();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var store = fabric.Session.Store;
        void Note(MachineState state)
        {
            var stored = store.Machines.Find(machine.Id)!;
            stored.Machine.State = state;
            store.Machines.Update(stored);
        }

        Task<FailoverReport> failover;
        using (await store.Locks.AcquireAsync($"machine-{machine.Id:N}", TimeSpan.FromSeconds(10), CancellationToken.None))
        {
            // As another process has it while it starts the machine, and for longer than anybody looks.
            Note(MachineState.Starting);
            failover = Task.Run(() => FailOverAsync(other.Provider, machine, FailoverKind.Unplanned, new ProcessCheck()));
            await Task.Delay(1000);
            Assert.False(failover.IsCompleted);
            Note(MachineState.Running);
        }

        var report = await failover;
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        Assert.Equal((machine.Host, MachineState.Running), (report.SourceHost, (await fabric.LookAsync(machine)).State));
    }

    [SkippableFact]
    public async Task ACheckThatIsNotMetInTimeFails()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var report = await FailOverAsync(fabric.Provider, machine, FailoverKind.Test, new ConsoleCheck("it never says this") { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Equal((FailoverOutcome.Failed, null), (report.Outcome, report.Rto));
        Assert.Contains("was not seen within 1 s", report.Error, StringComparison.Ordinal);
        Assert.Single(fabric.Session.Store.Machines.List());
    }

    [SkippableFact]
    public async Task WhenTheLastHostIsLostMachinesWaitForOne()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await using var watcher = new TestWatcher(fabric);
        foreach (var host in hosts.ListHosts())
            await hosts.LoseHostsAsync([host.Name], fabric.Notices, CancellationToken.None);
        await Until.HoldsAsync(async () => await fabric.LookAsync(machine) is { State: MachineState.Healing, Host: null }, () => "It does not wait.");
        var second = await fabric.ImportAsync("second");
        Assert.Equal("NoHostFits", (await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(second))).ErrorId);
        await hosts.ResumeHostAsync("host2", bringBack: false, fabric.Notices, CancellationToken.None);
        Assert.Equal("host2", (await fabric.WaitForStateAsync(machine, MachineState.Running)).Host);
    }

    [SkippableFact]
    public async Task WhatIsHaltedOrSleptIsNotBroughtBack()
    {
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: tick 1");
        using var watcher = Iaas.Start(fabric, "fabric", "watch");
        await Task.Delay(1500);

        // As a debugger or an operator halts it: the watcher sees that it does not answer, and leaves it be.
        await Signals.SendAsync("STOP", machine.ProcessId!.Value);
        await Task.Delay(3000);
        await fabric.WaitForStateAsync(machine, MachineState.Unknown);

        // As a laptop that is shut: the watcher too stands still, and much time has passed when both go on.
        await Signals.SendAsync("STOP", watcher.Id);
        await Task.Delay(3000);
        await Signals.SendAsync("CONT", watcher.Id);
        await Signals.SendAsync("CONT", machine.ProcessId!.Value);
        await Task.Delay(2000);
        var after = await fabric.WaitForStateAsync(machine, MachineState.Running);
        Assert.Equal((MachineState.Running, machine.ProcessId), (after.State, after.ProcessId));
        Assert.Empty(fabric.Session.Store.Reports.List(machine.Id));
        watcher.Kill();
    }

    [SkippableTheory]
    [InlineData(FailoverKind.Unplanned)]
    [InlineData(FailoverKind.Planned)]
    [InlineData(FailoverKind.Test)]
    public async Task AFailoverWhoseCommandDiedIsReported(FailoverKind kind)
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await Iaas.ConnectAsync(fabric);
        var machine = await fabric.StartAsync(await fabric.ImportAsync("web01"));
        using (var command = Iaas.Start(fabric, "failover", "web01", "--kind", kind.ToString(), "--check", "process", "--pattern", "it never says this", "--check-timeout", "2"))
        {
            // Killed in its checks: the machine, or its clone, runs on another host by then.
            while (fabric.Session.Store.Machines.List().Select(m => m.Machine).All(m => m.State != MachineState.Running || m.Host == machine.Host))
            {
                Assert.False(command.HasExited, "the command ended too soon");
                await Task.Delay(10);
            }

            command.Kill();
            await command.WaitForExitAsync();
        }

        Assert.Equal(FailoverOutcome.NotRun, Assert.Single(fabric.Session.Store.Reports.ListOpen()).Outcome);
        await using var watcher = new TestWatcher(fabric);
        await Until.HoldsAsync(() => fabric.Session.Store.Reports.ListOpen().Count == 0, "The report stays open.");
        var report = Assert.Single(fabric.Session.Store.Reports.List(machine.Id));
        Assert.Equal((kind, FailoverOutcome.Failed), (report.Kind, report.Outcome));
        var after = await SagaTrial.LookAsync(fabric, machine);
        Assert.Equal(MachineState.Running, after.State);
        Assert.Single(fabric.Session.Store.Machines.List());
        if (kind == FailoverKind.Test)
        {
            Assert.Contains("Its clone is discarded", report.Error, StringComparison.Ordinal);
            Assert.All(report.Checks, c => Assert.Contains("was cut off", c.Detail, StringComparison.Ordinal));
            Assert.Equal(machine.Host, after.Host);
            return;
        }

        // The checks were made again by the watcher, and what the console never says, it did not say then either.
        Assert.Equal([FailoverOutcome.Succeeded, FailoverOutcome.Failed], report.Checks.Select(c => c.Outcome));
        Assert.Contains("was not seen within 2 s", report.Error, StringComparison.Ordinal);
        Assert.Equal(after.Host, report.TargetHost);
        Assert.NotEqual(machine.Host, after.Host);
    }

    private static uint Number(string line) => uint.Parse(line.Split(' ')[^1].Trim(), System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<VirtualMachine> ComeBackAsync(TestFabric fabric, VirtualMachine before)
    {
        var now = before;
        await Until.HoldsAsync(async () => (now = await fabric.LookAsync(before)).State == MachineState.Running && now.ProcessId != before.ProcessId,
            () => $"It did not come back: {now.State} {now.StateReason}");
        return now;
    }

    private static Task<FailoverReport> FailOverAsync(IVmProvider provider, VirtualMachine machine, FailoverKind kind, params FailoverCheck[] checks) =>
        ((IFailoverProvider)provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = kind, Checks = checks }, new Notices(), CancellationToken.None);
}
