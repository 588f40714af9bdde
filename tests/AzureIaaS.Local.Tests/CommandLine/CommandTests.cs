using System.Text.Json;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.CommandLine;

/// <summary>What the commands over hosts, failovers, checkpoints and disks print, and with which codes they end.</summary>
public class CommandTests
{
    [Fact]
    public async Task HostsAreAddedEmptiedLostAndBroughtBack()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01");
        Assert.Equal(["host1", "host2", "host3"], Names(await fabric.GivesAsync("host", "list")));
        var big = Assert.Single(await fabric.GivesAsync("host", "add", "rack9", "--cpu", "4", "--memory", "8GB", "--fault-domain", "3", "--update-domain", "2"));
        Assert.Equal((4, 8L << 30, 3, 2), (big.GetProperty("Cpu").GetInt32(), big.GetProperty("Memory").GetInt64(), big.GetProperty("FaultDomain").GetInt32(), big.GetProperty("UpdateDomain").GetInt32()));
        Assert.Equal(["Running"], States(await fabric.GivesAsync("start", "web01")));
        Assert.Contains("host1 would be lost", await fabric.WouldAsync("host", "stop", "host1", "--force"), StringComparison.Ordinal);
        Assert.Contains("host2 would be emptied", await fabric.WouldAsync("host", "suspend", "host*"), StringComparison.Ordinal);
        Assert.Contains("holds 1 machines: web01", await fabric.RefusesAsync(11, "host", "remove", "host1"), StringComparison.Ordinal);
        Assert.Equal(["Draining"], States(await fabric.GivesAsync("host", "suspend", "host1")));
        Assert.NotEqual("host1", (await fabric.GivesAsync("list"))[0].GetProperty("Host").GetString());
        Assert.Equal("web01", (await fabric.GivesAsync("host", "resume", "host1", "--return-machines"))[0].GetProperty("Machines")[0].GetString());
        Assert.Equal(["Down"], States(await fabric.GivesAsync("host", "stop", "HOST1", "--force")));
        Assert.Equal(["Running"], States(await fabric.GivesAsync("wait", "web01", "--for", "running", "--timeout", "60")));
        Assert.Equal(["Up"], States(await fabric.GivesAsync("host", "resume", "host1")));
        Assert.Empty(await fabric.GivesAsync("host", "remove", "rack9"));
        Assert.Equal(3, (await fabric.GivesAsync("host", "list")).Length);
    }

    [Fact]
    public async Task HostsThatWillNotDoAreRefused()
    {
        using var fabric = await CommandLineFabric.CreateAsync();
        await fabric.RefusesAsync(4, "host", "add", "HOST1");
        await fabric.RefusesAsync(2, "host", "add", "a/b");
        Assert.Contains("--cpu", await fabric.RefusesAsync(2, "host", "add", "x", "--cpu", "0"), StringComparison.Ordinal);
        Assert.Contains("iaas host list", await fabric.RefusesAsync(3, "host", "suspend", "nowhere"), StringComparison.Ordinal);
        Assert.Equal(2, (await Iaas.RunAsync(fabric.Fabric, "host", "add", "x", "--memory", "plenty")).ExitCode);
        var (exitCode, output, _) = await Iaas.RunAsync(fabric.Fabric, "host", "suspend", "nowhere", "host2");
        Assert.Equal(3, exitCode);
        Assert.Equal(["host2"], Names(CommandLineFabric.Parse(output)));
    }

    [Fact]
    public async Task FailoversAreRehearsedDoneAndListed()
    {
        using var fabric = await CommandLineFabric.CreateAsync("db01", "web01");
        var listed = await fabric.GivesAsync("start", "*");
        var reports = await fabric.GivesFromAsync(string.Join('\n', listed.Select(l => l.GetRawText())), "failover", "--check", "process", "signoflife", "--pattern", "running");
        Assert.Equal(["db01", "web01"], CommandLineFabric.Values(reports, "VmName"));
        Assert.All(reports, r => Assert.Equal(("Test", "Succeeded", 3), (r.GetProperty("Kind").GetString(), r.GetProperty("Outcome").GetString(), r.GetProperty("Checks").GetArrayLength())));
        var planned = Assert.Single(await fabric.GivesAsync("failover", "web01", "--kind", "planned"));
        Assert.Equal(planned.GetProperty("TargetHost").GetString(), (await fabric.GivesAsync("list", "web01"))[0].GetProperty("Host").GetString());
        Assert.Contains("Unplanned failover of db01", await fabric.WouldAsync("failover", "db01", "--kind", "unplanned"), StringComparison.Ordinal);
        Assert.Equal("Unplanned", Assert.Single(await fabric.GivesAsync("failover", "db01", "-k", "unplanned")).GetProperty("Kind").GetString());
        Assert.Equal(4, (await fabric.GivesAsync("failover", "--list")).Length);
        Assert.Equal(["web01", "web01"], CommandLineFabric.Values(await fabric.GivesAsync("failover", "web*", "--list"), "VmName"));
        Assert.Equal(["Unplanned"], CommandLineFabric.Values(await fabric.GivesAsync("failover", "--list", "--last", "1"), "Kind"));
    }

    [Fact]
    public async Task AFailoverThatFailsHasAReportAndACode()
    {
        using var fabric = await CommandLineFabric.CreateAsync("off");
        var (exitCode, output, error) = await Iaas.RunAsync(fabric.Fabric, "failover", "off", "--pattern", "never said", "--check-timeout", "1");
        Assert.Equal(1, exitCode);
        Assert.Equal("Failed", Assert.Single(CommandLineFabric.Parse(output)).GetProperty("Outcome").GetString());
        Assert.Contains("never said", error, StringComparison.Ordinal);
        Assert.Contains("iaas start", await fabric.RefusesAsync(11, "failover", "off", "--kind", "planned"), StringComparison.Ordinal);
        await fabric.RefusesAsync(2, "failover", "off", "--check", "pong");
        await fabric.RefusesAsync(2, "failover", "off", "--pattern", "*(");
        await fabric.RefusesAsync(3, "failover", "nobody");
    }

    [Fact]
    public async Task CheckpointsAreTakenRestoredAndForgotten()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01");
        Assert.Equal(["before update"], Names(await fabric.GivesAsync("checkpoint", "add", "web01", "before update")));
        Assert.Contains("iaas checkpoint remove", await fabric.RefusesAsync(4, "checkpoint", "add", "web01", "BEFORE update"), StringComparison.Ordinal);
        await fabric.GivesAsync("start", "web01");
        Assert.True(Assert.Single(await fabric.GivesAsync("checkpoint", "add", "web01", "running", "--memory")).GetProperty("HasMemory").GetBoolean());
        Assert.Equal(["before update", "running"], Names(await fabric.GivesAsync("checkpoint", "list", "web*")));
        Assert.Contains("iaas stop", await fabric.RefusesAsync(11, "checkpoint", "restore", "web01", "running"), StringComparison.Ordinal);
        await fabric.GivesAsync("stop", "web01");
        Assert.Contains("go back to 'running'", await fabric.WouldAsync("checkpoint", "restore", "web01", "running"), StringComparison.Ordinal);
        Assert.Equal(["Suspended"], States(await fabric.GivesAsync("checkpoint", "restore", "web01", "running")));
        Assert.Equal(["Running"], States(await fabric.GivesAsync("resume", "web01")));
        Assert.Contains("'running' of web01 would be forgotten", await fabric.WouldAsync("checkpoint", "remove", "web01", "running"), StringComparison.Ordinal);
        Assert.Empty(await fabric.GivesAsync("checkpoint", "remove", "web01", "running"));
        Assert.Contains("iaas checkpoint list", await fabric.RefusesAsync(3, "checkpoint", "remove", "web01", "running"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisksAreAddedListedAndRemoved()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01", "web02");
        Assert.Equal(2, (await fabric.GivesAsync("disk", "add", "web0*", "1GB", "--controller", "nvme")).Length);
        var disks = await fabric.GivesAsync("disk", "list", "web01");
        Assert.Equal(["disk0", "disk1"], Names(disks));
        Assert.Equal((1L << 30, "Nvme"), (disks[1].GetProperty("Length").GetInt64(), disks[1].GetProperty("Controller").GetString()));
        Assert.Contains("disk1 would be taken from web01 and deleted", await fabric.WouldAsync("disk", "remove", "web01", "disk1"), StringComparison.Ordinal);
        await fabric.GivesAsync("disk", "remove", "web01", "disk1", "--keep-file");
        Assert.True(File.Exists(disks[1].GetProperty("Path").GetString()));
        await fabric.RefusesAsync(2, "disk", "add", "web01", "large");
        await fabric.RefusesAsync(2, "disk", "add", "web01", "1000");
        await fabric.RefusesAsync(2, "disk", "remove", "web01", "disk0");
        await fabric.RefusesAsync(3, "disk", "remove", "web01", "disk9");
    }

    [Fact]
    public async Task MachinesAreChangedMovedAndSuspended()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01");
        Assert.Contains("web01 would be changed", await fabric.WouldAsync("set", "web01", "--cpu", "4"), StringComparison.Ordinal);
        var changed = Assert.Single(await fabric.GivesAsync("set", "web01", "--cpu", "2", "--memory", "64MB", "--availability-set", "web", "--start-order", "3"));
        Assert.Equal((2, 64L << 20, "web", 3), (changed.GetProperty("Cpu").GetInt32(), changed.GetProperty("Memory").GetInt64(), changed.GetProperty("AvailabilitySet").GetString(), changed.GetProperty("StartOrder").GetInt32()));
        await fabric.RefusesAsync(2, "set", "web01", "--cpu", "0");
        Assert.Contains("iaas start", await fabric.RefusesAsync(11, "move", "web01"), StringComparison.Ordinal);
        var at = (await fabric.GivesAsync("start", "web01"))[0].GetProperty("Host").GetString()!;
        var to = at == "host2" ? "host3" : "host2";
        Assert.Contains("web01 would be moved", await fabric.WouldAsync("move", "web01", "--target-host", to), StringComparison.Ordinal);
        Assert.Equal(to, (await fabric.GivesAsync("move", "web01", "-t", to))[0].GetProperty("Host").GetString());
        await fabric.RefusesAsync(11, "move", "web01", "-t", to);
        await fabric.RefusesAsync(3, "move", "web01", "-t", "nowhere");
        await fabric.RefusesAsync(11, "set", "web01", "--memory", "32MB");
        var listed = string.Join('\n', (await fabric.GivesAsync("list")).Select(l => l.GetRawText()));
        Assert.Equal(["Suspended"], States(await fabric.GivesFromAsync(listed, "suspend")));
        Assert.Contains("iaas resume", await fabric.RefusesAsync(11, "start", "web01"), StringComparison.Ordinal);
        Assert.Equal(["Running"], States(await fabric.GivesFromAsync("web01\n", "resume")));
    }

    [Fact]
    public async Task WhatASimulatedGuestHasNotIsSaid()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01");
        Assert.Contains("iaas start", await fabric.RefusesAsync(11, "screenshot", "web01", fabric.Fabric.Folder), StringComparison.Ordinal);
        await fabric.RefusesAsync(11, "run", "web01", "id");
        await fabric.GivesAsync("start", "web01");
        await fabric.RefusesAsync(6, "screenshot", "web01", fabric.Fabric.Folder);
        Assert.Contains("qemu-guest-agent", await fabric.RefusesAsync(12, "run", "web01", "--", "uname", "-a"), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(fabric.Fabric.Folder, "*.png"));
    }

    [Fact]
    public async Task APersonGetsATableWithEveryColumn()
    {
        using var fabric = await CommandLineFabric.CreateAsync("web01");
        await fabric.GivesAsync("start", "web01");
        await fabric.GivesAsync("checkpoint", "add", "web01", "first");
        await fabric.GivesAsync("failover", "web01");
        foreach (var (command, columns) in new[]
        {
            ("host list", "Name State Fault Update Cpu Memory Machines Note"), ("disk list web01", "Name Size Controller Format Path"),
            ("checkpoint list web01", "Vm Name Created Memory"), ("failover --list", "Vm Kind Outcome Started From To RTO s RPO s Downtime ms Note"),
        })
        {
            var (exitCode, output, error) = await Iaas.RunAsync(fabric.Fabric, [.. command.Split(' '), "--output", "table"]);
            Assert.True(exitCode == 0, error);
            Assert.Equal(columns.Split(' '), output.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    private static string[] Names(IEnumerable<JsonElement> objects) => CommandLineFabric.Values(objects, "Name");

    private static string[] States(IEnumerable<JsonElement> objects) => CommandLineFabric.Values(objects, "State");
}
