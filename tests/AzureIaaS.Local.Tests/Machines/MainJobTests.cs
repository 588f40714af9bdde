using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>What the product is for, with real machines.</summary>
public class MainJobTests
{
    [SkippableFact]
    public async Task AnImageBecomesAMachineThatRemembers()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.ImportAsync("web01");
        Assert.Equal((MachineState.Deallocated, Firmware.Bios, DiskController.Ide), (machine.State, machine.Firmware, machine.Disks[0].Controller));
        Assert.StartsWith("sha256-4m:", machine.Disks[0].Digest, StringComparison.Ordinal);

        machine = await fabric.StartAsync(machine);
        Assert.Equal(MachineState.Running, machine.State);
        Assert.NotNull(machine.ProcessId);
        await fabric.WaitForLineAsync(machine, "^guest: tick 2");

        machine = await fabric.StopAsync(machine);
        Assert.Equal((MachineState.Deallocated, null), (machine.State, machine.ProcessId));
        Assert.Empty(fabric.QemuProcesses());

        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");
        await fabric.StopAsync(machine, force: true);
        Assert.Equal(2u, fabric.BootCount(machine));
        Assert.Equal(0u, BootSectorGuest.ReadBootCount(Path.Combine(fabric.Folder, "web01.raw")));
    }

    [SkippableFact]
    public async Task WaitingSeesTheGuestsFirstSignOfLife()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        Assert.False(machine.BootVerified);
        var result = await fabric.Provider.WaitAsync(machine.Id, new WaitOptions { Timeout = TimeSpan.FromSeconds(60) }, fabric.Notices, CancellationToken.None);
        Assert.True(result.Seen);
        Assert.Contains("guest: boot 1", result.Evidence, StringComparison.Ordinal);
        Assert.True((await fabric.LookAsync(machine)).BootVerified);
        Assert.False((await fabric.StopAsync(machine, force: true)).BootVerified);
    }

    [SkippableFact]
    public async Task ASilentGuestIsJudgedHonestly()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { SilentConsole = true }));
        var result = await fabric.Provider.WaitAsync(machine.Id, new WaitOptions { Timeout = TimeSpan.FromSeconds(3) }, fabric.Notices, CancellationToken.None);
        Assert.False(result.Seen);
        Assert.Equal((MachineState.Running, false), (result.Machine.State, result.Machine.BootVerified));
        Assert.Contains("said nothing", result.Evidence, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AMachineThatFindsNothingToBootIsNotAlive()
    {
        using var fabric = new TestFabric();
        var path = Path.Combine(fabric.Folder, "empty.raw");
        await File.WriteAllBytesAsync(path, new byte[1 << 20]);
        var machine = await fabric.Session.Imports.ImportAsync(new() { Path = path, Memory = 32 << 20 }, fabric.Notices, CancellationToken.None);
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("No boot loader", StringComparison.Ordinal));
        await fabric.StartAsync(machine);
        var result = await fabric.Provider.WaitAsync(machine.Id, new WaitOptions { Timeout = TimeSpan.FromSeconds(4) }, fabric.Notices, CancellationToken.None);
        Assert.False(result.Seen);
    }

    [SkippableFact]
    public async Task AGuestThatPowersItselfOffIsStoppedAndWhyIsKnown()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { PowersOffAfterTicks = 1 }));
        machine = await fabric.WaitForStateAsync(machine, MachineState.Stopped);
        Assert.Equal("The guest powered itself off.", machine.StateReason);
        Assert.Empty(fabric.QemuProcesses());
        await fabric.StartAsync(machine);
        await fabric.WaitForStateAsync(machine, MachineState.Stopped);
        Assert.Equal(2u, fabric.BootCount(machine));
    }

    [SkippableFact]
    public async Task AGuestThatRestartsGoesOnInItsProcess()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { RebootsAfterTicks = 1 }));
        await fabric.WaitForLineAsync(machine, "^guest: boot 3$");
        Assert.Equal(machine.ProcessId, (await fabric.LookAsync(machine)).ProcessId);
    }

    [SkippableFact]
    public async Task AGuestThatPanicsHasFailedAndSaysSo()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { PanicsAfterTicks = 1 }));
        machine = await fabric.WaitForStateAsync(machine, MachineState.Failed);
        Assert.Contains("panicked", machine.StateReason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AGuestThatIgnoresThePowerButtonIsWaitedForInVainAndStillRuns()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { IgnorePowerButton = true }));
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        var options = new StopOptions { Timeout = TimeSpan.FromSeconds(1) };
        var error = await Assert.ThrowsAsync<IaaSException>(() => fabric.Provider.StopAsync(machine.Id, options, fabric.Notices, CancellationToken.None));
        Assert.Equal(("ShutdownTimeout", ErrorKind.Timeout), (error.ErrorId, error.Kind));
        Assert.Equal(MachineState.Running, (await fabric.LookAsync(machine)).State);
        Assert.Equal(MachineState.Deallocated, (await fabric.StopAsync(machine, force: true)).State);
    }

    [SkippableFact]
    public async Task ThePlugCanBePulledWhileAnotherShellWaitsForTheGuest()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { IgnorePowerButton = true }));
        var waiting = fabric.StopAsync(machine);
        await fabric.WaitForStateAsync(machine, MachineState.Stopping);
        using var other = fabric.Open();
        await other.Provider.StopAsync(machine.Id, new StopOptions { Force = true }, fabric.Notices, CancellationToken.None);
        Assert.Equal(MachineState.Deallocated, (await waiting).State);
    }

    [SkippableFact]
    public async Task AStopThatIsCancelledLeavesTheMachineRunning()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync(options: new BootSectorOptions { IgnorePowerButton = true }));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fabric.Provider.StopAsync(machine.Id, new StopOptions(), fabric.Notices, stop.Token));
        Assert.Equal(MachineState.Running, (await fabric.LookAsync(machine)).State);
    }

    [SkippableFact]
    public async Task StayProvisionedKeepsItsPlace()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        var host = machine.Host;
        machine = await fabric.Provider.StopAsync(machine.Id, new StopOptions { StayProvisioned = true }, fabric.Notices, CancellationToken.None);
        Assert.Equal((MachineState.Stopped, host), (machine.State, machine.Host));
        machine = await fabric.StopAsync(machine);
        Assert.Equal((MachineState.Deallocated, null), (machine.State, machine.Host));
    }

    [SkippableFact]
    public async Task AProcessThatIsHaltedIsUnknownAndComesBack()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        await Signals.SendAsync("STOP", machine.ProcessId!.Value);
        var seen = await fabric.LookAsync(machine);
        Assert.Equal(MachineState.Unknown, seen.State);
        Assert.Contains("SIGSTOP", seen.StateReason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(machine));
        await Signals.SendAsync("CONT", machine.ProcessId!.Value);
        Assert.Equal(MachineState.Running, (await fabric.LookAsync(machine)).State);
    }

    [SkippableFact]
    public async Task AMachineThatNeedsMoreMemoryThanThereIsIsRefused()
    {
        using var fabric = new TestFabric();
        var request = new AzureIaaS.Imports.ImportRequest { Path = fabric.Guest(), Memory = 20L << 40 };
        var machine = await fabric.Session.Imports.ImportAsync(request, fabric.Notices, CancellationToken.None);
        Assert.Equal("NoHostFits", (await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(machine))).ErrorId);

        // A simulated host may offer more than this computer has; what runs may not take more.
        ((IHostProvider)fabric.Provider).AddHost(new FabricHost { Name = "giant", Cpu = 64, Memory = 64L << 40 });
        var error = await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(machine));
        Assert.Equal(("NotEnoughMemory", ErrorKind.NoCapacity), (error.ErrorId, error.Kind));
        Assert.Equal(MachineState.Deallocated, (await fabric.LookAsync(machine)).State);
    }

    [SkippableFact]
    public async Task RemovingLeavesNothing()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var refused = await Assert.ThrowsAsync<IaaSException>(() => fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, fabric.Notices, CancellationToken.None));
        Assert.Equal("VmStateForbids", refused.ErrorId);
        await fabric.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, fabric.Notices, CancellationToken.None);
        Assert.Empty(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Empty(fabric.QemuProcesses());
        Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
        Assert.Empty(TestFabric.Entries(fabric.Layout.Run));
        await fabric.ImportAsync();
    }

    [SkippableTheory]
    [InlineData(DiskController.Ide)]
    [InlineData(DiskController.Sata)]
    [InlineData(DiskController.VirtioBlk)]
    [InlineData(DiskController.VirtioScsi)]
    [InlineData(DiskController.Pvscsi)]
    [InlineData(DiskController.LsiSas)]
    [InlineData(DiskController.Nvme)]
    public async Task AGuestBootsFromEveryController(DiskController controller)
    {
        using var fabric = new TestFabric();
        var request = new AzureIaaS.Imports.ImportRequest { Path = fabric.Guest(), Memory = 32 << 20, Controller = controller };
        var machine = await fabric.StartAsync(await fabric.Session.Imports.ImportAsync(request, fabric.Notices, CancellationToken.None));
        await fabric.WaitForLineAsync(machine, "^guest: ready");
    }

    [SkippableFact]
    public async Task QemuIsConfined()
    {
        Skip.If(Confinement.LandlockVersion == 0, "this kernel has no Landlock");
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var status = await File.ReadAllTextAsync($"/proc/{machine.ProcessId}/status");
        Assert.Matches(@"CapEff:\s+0{16}\n", status);
        Assert.Matches(@"NoNewPrivs:\s+1\n", status);
        Assert.Matches(@"Seccomp:\s+2\n", status);
    }
}
