using AzureIaaS.Failover;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Local.Tests.Fabric;

/// <summary>What the watcher does besides healing, and when it ends.</summary>
public class WatcherTests
{
    [SkippableFact]
    public async Task ItSeesTheFirstSignOfLifeOfWhatNobodyWaitsFor()
    {
        using var fabric = new TestFabric();
        await using var watcher = new TestWatcher(fabric);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        Assert.False(machine.BootVerified);
        machine = await VerifiedAsync(fabric, machine);
        Assert.Contains("guest: boot 1", machine.BootEvidence, StringComparison.Ordinal);

        // What gave a sign before must give one again before it is called recovered.
        await Signals.SendAsync("KILL", machine.ProcessId!.Value);
        await fabric.WaitForStateAsync(machine, MachineState.Running);
        machine = await VerifiedAsync(fabric, machine);
        Assert.Contains("guest: boot 2", machine.BootEvidence, StringComparison.Ordinal);
        var report = Assert.Single(fabric.Session.Store.Reports.List(machine.Id));
        Assert.Equal([("Process", FailoverOutcome.Succeeded), ("SignOfLife", FailoverOutcome.Succeeded)], report.Checks.Select(c => (c.Name, c.Outcome)));
        Assert.Equal(report.Checks[1].After, report.Rto);
        Assert.True(report.Checks[1].After > report.Checks[0].After);
    }

    [SkippableFact]
    public async Task ItKeepsConsolesWithinTheirBound()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        var log = fabric.Layout.Machine(machine.Id).Console;
        await File.AppendAllTextAsync(log, string.Concat(Enumerable.Repeat(new string('x', 1023) + "\n", 24 << 10)));
        var full = Allocated(log);
        await using var watcher = new TestWatcher(fabric);
        await Until.HoldsAsync(() => Allocated(log) < full, "The log is not bounded.");
        Assert.InRange(Allocated(log), 1, full / 2);
        Assert.EndsWith("xxx\n", await File.ReadAllTextAsync(log), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task ItEndsWithItsFabricsFolder()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await fabric.StartAsync(await fabric.ImportAsync());
        using var session = fabric.Open();
        var watching = ((IWatchable)session.Provider).WatchAsync(stay: true, fabric.Notices, CancellationToken.None);
        await TestWatcher.BeginsAsync(fabric.Notices);
        Assert.False(watching.IsCompleted);
        // Renamed first: while a folder is emptied, its watcher may still put something into it.
        Directory.Move(fabric.Root, fabric.Root + ".gone");
        Assert.True(await watching.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("has been deleted or replaced", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task ItGivesWayToANewerVersion()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await fabric.StartAsync(await fabric.ImportAsync());
        using var session = fabric.Open();
        var watching = ((IWatchable)session.Provider).WatchAsync(stay: true, fabric.Notices, CancellationToken.None);
        await TestWatcher.BeginsAsync(fabric.Notices);
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(fabric.Root, "fabric.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }

        var error = await Assert.ThrowsAsync<IaaSException>(() => watching.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal("StateOfNewerVersion", error.ErrorId);
        using (var free = session.Store.Locks.TryAcquire("watcher"))
            Assert.NotNull(free);
        Assert.Equal("StateOfNewerVersion", (await Assert.ThrowsAsync<IaaSException>(() => fabric.StopAsync(machine, force: true))).ErrorId);
    }

    private static async Task<VirtualMachine> VerifiedAsync(TestFabric fabric, VirtualMachine machine)
    {
        for (var i = 0; i < 600; i++)
        {
            var now = await fabric.LookAsync(machine);
            if (now.BootVerified)
                return now;
            await Task.Delay(50);
        }

        throw new Xunit.Sdk.XunitException("No sign of life was seen.");
    }

    private static long Allocated(string path)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        return 512 * long.Parse(process.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
