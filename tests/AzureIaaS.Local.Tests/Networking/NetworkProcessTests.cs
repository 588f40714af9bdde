using System.Diagnostics;
using AzureIaaS.Failover;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>Switches as processes of their own, as commands start them.</summary>
public class NetworkProcessTests
{
    [SkippableFact]
    public async Task ARehearsalsCloneHasTheSameAddressAndMeetsNobody()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var web = await fabric.JoinAsync(await fabric.ImportLinuxAsync("web"), corp);
        var other = await fabric.JoinAsync(await fabric.ImportAsync("other"), corp);
        using var session = fabric.OpenWithProcesses();
        web = await session.Provider.StartAsync(web.Id, new StartOptions(), fabric.Notices, CancellationToken.None);
        await session.Provider.StartAsync(other.Id, new StartOptions(), fabric.Notices, CancellationToken.None);
        await fabric.WaitForAddressAsync(web);
        await fabric.ReachesAsync(web, "10.20.0.1");

        var check = new EnclosedCheck(fabric);
        var options = new FailoverOptions { Kind = FailoverKind.Test, Checks = [check], EndpointPort = 8000 };
        var report = await ((IFailoverProvider)session.Provider).FailOverAsync(web.Id, options, fabric.Notices, CancellationToken.None);
        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Equal((web.IPAddress, "hello from the bubble\n"), (check.Address, check.Answer));

        // Nothing is left of it, and the original has not noticed.
        Assert.Equal(["corp"], fabric.Session.Store.Networks.List().Select(n => n.Name));
        Assert.Equal(2, fabric.Session.Store.Networks.Members(corp.Id).Count);
        await fabric.ReachesAsync(web, "10.20.0.1");
    }

    [SkippableFact]
    public async Task TheWatcherReplacesASwitchThatWasKilledAndOneThatIsNotNeededEnds()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var machine = await fabric.JoinAsync(await fabric.ImportAsync(), corp);
        using var session = fabric.OpenWithProcesses();
        await session.Provider.StartAsync(machine.Id, new StartOptions(), fabric.Notices, CancellationToken.None);
        var first = await SwitchAsync(fabric, not: null);
        Assert.NotNull(first);
        Assert.True(await ProcessTable.KillAsync(ProcessTable.Find(first.Value)!, TimeSpan.FromSeconds(10)));
        Assert.NotNull(await SwitchAsync(fabric, not: first));
        await fabric.StopAsync(machine, force: true);
        await Until.HoldsAsync(() => fabric.Networks().ListNetworks()[0].ProcessId is null, "The switch goes on although no machine runs.");

        Assert.False(Directory.Exists(fabric.Layout.Network(corp.Id).Run));
    }

    [SkippableFact]
    public async Task ACommandOfThisComputersIsOnTheNetworkAndNowhereElse()
    {
        Skip.IfNot(Environment.UserName == "root" && File.Exists("/dev/net/tun") && File.Exists("/usr/bin/getent"), "needs root, /dev/net/tun and getent");
        using var fabric = new TestFabric(Sessions.HypervisorKind.Qemu);
        await Iaas.ConnectAsync(fabric);
        fabric.AddNetwork("corp", "10.20.0.0/24");
        await fabric.JoinAsync(await fabric.ImportAsync("db"), fabric.Session.Store.Networks.Find("corp")!, "10.20.0.40");
        var (exitCode, output, error) = await Iaas.RunAsync(fabric, "network", "shell", "corp", "--", "sh", "-c", "getent hosts db; getent hosts gateway.corp.example; ip -br -4 address show net0; exit 7");
        Assert.True(exitCode == 7, error);
        var words = output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["10.20.0.40", "db.corp.example", "10.20.0.1", "gateway.corp.example"], words[..4]);
        Assert.Contains("10.20.0.3/24", words);
        Assert.DoesNotContain("10.20.0.1", await File.ReadAllTextAsync("/etc/resolv.conf"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AConnectionOfACommandOfThisComputersSurvivesThatTheSwitchIsKilled()
    {
        Skip.IfNot(Environment.UserName == "root" && File.Exists("/dev/net/tun") && File.Exists("/usr/bin/curl"), "needs root, /dev/net/tun and curl");
        const int Lines = 60;
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var web = await fabric.JoinAsync(await fabric.ImportLinuxAsync("web"), corp);
        using var session = fabric.OpenWithProcesses();
        await session.Provider.StartAsync(web.Id, new StartOptions(), fabric.Notices, CancellationToken.None);
        await fabric.WaitForAddressAsync(web);
        await fabric.TypeAsync(web, $"mkdir -p /tmp/www/cgi-bin; printf '#!/bin/sh\\necho; i=0; while [ $i -lt {Lines} ]; do i=$((i+1)); echo line $i; usleep 100000; done\\n' > /tmp/www/cgi-bin/slow; chmod 755 /tmp/www/cgi-bin/slow; httpd -h /tmp/www");
        var first = await SwitchAsync(fabric, not: null);
        using var transfer = Iaas.Start(fabric, "network", "shell", "corp", "--", "curl", "-sN", "-m", "100", "http://web/cgi-bin/slow");
        Assert.Equal("line 1", await transfer.StandardOutput.ReadLineAsync());
        Assert.True(await ProcessTable.KillAsync(ProcessTable.Find(first!.Value)!, TimeSpan.FromSeconds(10)));
        var rest = await transfer.StandardOutput.ReadToEndAsync();
        Assert.Equal(string.Concat(Enumerable.Range(2, Lines - 1).Select(i => $"line {i}\n")), rest);
        await transfer.WaitForExitAsync();
        Assert.True(transfer.ExitCode == 0, await transfer.StandardError.ReadToEndAsync());
        Assert.NotNull(await SwitchAsync(fabric, not: first));
    }

    private static async Task<int?> SwitchAsync(TestFabric fabric, int? not)
    {
        var limit = Stopwatch.StartNew();
        while (limit.Elapsed < TimeSpan.FromSeconds(60))
        {
            var network = fabric.Networks().ListNetworks()[0];
            using var client = await SwitchClient.ConnectAsync(fabric.Layout.Network(network.Id), CancellationToken.None);
            if (client is not null && await client.AskAsync(new SwitchRequest { Command = SwitchCommand.Status }, CancellationToken.None) is { } answer && answer.ProcessId != not)
            {
                Assert.Equal(network.ProcessId, answer.ProcessId);
                return answer.ProcessId;
            }

            await Task.Delay(100);
        }

        return null;
    }

    /// <summary>Looks at a clone from inside, and comes in by its endpoint.</summary>
    private sealed class EnclosedCheck(TestFabric fabric) : FailoverCheck
    {
        public string? Address { get; private set; }

        public string? Answer { get; private set; }

        public override string Name => "Enclosed";

        public override async Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
        {
            Address = machine.IPAddress;
            await fabric.WaitForAddressAsync(machine);
            await fabric.TypeAsync(machine, "mkdir /tmp/bubble; echo hello from the bubble > /tmp/bubble/index.html; httpd -p 8000 -h /tmp/bubble");
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
            Answer = await http.GetStringAsync($"http://{machine.Endpoint}/", cancellation);
            var alone = await fabric.TypeAsync(machine, "nslookup other.corp.example; ping -c 2 -w 3 10.20.0.5");
            return (alone.Contains("NXDOMAIN", StringComparison.Ordinal) && alone.Contains("100% packet loss", StringComparison.Ordinal), alone);
        }
    }
}
