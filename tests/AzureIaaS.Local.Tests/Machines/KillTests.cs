using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>kill -9 of anything at any moment; the next command tells the truth, and nothing is lost.</summary>
public class KillTests
{
    private readonly Random _random = new(20);

    [SkippableFact]
    public async Task AShellKilledWhileItStartsAMachine()
    {
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        var machine = await fabric.ImportAsync("web01");
        for (var round = 0; round < 8 * Soak.Factor; round++)
        {
            using (var shell = Iaas.Start(fabric, "start", "web01"))
            {
                await Task.Delay(_random.Next(50, 450));
                shell.Kill();
                await shell.WaitForExitAsync();
            }

            var before = fabric.BootCount(machine);
            var found = await fabric.LookAsync(machine);
            for (var i = 0; i < 100 && found.State == MachineState.Unknown; i++)   // a process that gets no processor does not answer, and is not said to
            {
                await Task.Delay(100);
                found = await fabric.LookAsync(machine);
            }

            Assert.True(found.State is MachineState.Running or MachineState.Deallocated, $"round {round}: {found.State} {found.StateReason}");
            Assert.Equal(found.State == MachineState.Running ? 1 : 0, fabric.QemuProcesses().Count);
            found = await fabric.StartAsync(found);
            await fabric.WaitForLineAsync(found, "^guest: ready");
            Assert.Single(fabric.QemuProcesses());
            Assert.InRange(fabric.BootCount(machine), before, before + 1);
            await fabric.StopAsync(found, force: true);
        }
    }

    [SkippableFact]
    public async Task AMachineKilledWhileItRuns()
    {
        using var fabric = new TestFabric();
        var machine = await fabric.ImportAsync("web01", new BootSectorOptions { WritesEveryTick = true });
        for (uint round = 1; round <= 6 * Soak.Factor; round++)
        {
            machine = await fabric.StartAsync(machine);
            await fabric.WaitForLineAsync(machine, $"^guest: boot {round}$");
            await fabric.WaitForLineAsync(machine, "^guest: tick 1");
            Assert.True(await ProcessTable.KillAsync(ProcessTable.Find(machine.ProcessId!.Value)!, TimeSpan.FromSeconds(10)));
            var acknowledged = LastTick(fabric, machine);
            var found = await fabric.LookAsync(machine);
            Assert.Equal(MachineState.Healing, found.State);
            Assert.Contains("ended unexpectedly", found.StateReason, StringComparison.Ordinal);
            Assert.Equal(round, fabric.BootCount(machine));
            Assert.True(BootSectorGuest.ReadWriteCount(machine.Disks[0].Path) >= acknowledged, "a write that was acknowledged is lost");
        }
    }

    [SkippableFact]
    public async Task AnImportKilledAtAnyMomentIsInvisibleAndEndsCleanly()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await Iaas.ConnectAsync(fabric);
        var path = BigImage(fabric);
        var expected = Digest(path);
        var (resumed, undone) = (0, 0);
        for (var round = 0; round < 12 * Soak.Factor; round++)
        {
            using (var shell = Iaas.Start(fabric, "import", path, "--name", "big"))
            {
                // Most rounds are aimed at the work itself; the others hit whenever they do.
                while (round % 4 != 3 && !shell.HasExited && fabric.Session.ListOperations(includeEnded: false).Count == 0)
                    await Task.Delay(5);
                await Task.Delay(_random.Next(0, round % 4 == 3 ? 700 : 150));
                shell.Kill();
                await shell.WaitForExitAsync();
            }

            var operation = fabric.Session.ListOperations(includeEnded: false).SingleOrDefault();
            var machines = await fabric.Session.ListAsync(CancellationToken.None);
            Assert.True(machines.Count + (operation is null ? 0 : 1) <= 1);
            if (operation is null)
            {
                foreach (var machine in machines)
                    await EndAsync(fabric, machine, expected);
                continue;
            }

            Assert.Equal(OperationState.Interrupted, operation.State);
            switch (round % 3)
            {
                case 0:
                    await fabric.Session.UndoOperationAsync(operation.Id, fabric.Notices);
                    undone++;
                    break;
                case 1:
                    await EndAsync(fabric, (await fabric.Session.ResumeOperationAsync(operation.Id, fabric.Notices, CancellationToken.None))!, expected);
                    resumed++;
                    break;
                default:
                    await EndAsync(fabric, await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path, Name = "big" }, fabric.Notices, CancellationToken.None), expected);
                    resumed++;
                    break;
            }

            Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
            Assert.Empty(await fabric.Session.ListAsync(CancellationToken.None));
            Assert.Empty(TestFabric.Entries(fabric.Layout.Imports));
            Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
        }

        Assert.True(resumed > 0 && undone > 0, $"the rounds did not meet what they are for: {resumed} resumed, {undone} undone");
    }

    [SkippableFact]
    public async Task ASourceThatChangedMeanwhileIsNotResumed()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await Iaas.ConnectAsync(fabric);
        var path = BigImage(fabric);
        Operation? operation = null;
        for (var attempt = 0; operation is null && attempt < 20; attempt++)
        {
            using var shell = Iaas.Start(fabric, "import", path, "--name", $"big{attempt}");
            while (!shell.HasExited && fabric.Session.ListOperations(includeEnded: false).Count == 0)
                await Task.Delay(5);
            shell.Kill();
            await shell.WaitForExitAsync();
            operation = fabric.Session.ListOperations(includeEnded: false).FirstOrDefault();
        }

        Assert.NotNull(operation);
        File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var error = await Assert.ThrowsAsync<IaaSException>(() => fabric.Session.ResumeOperationAsync(operation.Id, fabric.Notices, CancellationToken.None));
        Assert.Equal("SourceChanged", error.ErrorId);
        await fabric.Session.UndoOperationAsync(operation.Id, fabric.Notices);
        Assert.Empty(TestFabric.Entries(fabric.Layout.Imports));
    }

    private static uint LastTick(TestFabric fabric, VirtualMachine machine)
    {
        var line = File.ReadLines(fabric.Layout.Machine(machine.Id).Console).LastOrDefault(l => l.StartsWith("guest: tick ", StringComparison.Ordinal) && l.EndsWith('\r'));
        return line is null ? 0 : uint.Parse(line["guest: tick ".Length..].Trim(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>An image whose copy takes long enough to be killed in the middle.</summary>
    private static string BigImage(TestFabric fabric)
    {
        var path = fabric.Guest("big", length: 256 << 20);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        var block = new byte[1 << 20];
        new Random(5).NextBytes(block);
        for (var at = 1 << 20; at < 250 << 20; at += block.Length)
        {
            block[0] = (byte)(at >> 20);
            file.Position = at;
            file.Write(block);
        }

        return path;
    }

    private static string Digest(string path)
    {
        var list = new List<byte>();
        using var file = File.OpenRead(path);
        var block = new byte[Disks.DiskDigest.BlockSize];
        int read;
        while ((read = file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false)) > 0)
            list.AddRange(System.Security.Cryptography.SHA256.HashData(block.AsSpan(0, read)));
        return Disks.DiskDigest.Describe([.. list]);
    }

    private static async Task EndAsync(TestFabric fabric, VirtualMachine machine, string expected)
    {
        Assert.Equal(expected, machine.Disks[0].Digest);
        Assert.Equal(expected, Digest(machine.Disks[0].Path));
        await fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, fabric.Notices, CancellationToken.None);
    }
}
