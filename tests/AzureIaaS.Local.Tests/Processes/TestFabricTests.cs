using System.Diagnostics;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Processes;

/// <summary>What the tests leave behind.</summary>
public class TestFabricTests
{
    [SkippableFact]
    public async Task NoMachineOutlivesATestWhoseWatcherWouldBringItBack()
    {
        var fabric = new TestFabric();
        using (fabric)
        {
            using var session = fabric.OpenWithProcesses();
            foreach (var name in new[] { "one", "two", "three" })
                await session.Provider.StartAsync((await fabric.ImportAsync(name)).Id, new StartOptions(), fabric.Notices, CancellationToken.None);

            // The watcher is at work once it has brought one back.
            var killed = fabric.QemuProcesses()[0];
            Process.GetProcessById(killed).Kill();
            await Until.HoldsAsync(() => fabric.QemuProcesses() is { Count: 3 } now && !now.Contains(killed), "The watcher does not look after the machines.");
        }

        Assert.Empty(fabric.QemuProcesses());
    }
}
