using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Checkpoints;

/// <summary>Checkpoints, with real machines: what is kept is kept, and a tree stays whole.</summary>
public class CheckpointTests
{
    [SkippableFact]
    public async Task ARunningMachineGoesBackToItsCheckpoint()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: tick 1");
        var checkpoint = await CheckpointAsync(fabric, machine, "before patch");
        await fabric.WaitForLineAsync(machine, "^guest: tick 5");
        await RestartAsync(fabric, machine, boots: 2);
        await fabric.StopAsync(machine, force: true);

        machine = await RestoreAsync(fabric, machine, checkpoint);
        Assert.Equal((MachineState.Deallocated, checkpoint.Id), (machine.State, machine.CurrentCheckpoint));
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");   // one boot was kept, so this is the second again
        await RemoveAsync(fabric, machine, checkpoint);
        var after = await fabric.LookAsync(machine);
        Assert.Equal((MachineState.Running, "raw", 0), (after.State, after.Disks[0].Format, after.Checkpoints.Count));
        await fabric.StopAsync(after, force: true);
        Assert.Equal(2u, fabric.BootCount(machine));
        AssertOnlyTheDisk(fabric, machine);
    }

    [SkippableFact]
    public async Task ACheckpointWithMemoryGoesOnInTheMiddleOfTheRun()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: tick 3");
        var checkpoint = await CheckpointAsync(fabric, machine, "live", memory: true);
        Assert.True(checkpoint.HasMemory);
        await fabric.WaitForLineAsync(machine, "^guest: tick 8");
        await fabric.StopAsync(machine, force: true);
        for (var round = 0; round < 2; round++)
        {
            machine = await RestoreAsync(fabric, machine, checkpoint);
            Assert.Equal(MachineState.Suspended, machine.State);
            var from = new FileInfo(fabric.Layout.Machine(machine.Id).Console).Length;
            machine = await fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None);
            Assert.Equal(MachineState.Running, machine.State);
            await fabric.WaitForLineAsync(machine, "^guest: tick 6");
            using var console = new StreamReader(fabric.Layout.Machine(machine.Id).Console);
            console.BaseStream.Position = from;
            Assert.DoesNotContain("guest: boot", await console.ReadToEndAsync(), StringComparison.Ordinal);
            await fabric.StopAsync(machine, force: true);
        }

        Assert.Equal(1u, fabric.BootCount(machine));
        await RemoveAsync(fabric, machine, checkpoint);
        AssertOnlyTheDisk(fabric, machine);
    }

    [SkippableFact]
    public async Task ATreeOfCheckpointsIsMergedInAnyOrder()
    {
        foreach (var order in new[] { new[] { 0, 1, 2, 3 }, [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1] })
        {
            using var fabric = new TestFabric();
            var machine = await fabric.ImportAsync();
            var checkpoints = new List<VmCheckpoint>();

            // Boot 1, checkpoint 0, boot 2, checkpoint 1, boot 3; back to 0; boot 2 again, checkpoint 2, boot 3, checkpoint 3.
            await BootAsync(fabric, machine, 1);
            checkpoints.Add(await CheckpointAsync(fabric, machine, "c0"));
            await BootAsync(fabric, machine, 2);
            checkpoints.Add(await CheckpointAsync(fabric, machine, "c1"));
            await BootAsync(fabric, machine, 3);
            await RestoreAsync(fabric, machine, checkpoints[0]);
            await BootAsync(fabric, machine, 2);
            checkpoints.Add(await CheckpointAsync(fabric, machine, "c2"));
            await BootAsync(fabric, machine, 3);
            checkpoints.Add(await CheckpointAsync(fabric, machine, "c3"));
            Assert.Equal(
                [null, checkpoints[0].Id, checkpoints[0].Id, checkpoints[2].Id],
                (await fabric.LookAsync(machine)).Checkpoints.Select(c => c.ParentId));

            // Removed in any order, half of them while it runs; what is left can still be gone back to.
            await BootAsync(fabric, machine, 4, stop: false);
            foreach (var (index, step) in order.Select((o, i) => (o, i)))
            {
                if (step == 2)
                    await fabric.StopAsync(machine, force: true);
                await RemoveAsync(fabric, machine, checkpoints[index]);
            }

            var after = await fabric.LookAsync(machine);
            Assert.Equal(("raw", 0), (after.Disks[0].Format, after.Checkpoints.Count));
            Assert.Equal(4u, fabric.BootCount(machine));
            AssertOnlyTheDisk(fabric, machine);
        }
    }

    [SkippableFact]
    public async Task SuspendingSavesTheMemoryAndFreesTheProcess()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: tick 2");
        for (var round = 0; round < 3; round++)
        {
            machine = await ((ISuspendProvider)fabric.Provider).SuspendAsync(machine.Id, fabric.Notices, CancellationToken.None);
            Assert.Equal((MachineState.Suspended, null, null), (machine.State, machine.ProcessId, machine.Host));
            Assert.Empty(fabric.QemuProcesses());
            var seen = LastTick(fabric, machine);
            machine = await fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None);
            await fabric.WaitForLineAsync(machine, $"^guest: tick {seen + 2}$");
        }

        Assert.Equal(1u, fabric.BootCount(machine));
        Assert.False(File.Exists(fabric.Layout.Machine(machine.Id).SuspendedMemory));
        await fabric.StopAsync(machine);
    }

    [SkippableFact]
    public async Task ASuspendedMachineCanBeDiscarded()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        await ((ISuspendProvider)fabric.Provider).SuspendAsync(machine.Id, fabric.Notices, CancellationToken.None);
        Assert.Equal("VmStateForbids", (await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(machine))).ErrorId);
        machine = await fabric.StopAsync(machine, force: true);
        Assert.Equal(MachineState.Deallocated, machine.State);
        await BootAsync(fabric, machine, 2);
    }

    [SkippableFact]
    public async Task ADiskIsAddedAndRemovedUnderARunningMachine()
    {
        using var fabric = new TestFabric();
        var editor = (IMachineEditor)fabric.Provider;
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        machine = await editor.AddDiskAsync(machine.Id, 8 << 20, DiskController.Unknown, CancellationToken.None);
        Assert.Equal((2, DiskController.VirtioBlk), (machine.Disks.Count, machine.Disks[1].Controller));
        Assert.Equal("ControllerNotHotPluggable", (await Assert.ThrowsAsync<IaaSException>(() => editor.AddDiskAsync(machine.Id, 8 << 20, DiskController.Ide, CancellationToken.None))).ErrorId);
        await fabric.StopAsync(machine, force: true);
        machine = await editor.AddDiskAsync(machine.Id, 4 << 20, DiskController.Unknown, CancellationToken.None);
        Assert.Equal(["disk0", "disk1", "disk2"], machine.Disks.Select(d => d.Name));
        await BootAsync(fabric, machine, 2);
        machine = await editor.RemoveDiskAsync(machine.Id, "disk1", keepFile: false, CancellationToken.None);
        Assert.False(File.Exists(fabric.Layout.Machine(machine.Id).Disk("disk1")));
        Assert.Equal("BootDisk", (await Assert.ThrowsAsync<IaaSException>(() => editor.RemoveDiskAsync(machine.Id, "disk0", false, CancellationToken.None))).ErrorId);
        await BootAsync(fabric, machine, 3);
    }

    [SkippableFact]
    public async Task WhatIsRefused()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.ImportAsync();
        var checkpoint = await CheckpointAsync(fabric, machine, "one");
        Assert.Equal("CheckpointNameTaken", (await Assert.ThrowsAsync<IaaSException>(() => CheckpointAsync(fabric, machine, "ONE"))).ErrorId);
        Assert.Equal("InvalidCheckpointName", (await Assert.ThrowsAsync<IaaSException>(() => CheckpointAsync(fabric, machine, " "))).ErrorId);
        Assert.Equal("CheckpointNotFound", (await Assert.ThrowsAsync<IaaSException>(() => RestoreAsync(fabric, machine, new VmCheckpoint { Id = Guid.NewGuid() }))).ErrorId);
        Assert.Equal("VmHasCheckpoints", (await Assert.ThrowsAsync<IaaSException>(() => ((IMachineEditor)fabric.Provider).AddDiskAsync(machine.Id, 1 << 20, DiskController.Unknown, CancellationToken.None))).ErrorId);
        await fabric.StartAsync(machine);
        Assert.Equal("VmStateForbids", (await Assert.ThrowsAsync<IaaSException>(() => RestoreAsync(fabric, machine, checkpoint))).ErrorId);
        for (var i = 0; i < 30; i++)
            await CheckpointAsync(fabric, machine, $"c{i}");
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("layers on one another already", StringComparison.Ordinal));
        Assert.Equal("TooManyCheckpoints", (await Assert.ThrowsAsync<IaaSException>(() => CheckpointAsync(fabric, machine, "too many"))).ErrorId);
    }

    private static Task<VmCheckpoint> CheckpointAsync(TestFabric fabric, VirtualMachine machine, string name, bool memory = false) =>
        ((ICheckpointProvider)fabric.Provider).CreateCheckpointAsync(machine.Id, name, memory, fabric.Notices, CancellationToken.None);

    private static Task<VirtualMachine> RestoreAsync(TestFabric fabric, VirtualMachine machine, VmCheckpoint checkpoint) =>
        ((ICheckpointProvider)fabric.Provider).RestoreCheckpointAsync(machine.Id, checkpoint.Id, fabric.Notices, CancellationToken.None);

    private static Task RemoveAsync(TestFabric fabric, VirtualMachine machine, VmCheckpoint checkpoint) =>
        ((ICheckpointProvider)fabric.Provider).RemoveCheckpointAsync(machine.Id, checkpoint.Id, fabric.Notices, CancellationToken.None);

    private static async Task BootAsync(TestFabric fabric, VirtualMachine machine, int boots, bool stop = true)
    {
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, $"^guest: boot {boots}$");
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        if (stop)
            await fabric.StopAsync(machine, force: true);
    }

    private static async Task RestartAsync(TestFabric fabric, VirtualMachine machine, int boots)
    {
        await fabric.StopAsync(machine, force: true);
        await BootAsync(fabric, machine, boots, stop: false);
    }

    private static int LastTick(TestFabric fabric, VirtualMachine machine) =>
        File.ReadLines(fabric.Layout.Machine(machine.Id).Console).Where(l => l.StartsWith("guest: tick ", StringComparison.Ordinal))
            .Select(l => int.Parse(l["guest: tick ".Length..].Trim(), System.Globalization.CultureInfo.InvariantCulture)).Last();

    private static void AssertOnlyTheDisk(TestFabric fabric, VirtualMachine machine) =>
        Assert.Equal(["disk0.raw"], Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder)
            .Where(f => Path.GetExtension(f) is ".raw" or ".qcow2" or ".memory").Select(f => Path.GetFileName(f)!).Order());
}
