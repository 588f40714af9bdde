using AzureIaaS.Failover;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>Networks as real guests see them: what they are told by DHCP, what their resolvers find, what they transfer.</summary>
public class GuestNetworkTests
{
    private const string Serve = "mkdir -p /tmp/www; echo from $(hostname) > /tmp/www/index.html; dd if=/dev/urandom of=/tmp/www/big bs=1M count=20 2>/dev/null; httpd -h /tmp/www; sha256sum < /tmp/www/big";

    [SkippableFact]
    public async Task GuestsFindEachOtherByNameAndTransferWhileTheSwitchIsReplaced()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var web = await fabric.JoinAsync(await fabric.ImportLinuxAsync("web"), corp);
        var client = await fabric.JoinAsync(await fabric.ImportLinuxAsync("client"), corp, "10.20.0.77");
        Assert.Equal(("10.20.0.4", "web.corp.example", "10.20.0.77"), (web.IPAddress, web.ComputerName, client.IPAddress));
        var port = FreePort();
        await using (var first = new TestSwitch(fabric, corp))
        {
            var options = new StartOptions { Publish = [PublishedPort.Parse($"{port}:80")] };
            (web, client) = (await fabric.Provider.StartAsync(web.Id, options, fabric.Notices, CancellationToken.None), await fabric.StartAsync(client));
            await fabric.WaitForAddressAsync(web);
            await fabric.WaitForAddressAsync(client);

            // By its own console the guest says what it was told.
            Assert.Equal("search corp.example\nnameserver 10.20.0.1\nweb", await fabric.TypeAsync(web, "cat /etc/resolv.conf; hostname"));
            await fabric.ReachesAsync(client, "web");
            Assert.Contains("= client.corp.example", await fabric.TypeAsync(web, "nslookup 10.20.0.77"), StringComparison.Ordinal);
            Assert.Contains("can't find www.example.com", await fabric.TypeAsync(web, "nslookup www.example.com"), StringComparison.Ordinal);

            var digest = (await fabric.TypeAsync(web, Serve)).Split(' ')[0];
            await AssertWaitAsync(fabric, web, new WaitOptions { For = WaitFor.Port, Port = 80, Timeout = TimeSpan.FromSeconds(20) }, seen: true);
            await AssertWaitAsync(fabric, web, new WaitOptions { For = WaitFor.Port, Port = 81, Timeout = TimeSpan.FromSeconds(2) }, seen: false);
            await AssertWaitAsync(fabric, client, new WaitOptions { For = WaitFor.Ping, Timeout = TimeSpan.FromSeconds(20) }, seen: true);

            // In through the published port, and across to the other guest.
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(120) };
            Assert.Equal("from web\n", await http.GetStringAsync($"http://{web.Endpoint}/"));
            Assert.Equal(digest, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await http.GetByteArrayAsync($"http://{web.Endpoint}/big"))));
            var transfer = fabric.TypeAsync(client, "wget -q -O - http://web/big | sha256sum");
            await Task.Delay(500);
            await first.DisposeAsync();
            await using var second = new TestSwitch(fabric, corp);
            Assert.StartsWith(digest, await transfer, StringComparison.Ordinal);
        }

        await fabric.StopAsync(web, force: true);
        await fabric.StopAsync(client, force: true);
    }

    [SkippableFact]
    public async Task NetworksAreIsolatedUnlessTheyArePeers()
    {
        using var fabric = new TestFabric();
        var (left, right) = (fabric.AddNetwork("left", "10.21.0.0/24"), fabric.AddNetwork("right", "10.22.0.0/24"));
        var one = await fabric.JoinAsync(await fabric.ImportLinuxAsync("one"), left);
        var two = await fabric.JoinAsync(await fabric.ImportLinuxAsync("two"), right);
        await using var first = new TestSwitch(fabric, left);
        await using var second = new TestSwitch(fabric, right);
        await fabric.StartAsync(one);
        await fabric.StartAsync(two);
        await fabric.WaitForAddressAsync(one);
        await fabric.WaitForAddressAsync(two);
        await fabric.DoesNotReachAsync(one, two.IPAddress);

        fabric.Networks().SetPeers(left.Id, ["right"]);
        Assert.Equal(["left"], fabric.Networks().ListNetworks().Single(n => n.Name == "right").Peers);
        await fabric.ReachesAsync(one, two.IPAddress);
        await fabric.ReachesAsync(two, "10.21.0.1");

        fabric.Networks().SetPeers(left.Id, []);
        await fabric.DoesNotReachAsync(one, two.IPAddress);
    }

    [SkippableFact]
    public async Task AConnectionSurvivesALiveMigrationAndAnAddressSurvivesAFailover()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var web = await fabric.JoinAsync(await fabric.ImportLinuxAsync("web"), corp);
        var client = await fabric.JoinAsync(await fabric.ImportLinuxAsync("client"), corp);
        await using var network = new TestSwitch(fabric, corp);
        await fabric.StartAsync(web);
        await fabric.StartAsync(client);
        await fabric.WaitForAddressAsync(web);
        await fabric.WaitForAddressAsync(client);
        await fabric.TypeAsync(web, "mkdir -p /tmp/www/cgi-bin; printf '#!/bin/sh\\necho; i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; usleep 100000; done\\n' > /tmp/www/cgi-bin/slow; chmod 755 /tmp/www/cgi-bin/slow; httpd -h /tmp/www");
        var transfer = fabric.TypeAsync(client, "wget -q -O - http://web/cgi-bin/slow | sha256sum");
        await Task.Delay(2000);
        var failover = (IFailoverProvider)fabric.Provider;
        var planned = await failover.FailOverAsync(web.Id, new FailoverOptions { Kind = FailoverKind.Planned }, fabric.Notices, CancellationToken.None);
        Assert.Equal((FailoverOutcome.Succeeded, null), (planned.Outcome, planned.Error));
        var wanted = string.Concat(Enumerable.Range(1, 100).Select(i => $"line {i}\n"));
        Assert.StartsWith(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(wanted))), await transfer, StringComparison.Ordinal);

        var lost = await failover.FailOverAsync(web.Id, new FailoverOptions { Kind = FailoverKind.Unplanned, Checks = [new PingCheck { Timeout = TimeSpan.FromSeconds(120) }] }, fabric.Notices, CancellationToken.None);
        Assert.Equal((FailoverOutcome.Succeeded, null), (lost.Outcome, lost.Error));
        await fabric.ReachesAsync(client, web.ComputerName);

        // Its DHCP client renews what it has, and one that begins anew gets the same although another guest is a DHCP server: that one is not even asked.
        DateTimeOffset? Leased() => fabric.Session.Store.Networks.PlacesOf(web.Id).Single().Leased;
        await fabric.TypeAsync(client, $"printf 'start 10.20.0.66\\nend 10.20.0.66\\ninterface eth0\\nopt dns {client.IPAddress}\\n' > /tmp/rogue.conf; udhcpd -f /tmp/rogue.conf > /tmp/rogue.log 2>&1 &");
        foreach (var ask in new[] { "killall -USR1 udhcpc", "killall udhcpc" })
        {
            var leased = Leased();
            await fabric.TypeAsync(web, ask);
            await Until.HoldsAsync(() => Leased() > leased, $"The address was not leased again after '{ask}'.");
        }

        var rogue = await fabric.TypeAsync(client, "cat /tmp/rogue.log");
        Assert.Contains("started", rogue, StringComparison.Ordinal);
        Assert.DoesNotContain("sending", rogue, StringComparison.Ordinal);
        Assert.Contains("nameserver 10.20.0.1", await fabric.TypeAsync(web, "cat /etc/resolv.conf"), StringComparison.Ordinal);
        Assert.Contains($"inet {web.IPAddress}/24", await fabric.TypeAsync(web, "until ip -4 addr show eth0 | grep inet; do usleep 100000; done"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task ARunningGuestJoinsAndLeavesAndMovesWithWhatItWasGiven()
    {
        using var fabric = new TestFabric();
        var (corp, lab) = (fabric.AddNetwork("corp", "10.20.0.0/24"), fabric.AddNetwork("lab", "10.30.0.0/24"));
        await using var first = new TestSwitch(fabric, corp);
        await using var second = new TestSwitch(fabric, lab);
        var vm = await fabric.StartAsync(await fabric.ImportLinuxAsync("vm"));
        await fabric.WaitForLineAsync(vm, "^guest: ready", seconds: 120);
        Assert.DoesNotContain("inet ", await fabric.TypeAsync(vm, "ip -4 addr show eth0"), StringComparison.Ordinal);

        vm = await fabric.JoinAsync(vm, corp);
        await fabric.WaitForAddressAsync(vm);
        await fabric.ReachesAsync(vm, "10.20.0.1");

        // A second network brings a second adapter.
        vm = await fabric.JoinAsync(vm, lab);
        Assert.Equal(["corp", "lab"], vm.NetworkAdapters.Select(a => a.Network));
        await fabric.WaitForLineAsync(vm, "^guest: address 10\\.30\\.0\\.4", seconds: 120);
        await fabric.ReachesAsync(vm, "10.30.0.1");

        var move = await ((IFailoverProvider)fabric.Provider).FailOverAsync(vm.Id, new FailoverOptions { Kind = FailoverKind.Planned }, fabric.Notices, CancellationToken.None);
        Assert.Equal((FailoverOutcome.Succeeded, null), (move.Outcome, move.Error));
        await fabric.ReachesAsync(vm, "10.30.0.1");

        vm = await fabric.Networks().ExitAsync(vm.Id, corp.Id, fabric.Notices, CancellationToken.None);
        Assert.Equal("10.30.0.4", vm.IPAddress);
        await fabric.DoesNotReachAsync(vm, "10.20.0.1");
    }

    private static async Task AssertWaitAsync(TestFabric fabric, VirtualMachine machine, WaitOptions options, bool seen)
    {
        var result = await fabric.Provider.WaitAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.True(result.Seen == seen, result.Evidence);
    }

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        socket.Start();
        return ((System.Net.IPEndPoint)socket.LocalEndpoint).Port;
    }
}
