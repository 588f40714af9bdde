using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

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
