using System.Globalization;
using System.Text.RegularExpressions;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Failover;

/// <summary>The three kinds of failover, with real machines, and what is refused.</summary>
public class FailoverTests
{
    [SkippableFact]
    public async Task APlannedFailoverKeepsTheGuestsMemory()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true }));
        await fabric.WaitForLineAsync(machine, "^guest: tick 2");
        for (var round = 0; round < 3 * Soak.Factor; round++)
        {
            var report = await FailOverAsync(fabric, machine, FailoverKind.Planned);
            Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
            Assert.Equal((machine.Host, TimeSpan.Zero), (report.SourceHost, report.Rpo));
            Assert.NotEqual(report.SourceHost, report.TargetHost);
            Assert.True(report.Downtime < TimeSpan.FromSeconds(5));
            var after = await fabric.LookAsync(machine);
            Assert.Equal((MachineState.Running, report.TargetHost), (after.State, after.Host));
            Assert.NotEqual(machine.ProcessId, after.ProcessId);
            Assert.Single(fabric.QemuProcesses());
            machine = after;
        }

        var last = Ticks(fabric, machine)[^1];
        await fabric.WaitForLineAsync(machine, $"^guest: tick {last + 2}");
        var ticks = Ticks(fabric, machine);
        Assert.Equal(Enumerable.Range(1, ticks.Count), ticks);
        Assert.Equal(1u, fabric.BootCount(machine));
        Assert.Equal(3 * Soak.Factor, fabric.Session.Store.Reports.List(machine.Id).Count);
        Assert.Equal(MachineState.Deallocated, (await fabric.StopAsync(machine)).State);
    }

    [SkippableFact]
    public async Task AnUnplannedFailoverStartsElsewhereOnTheDisk()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        var report = await FailOverAsync(fabric, machine, FailoverKind.Unplanned, new ConsoleCheck("^guest: boot 2$") { Timeout = TimeSpan.FromSeconds(60) });
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        Assert.NotEqual(report.SourceHost, report.TargetHost);
        Assert.Equal(["fence", "start elsewhere", "check"], report.Steps.Select(s => s.Name));
        Assert.InRange(report.Rto!.Value, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(60));
        Assert.Equal(2u, fabric.BootCount(machine));
        Assert.Single(fabric.QemuProcesses());
    }

    [SkippableFact]
    public async Task ARehearsalLeavesTheOriginalAsItWas()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true }));
        await fabric.WaitForLineAsync(machine, "^guest: tick 2");
        var report = await FailOverAsync(fabric, machine, FailoverKind.Test, new ConsoleCheck("^guest: boot 2$") { Timeout = TimeSpan.FromSeconds(60) });
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        Assert.Equal(["freeze", "clone", "start", "check", "discard", "merge"], report.Steps.Select(s => s.Name));
        Assert.True(report.Rto < report.Ended - report.Started);

        var after = await fabric.LookAsync(machine);
        Assert.Equal((MachineState.Running, machine.ProcessId, machine.Host), (after.State, after.ProcessId, after.Host));
        Assert.Empty(after.Checkpoints);
        Assert.Equal(machine.Disks[0].Path, after.Disks[0].Path);
        Assert.Single(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Single(fabric.QemuProcesses());
        Assert.Equal(["console.log", "disk0.digests", "disk0.raw", "qemu.log"], Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder).Select(f => Path.GetFileName(f)!).Order());
        Assert.Single(TestFabric.Entries(fabric.Layout.Machines));

        var last = Ticks(fabric, machine)[^1];
        await fabric.WaitForLineAsync(machine, $"^guest: tick {last + 2}");
        var ticks = Ticks(fabric, machine);
        Assert.Equal(Enumerable.Range(1, ticks.Count), ticks);
        await fabric.StopAsync(machine, force: true);
        Assert.Equal(1u, fabric.BootCount(machine));
        Assert.True(BootSectorGuest.ReadWriteCount(machine.Disks[0].Path) >= ticks[^1], "writes during the rehearsal are missing on the disk");
    }

    [SkippableFact]
    public async Task ARehearsalOfAStoppedMachine()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.ImportAsync();
        var before = await File.ReadAllBytesAsync(machine.Disks[0].Path);
        var report = await FailOverAsync(fabric, machine, FailoverKind.Test, new ConsoleCheck("^guest: ready") { Timeout = TimeSpan.FromSeconds(60) });
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        Assert.Equal(before, await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.Equal(MachineState.Deallocated, (await fabric.LookAsync(machine)).State);
        Assert.Empty(fabric.QemuProcesses());
    }

    [SkippableFact]
    public async Task TheOriginalMayDieAndComeBackDuringItsRehearsal()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true }));
        await fabric.WaitForLineAsync(machine, "^guest: tick 2");
        await using var watcher = new TestWatcher(fabric);
        var options = new FailoverOptions { Kind = FailoverKind.Test, Checks = [new DisturbingCheck(async () =>
        {
            await Signals.SendAsync("KILL", machine.ProcessId!.Value);
            await fabric.WaitForLineAsync(await fabric.WaitForStateAsync(machine, MachineState.Running), "^guest: boot 2$");
        })] };
        var report = await ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        await fabric.WaitForLineAsync(machine, "^guest: tick 3");
        await fabric.StopAsync(machine, force: true);
        Assert.Equal(2u, fabric.BootCount(machine));
        Assert.Equal("raw", (await fabric.LookAsync(machine)).Disks[0].Format);
    }

    [SkippableFact]
    public async Task ACheckThatFailsFailsTheReportAndIsClearedAwayAllTheSame()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var options = new FailoverOptions
        {
            Kind = FailoverKind.Test,
            Checks = [new ProcessCheck(), new DisturbingCheck(() => throw new InvalidOperationException("the web server says 500")), new ProcessCheck()],
        };
        var report = await ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.Equal(FailoverOutcome.Failed, report.Outcome);
        Assert.Equal([FailoverOutcome.Succeeded, FailoverOutcome.Failed, FailoverOutcome.NotRun], report.Checks.Select(c => c.Outcome));
        Assert.Contains("the web server says 500", report.Error, StringComparison.Ordinal);
        Assert.Null(report.Rto);
        Assert.Single(TestFabric.Entries(fabric.Layout.Machines));
        Assert.Empty((await fabric.LookAsync(machine)).Checkpoints);
    }

    [SkippableFact]
    public async Task ACancelledRehearsalIsClearedAway()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        using var stop = new CancellationTokenSource();
        var options = new FailoverOptions { Kind = FailoverKind.Test, Checks = [new DisturbingCheck(async () =>
        {
            await stop.CancelAsync();
            stop.Token.ThrowIfCancellationRequested();
        })] };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, options, fabric.Notices, stop.Token));
        Assert.Single(TestFabric.Entries(fabric.Layout.Machines));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
        Assert.Empty((await fabric.LookAsync(machine)).Checkpoints);
    }

    [SkippableFact]
    public async Task AStoppedMachineIsNotFailedOver()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.ImportAsync();
        foreach (var kind in new[] { FailoverKind.Planned, FailoverKind.Unplanned })
            Assert.Equal("VmStateForbids", (await Assert.ThrowsAsync<IaaSException>(() => FailOverAsync(fabric, machine, kind))).ErrorId);
    }

    [SkippableFact]
    public async Task WithoutAnotherHostNothingIsKilled()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var hosts = (IHostProvider)fabric.Provider;
        foreach (var host in hosts.ListHosts().Where(h => h.Name != machine.Host))
            hosts.RemoveHost(host.Name);
        foreach (var kind in new[] { FailoverKind.Planned, FailoverKind.Unplanned })
        {
            var report = await FailOverAsync(fabric, machine, kind);
            Assert.Equal(FailoverOutcome.Failed, report.Outcome);
            Assert.Contains("No host can take", report.Error, StringComparison.Ordinal);
            var after = await fabric.LookAsync(machine);
            Assert.Equal((MachineState.Running, machine.ProcessId, machine.Host), (after.State, after.ProcessId, after.Host));
        }
    }

    [SkippableFact]
    public async Task DrainingEmptiesAHostAndBringsBackOnlyWhenAsked()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var hosts = (IHostProvider)fabric.Provider;
        var machines = new List<VirtualMachine>();
        for (var i = 0; i < 3; i++)
            machines.Add(await fabric.StartAsync(await fabric.ImportAsync($"vm{i}")));
        var home = machines[0].Host!;
        var result = await hosts.DrainHostAsync(home, fabric.Notices, CancellationToken.None);
        Assert.Equal((HostState.Draining, 0), (result.Host.State, result.Host.Machines.Count));
        Assert.Equal(machines.Where(m => m.Host == home).Select(m => m.Name), result.Moved.Select(m => m.Name));
        Assert.All(await fabric.Session.ListAsync(CancellationToken.None), m => Assert.Equal(MachineState.Running, m.State));
        Assert.Empty((await hosts.ResumeHostAsync(home, bringBack: false, fabric.Notices, CancellationToken.None)).Machines);
        Assert.Equal(result.Moved.Select(m => m.Name), (await hosts.ResumeHostAsync(home, bringBack: true, fabric.Notices, CancellationToken.None)).Machines);
    }

    [SkippableFact]
    public async Task AMachineThatCannotLeaveIsNamed()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync("stuck"));
        var hosts = (IHostProvider)fabric.Provider;
        foreach (var host in hosts.ListHosts().Where(h => h.Name != machine.Host))
            hosts.RemoveHost(host.Name);
        var result = await hosts.DrainHostAsync(machine.Host!, fabric.Notices, CancellationToken.None);
        Assert.Equal("stuck", Assert.Single(result.Stayed).Machine.Name);
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("stuck stays on", StringComparison.Ordinal));
        Assert.Equal("HostNotEmpty", Assert.Throws<IaaSException>(() => hosts.RemoveHost(machine.Host!)).ErrorId);
        Assert.Equal(MachineState.Running, (await fabric.LookAsync(machine)).State);
    }

    private static Task<FailoverReport> FailOverAsync(TestFabric fabric, VirtualMachine machine, FailoverKind kind, params FailoverCheck[] checks) =>
        ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = kind, Checks = checks }, fabric.Notices, CancellationToken.None);

    private static List<int> Ticks(TestFabric fabric, VirtualMachine machine) =>
    [
        .. Regex.Matches(File.ReadAllText(fabric.Layout.Machine(machine.Id).Console), @"guest: tick (\d+)\r\n").Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)),
    ];

    private sealed class DisturbingCheck(Func<Task> work) : FailoverCheck
    {
        public override string Name => "Disturbance";

        public override async Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
        {
            await work();
            return (true, "disturbed");
        }
    }
}
