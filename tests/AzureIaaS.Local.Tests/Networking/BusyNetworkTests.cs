using System.Security.Cryptography;
using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>Networks with many guests at once, and what must not happen on them whatever else does.</summary>
public class BusyNetworkTests
{
    private const int Transfer = 100 << 20;
    private const string Pattern = "0123456789abcde";

    [SkippableFact]
    public async Task FiveGuestsFindAndReachEachOtherAndTransferAHundredMegabytes()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        await using var network = new TestSwitch(fabric, corp);
        var guests = new List<VirtualMachine>();
        for (var i = 0; i < 5; i++)
            guests.Add(await fabric.StartAsync(await fabric.JoinAsync(await fabric.ImportLinuxAsync($"vm{i}"), corp)));
        foreach (var guest in guests)
            await fabric.WaitForAddressAsync(guest);
        await Task.WhenAll(guests.Select(async from =>
        {
            foreach (var to in guests.Where(g => g != from))
                await fabric.ReachesAsync(from, to.ComputerName);
        }));

        await fabric.TypeAsync(guests[0], $"mkdir -p /tmp/www/cgi-bin; printf '#!/bin/sh\\necho; yes {Pattern} | head -c {Transfer}\\n' > /tmp/www/cgi-bin/big; chmod 755 /tmp/www/cgi-bin/big; httpd -h /tmp/www");
        var said = await fabric.TypeAsync(guests[4], "wget -q -O - http://vm0/cgi-bin/big | sha256sum", seconds: 600);
        Assert.StartsWith(DigestOfTransfer(), said, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task NothingOfANetworkIsSeenOnAnother()
    {
        Skip.IfNot(Environment.UserName == "root" && File.Exists("/dev/net/tun") && File.Exists("/usr/bin/tcpdump"), "needs root, /dev/net/tun and tcpdump");
        using var fabric = new TestFabric();
        await Iaas.ConnectAsync(fabric);
        var (left, right) = (fabric.AddNetwork("left", "10.21.0.0/24"), fabric.AddNetwork("right", "10.22.0.0/24"));
        await using var first = new TestSwitch(fabric, left);
        await using var second = new TestSwitch(fabric, right);
        var one = await fabric.StartAsync(await fabric.JoinAsync(await fabric.ImportLinuxAsync("one"), left));
        var two = await fabric.StartAsync(await fabric.JoinAsync(await fabric.ImportLinuxAsync("two"), right));
        await fabric.WaitForAddressAsync(one);
        await fabric.WaitForAddressAsync(two);
        var file = Path.Combine(fabric.Folder, "right.pcap");
        using var capture = Iaas.Start(fabric, "network", "shell", "right", "--", "tcpdump", "-n", "-i", "net0", "-U", "-w", file);
        await Until.HoldsAsync(() => new FileInfo(file) is { Exists: true, Length: > 0 }, "tcpdump has not begun.");

        // Everything that could get across: to the other guest, to everybody, and with the other network's addresses.
        await fabric.TypeAsync(one, $"ping -c 2 -w 4 {two.IPAddress}; ping -b -c 2 -w 3 255.255.255.255; ip addr add 10.22.0.99/24 dev eth0; ping -c 2 -w 4 {two.IPAddress}; ping -c 1 -w 2 10.22.0.3; ip addr del 10.22.0.99/24 dev eth0");
        await fabric.ReachesAsync(two, "10.22.0.3");
        capture.Kill(entireProcessTree: true);
        await capture.WaitForExitAsync();
        var (oneMac, twoMac) = (one.NetworkAdapters[0].MacAddress, two.NetworkAdapters[0].MacAddress);
        Assert.True(await SiteLab.CountAsync(file, $"ether src {twoMac}") > 0, "The capture has not even seen its own network.");
        Assert.Equal(0, await SiteLab.CountAsync(file, $"ether host {oneMac} or net 10.21.0.0/24 or host 10.22.0.99"));
    }

    [SkippableFact]
    public async Task AGuestThatGivesItselfAnAddressKeepsIt()
    {
        using var fabric = new TestFabric();
        var (corp, lab) = (fabric.AddNetwork("corp", "10.20.0.0/24"), fabric.AddNetwork("lab", "10.30.0.0/24"));
        var machines = new List<VirtualMachine>();
        foreach (var name in new[] { "first", "second", "third" })
        {
            var machine = await fabric.ImportLinuxAsync(name);
            LinuxGuest.WriteFile(machine.Disks[0].Path, "/etc/network/interfaces", "auto eth0\niface eth0 inet static\n    address 10.20.0.99\n    netmask 255.255.255.0\n");
            machines.Add(machine);
        }

        Assert.Equal("10.20.0.99", (await fabric.JoinAsync(machines[0], corp)).IPAddress);
        Assert.Equal("10.20.0.4", (await fabric.JoinAsync(machines[1], corp)).IPAddress);
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("10.20.0.99, which is first's", StringComparison.Ordinal));
        Assert.Equal("10.30.0.4", (await fabric.JoinAsync(machines[2], lab)).IPAddress);
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains("which is not on network 'lab'", StringComparison.Ordinal));

        // What is asked for counts for more than what was found.
        await fabric.Networks().ExitAsync(machines[0].Id, null, fabric.Notices, CancellationToken.None);
        Assert.Equal("10.20.0.50", (await fabric.JoinAsync(machines[0], corp, "10.20.0.50")).IPAddress);
    }

    /// <summary>One machine is lost every 20 seconds while the others talk to each other and to it: a minute, or ten in the soak.</summary>
    [SkippableFact]
    public async Task AMachineThatIsLostAgainAndAgainKeepsItsAddressAndDisturbsNobody()
    {
        using var fabric = new TestFabric();
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        using var session = fabric.OpenWithProcesses();
        var machines = new List<VirtualMachine>();
        foreach (var name in new[] { "web", "one", "two" })
        {
            var machine = await fabric.JoinAsync(await fabric.ImportLinuxAsync(name), corp);
            machines.Add(await session.Provider.StartAsync(machine.Id, new StartOptions(), fabric.Notices, CancellationToken.None));
        }

        var (web, one, two) = (machines[0], machines[1], machines[2]);
        foreach (var machine in machines)
            await fabric.WaitForAddressAsync(machine);
        await fabric.TypeAsync(two, "mkdir -p /tmp/www; dd if=/dev/zero of=/tmp/www/big bs=1M count=1 2>/dev/null; httpd -h /tmp/www");
        await fabric.TypeAsync(one, "(while :; do ping -c 1 -w 5 two >/dev/null && echo ping >>/tmp/ok || echo ping >>/tmp/lost; wget -q -O /dev/null http://two/big && echo get >>/tmp/ok || echo get >>/tmp/lost; ping -c 1 -w 1 web >/dev/null; nslookup web >/dev/null && echo name >>/tmp/ok || echo name >>/tmp/lost; sleep 1; done) >/dev/null 2>&1 &");
        var switchId = fabric.Networks().ListNetworks()[0].ProcessId!.Value;
        var (before, memory) = (Files(switchId), 0L);
        var rounds = Soak.Factor > 1 ? 30 : 3;
        for (var round = 0; round < rounds; round++)
        {
            var next = Task.Delay(TimeSpan.FromSeconds(20));
            var report = await ((IFailoverProvider)session.Provider).FailOverAsync(web.Id, new FailoverOptions { Kind = FailoverKind.Unplanned }, fabric.Notices, CancellationToken.None);
            Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
            await next;
            memory = round == 0 ? ProcessTable.ResidentMemory(switchId) : memory;
        }

        await fabric.ReachesAsync(one, web.ComputerName);
        Assert.Equal(machines.Select(m => m.IPAddress).ToList(), machines.Select(m => fabric.LookAsync(m).Result.IPAddress).ToList());
        Assert.Contains($"inet {web.IPAddress}/24", await fabric.TypeAsync(web, "ip -4 addr show eth0"), StringComparison.Ordinal);
        var counts = await fabric.TypeAsync(one, "wc -l < /tmp/ok; cat /tmp/lost 2>/dev/null | sort | uniq -c");
        Assert.True(int.Parse(counts.Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture) >= 3 * rounds, counts);
        Assert.True(counts.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 1, $"The others were disturbed: {counts}");

        // The same switch, with what it had; and a process for each machine, no more.
        Assert.Equal(switchId, fabric.Networks().ListNetworks()[0].ProcessId);
        Assert.InRange(Files(switchId), 1, before + 3);
        Assert.True(ProcessTable.ResidentMemory(switchId) < memory + (32 << 20), $"{memory} bytes became {ProcessTable.ResidentMemory(switchId)}");
        Assert.Equal(3, Processes(fabric));
        foreach (var machine in machines)
            await fabric.StopAsync(machine, force: true);
        Assert.Equal(0, Processes(fabric));
    }

    private static int Files(int process) => Directory.GetFileSystemEntries($"/proc/{process}/fd").Length;

    private static int Processes(TestFabric fabric) => Directory.GetDirectories("/proc").Count(p => int.TryParse(Path.GetFileName(p), out var id)
        && (Read(p + "/comm").StartsWith("qemu", StringComparison.Ordinal)) && Read(p + "/cmdline").Contains(fabric.Root, StringComparison.Ordinal) && ProcessTable.Find(id) is not null);

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";   // it has ended meanwhile
        }
    }

    private static string DigestOfTransfer()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var line = Encoding.ASCII.GetBytes(Pattern + "\n");
        for (var i = 0; i < Transfer / line.Length; i++)
            hash.AppendData(line);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
