using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>Processes against each other: one machine never gets two processes, and the next command tells the truth.</summary>
public class RaceTests
{
    [SkippableFact]
    public async Task HoweverManyShellsRaceToStartItThereIsOneProcess()
    {
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        var machine = await fabric.ImportAsync("web01", new BootSectorOptions { WritesEveryTick = true });
        for (var round = 1; round <= 3 * Soak.Factor; round++)
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Iaas.RunAsync(fabric, "start", "web01")));
            Assert.All(results, r => Assert.True(r.ExitCode == 0, r.Error));
            Assert.Single(fabric.QemuProcesses());
            await fabric.WaitForLineAsync(machine, $"^guest: boot {round}$");
            Assert.DoesNotContain("lock", await File.ReadAllTextAsync(fabric.Layout.Machine(machine.Id).ProcessLog), StringComparison.OrdinalIgnoreCase);
            await fabric.StopAsync(machine, force: true);
            Assert.Equal((uint)round, fabric.BootCount(machine));
        }
    }

    [SkippableTheory]
    [InlineData(HypervisorKind.Simulated, 4, 120, 3)]
    [InlineData(HypervisorKind.Qemu, 3, 12, 0)]
    public async Task ShellsAWatcherAndFailoversRaceAndItNeverRunsTwice(HypervisorKind hypervisor, int racers, int rounds, int delayMilliseconds)
    {
        using var fabric = new TestFabric(hypervisor);
        await Iaas.ConnectAsync(fabric);
        var machine = await fabric.ImportAsync("web01", new BootSectorOptions { WritesEveryTick = true });
        using var watcher = Iaas.Start(fabric, "fabric", "watch");
        var random = new Random(7);
        var said = await Task.WhenAll(Enumerable.Range(0, racers).Select(i => RaceAsync(fabric, machine, seed: 100 * i, rounds * Soak.Factor, delayMilliseconds, mortal: i == 0, random)));
        Assert.All(said, s => Assert.DoesNotContain("seed", s, StringComparison.Ordinal));
        watcher.Kill();
        await watcher.WaitForExitAsync();
        Assert.Equal("ok", Integrity(Path.Combine(fabric.Root, "fabric.db")));

        // However it was left, the next one ends what was cut off, and the machine is one again.
        var found = await Sagas.SagaTrial.LookAsync(fabric, machine);
        found = found.State switch
        {
            MachineState.Suspended or MachineState.Running => await fabric.StopAsync(found, force: true),
            _ => found,
        };
        found = await fabric.StartAsync(found);
        Assert.Equal(MachineState.Running, found.State);
        if (hypervisor == HypervisorKind.Qemu)
        {
            Assert.Single(fabric.QemuProcesses());
            await fabric.WaitForLineAsync(found, "^guest: ready");
            Assert.DoesNotContain("\"write\" lock", await File.ReadAllTextAsync(fabric.Layout.Machine(machine.Id).ProcessLog), StringComparison.Ordinal);
        }

        await fabric.StopAsync(found, force: true);
        await fabric.Provider.RemoveAsync(found.Id, force: false, keepDisks: false, fabric.Notices, CancellationToken.None);
        Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
    }

    [SkippableFact]
    public async Task TwoImportsOfOneNameAreOneMachine()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await Iaas.ConnectAsync(fabric);
        var path = fabric.Guest("web01");
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Iaas.RunAsync(fabric, "import", path)));
        Assert.Equal(1, results.Count(r => r.ExitCode == 0));
        Assert.All(results.Where(r => r.ExitCode != 0), r => Assert.Contains(r.ExitCode, new[] { 4, 9 }));
        Assert.Single(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
    }

    private static string Integrity(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        return (string)command.ExecuteScalar()!;
    }

    /// <summary>A racer to its end; a mortal one dies again and again on the way, and another takes its place.</summary>
    private static async Task<string> RaceAsync(TestFabric fabric, VirtualMachine machine, int seed, int rounds, int delayMilliseconds, bool mortal, Random random)
    {
        for (var life = 0; mortal && life < 6 * Soak.Factor; life++)
        {
            using var racer = Iaas.Race(fabric, machine, seed + life, rounds, delayMilliseconds);
            await Task.Delay(random.Next(400, 1500));
            racer.Kill();
            var last = await racer.StandardOutput.ReadToEndAsync();
            if (last.Contains("seed", StringComparison.Ordinal))
                return last;
        }

        using var whole = Iaas.Race(fabric, machine, seed + 50, rounds, delayMilliseconds);
        var (output, error) = (whole.StandardOutput.ReadToEndAsync(), whole.StandardError.ReadToEndAsync());
        await whole.WaitForExitAsync();
        Assert.True(whole.ExitCode == 0, $"{await output} {await error}");
        return await output;
    }

    [SkippableFact]
    public async Task TheOutputOfStartCanBeCaptured()
    {
        // A QEMU or a watcher that kept the pipe open would keep the shell waiting for ever.
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        await fabric.ImportAsync("web01");
        var (exitCode, output, error) = await Iaas.RunAsync(fabric, "start", "web01");
        Assert.True(exitCode == 0, error);
        Assert.Contains("\"State\":\"Running\"", output, StringComparison.Ordinal);
        Assert.Single(fabric.QemuProcesses());
    }
}
