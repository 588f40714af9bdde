using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using AzureIaaS.Failover;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;
using AzureIaaS.Tests.Networks;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>Sites with real gateways on both sides, in namespaces as on premises.</summary>
public class SiteTests
{
    private const string Key = "correct horse battery staple";
    private const string Serve = "mkdir -p /tmp/www; echo plain words of the cloud > /tmp/www/index.html; dd if=/dev/urandom of=/tmp/www/big bs=1M count=5 2>/dev/null; httpd -h /tmp/www; sha256sum < /tmp/www/big";

    [SkippableFact]
    public async Task ASiteReachesTheNetworkByAddressAndNameAndTheWireShowsOnlyTheTunnel()
    {
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp, Key, s => (s.DnsSuffix, s.DnsServers) = ("office.example", [SiteLab.DeskAddress]));
        var key = new FileInfo(fabric.Layout.Sites.Key(site.Id));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key.FullName));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(key.DirectoryName!));
        Assert.Contains("No gateway runs", (await lab.WaitAsync(SiteState.Unknown)).LastError, StringComparison.Ordinal);

        var web = await fabric.JoinAsync(await fabric.ImportLinuxAsync("web"), corp);
        await using var network = new TestSwitch(fabric, corp);
        await fabric.StartAsync(web);
        var wire = Path.Combine(fabric.Folder, "wire.pcap");
        var capture = await lab.CaptureAsync(wire);
        lab.StartGateway();
        lab.StartNames("--server=/corp.example/10.20.0.1", "--local=/office.example/", "--host-record=printer.office.example,192.168.10.77");
        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, Key));
        site = await lab.WaitAsync(SiteState.Connected);
        Assert.True(site.LastError is null && site.Since > site.Created, site.LastError);
        Assert.NotNull(site.IpsecEngine);

        await fabric.WaitForAddressAsync(web);
        var digest = (await fabric.TypeAsync(web, Serve)).Split(' ')[0];
        Assert.Equal("plain words of the cloud\n", await lab.AtDeskAsync("curl", "-s", "-m", "60", $"http://{web.IPAddress}/"));
        Assert.Equal("plain words of the cloud\n", await lab.AtDeskAsync("curl", "-s", "-m", "60", "http://web.corp.example/"));
        Assert.StartsWith(digest, await lab.AtDeskAsync("sh", "-c", "curl -s -m 100 http://web.corp.example/big | sha256sum"), StringComparison.Ordinal);

        // The other way, by name too; and past the office's DNS server nobody is asked.
        Assert.Contains("192.168.10.77", await fabric.TypeAsync(web, "nslookup printer.office.example"), StringComparison.Ordinal);
        Assert.Contains("NXDOMAIN", await fabric.TypeAsync(web, "nslookup nobody.office.example"), StringComparison.Ordinal);
        await fabric.ReachesAsync(web, SiteLab.DeskAddress);
        Assert.Contains("can't find www.example.com", await fabric.TypeAsync(web, "nslookup www.example.com"), StringComparison.Ordinal);

        site = await lab.WaitAsync(SiteState.Connected);
        Assert.True(site.BytesOut > 5 << 20 && site.BytesIn > 1000, $"{site.BytesIn} in, {site.BytesOut} out");
        capture.Kill();
        await capture.WaitForExitAsync();
        Assert.True(await SiteLab.CountAsync(wire, "udp port 4500") > 100);
        Assert.Equal(0, await SiteLab.CountAsync(wire, "ip and not udp port 500 and not udp port 4500"));
        Assert.Equal(-1, (await File.ReadAllBytesAsync(wire)).AsSpan().IndexOf("plain words"u8));
        AssertNowhere(fabric, Key);

        await ((ISiteProvider)fabric.Provider).RemoveSiteAsync(site.Id, fabric.Notices, CancellationToken.None);
        Assert.False(key.Exists && File.Exists(key.FullName));
        Assert.Empty(await ((ISiteProvider)fabric.Provider).ListSitesAsync(CancellationToken.None));
    }

    [SkippableFact]
    public async Task WhatIsWrongIsSaidAndWhatIsRepairedIsConnectedByItself()
    {
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp);
        var key = ((ISiteProvider)fabric.Provider).ReadSharedKey(site.Id);
        Assert.Equal(64, key.Length);
        lab.StartGateway();
        await lab.WaitAsync(SiteState.NotConnected, "does not answer");

        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, "another key"));
        await lab.WaitAsync(SiteState.NotConnected, "shared keys differ");
        await lab.ConfigureOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, key).Replace("aes256-sha256-modp2048", "aes128-sha1-ecp256", StringComparison.Ordinal));
        await lab.WaitAsync(SiteState.NotConnected, "does not accept the ciphers");
        await lab.ConfigureOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, key).Replace("10.20.0.0/24", "10.99.0.0/24", StringComparison.Ordinal));
        await lab.WaitAsync(SiteState.NotConnected, "do not agree on the subnets");
        await lab.ConfigureOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, key));
        await lab.WaitAsync(SiteState.Connected);

        // The other side is lost, and comes back.
        await lab.LoseOfficeAsync();
        await lab.WaitAsync(SiteState.NotConnected, "does not answer");
        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, key));
        await lab.WaitAsync(SiteState.Connected);
    }

    [SkippableFact]
    public async Task ASiteIsJoinedByCertificatesOneThatHasExpiredOrWasRevokedIsSaidAndTrafficOutlivesItsKeys()
    {
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        using var issuer = new TestCertificates();
        using var own = issuer.Issue("O=Contoso, CN=cloud");
        using var expired = issuer.Issue("CN=office", SiteLab.OfficeAddress, days: -1);
        using var valid = issuer.Issue("CN=office", SiteLab.OfficeAddress);
        using var another = issuer.Issue("CN=office", SiteLab.OfficeAddress);
        var list = Path.Combine(fabric.Folder, "revoked.crl");
        await File.WriteAllBytesAsync(list, issuer.Revoke());
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp, credential: s =>
        {
            var (both, ca) = (Path.Combine(fabric.Folder, "own.pfx"), Path.Combine(fabric.Folder, "ca.pem"));
            File.WriteAllBytes(both, own.Export(X509ContentType.Pkcs12, "password"));
            File.WriteAllText(ca, issuer.CaPem);
            return CertificateFile.Read(new CertificateFiles(both, null, ca, list), "password", s, TimeProvider.System.GetUtcNow());
        });
        await using var network = new TestSwitch(fabric, corp);
        // The office wants new keys every few seconds: of the packets, and of IKE itself.
        var configuration = SiteConfiguration.ForStrongSwan(site, corp, null)
            .Replace("life_time = 27000s", "life_time = 90s\nrand_time = 0s", StringComparison.Ordinal).Replace("rekey_time = 24300s", "rekey_time = 3s", StringComparison.Ordinal)
            .Replace("rekey_time = 25920s", "rekey_time = 5s", StringComparison.Ordinal).Replace("over_time = 2880s", "over_time = 60s\nrand_time = 0s", StringComparison.Ordinal);
        lab.StartGateway();
        lab.StartNames("--server=/corp.example/10.20.0.1", "--cache-size=0");
        lab.Certify(expired, issuer.CaPem);
        await lab.StartOfficeAsync(configuration);
        await lab.WaitAsync(SiteState.NotConnected, "has expired, or is not valid yet");
        lab.Certify(valid, issuer.CaPem);
        await lab.ConfigureOfficeAsync(configuration);
        site = await lab.WaitAsync(SiteState.Connected);
        Assert.Equal((own.Thumbprint, null, "O=Contoso, CN=cloud"), (site.Certificate!.Thumbprint, site.LastError, site.LocalIdentity));
        var answered = 0;
        for (var limit = Stopwatch.StartNew(); lab.CountInLog("established with SPIs") < 4 || lab.CountInLog("rekeyed between") < 1; answered++)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(120), $"The keys are not renewed. {lab.Log()}");
            var said = await lab.AtDeskAsync("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do getent hosts gateway.corp.example; done");
            Assert.Equal(9, said.Split('\n').Count(l => l.StartsWith("10.20.0.1 ", StringComparison.Ordinal)));
            var now = await lab.WaitAsync(SiteState.Connected);
            Assert.Equal((site.Since, null), (now.Since, now.LastError));
        }

        Assert.True(answered > 1, "Nothing was asked while keys were renewed.");

        // The gateway's certificate is revoked: a tunnel that stands is ended, and none is begun until it has another.
        Assert.Equal(site.Certificate.NotAfter.AddDays(7 - 30), site.RevocationListUntil);
        await File.WriteAllBytesAsync(list, issuer.Revoke(days: 9, made: 7, valid));
        await lab.WaitAsync(SiteState.NotConnected, "was revoked");
        lab.Certify(another, issuer.CaPem);
        await lab.ConfigureOfficeAsync(configuration);
        site = await lab.WaitAsync(SiteState.Connected);
        Assert.Equal((site.Certificate!.NotAfter.AddDays(9 - 30), null), (site.RevocationListUntil, site.LastError));

        var keys = Directory.GetFiles(fabric.Layout.Sites.Keys);
        Assert.Equal(3, keys.Length);
        Assert.All(keys, k => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(k)));
        var secret = TestCertificates.KeyPem(own).Split('\n')[1];
        Assert.Contains(secret, File.ReadAllText(fabric.Layout.Sites.Key(site.Id)), StringComparison.Ordinal);
        AssertNowhere(fabric, secret);
        await ((ISiteProvider)fabric.Provider).RemoveSiteAsync(site.Id, fabric.Notices, CancellationToken.None);
        Assert.Empty(Directory.GetFiles(fabric.Layout.Sites.Keys));
    }

    [SkippableFact]
    public async Task TheGatewayIsReplacedWhenItDies()
    {
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp, Key);
        var first = lab.StartGateway();
        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, Key));
        await lab.WaitAsync(SiteState.Connected);
        var daemon = await File.ReadAllTextAsync(fabric.Layout.Sites.Daemon);
        first.Kill();
        await first.WaitForExitAsync();
        await lab.WaitAsync(SiteState.Unknown);

        // Its daemon is left; the next one ends that and has its own.
        lab.StartGateway();
        await lab.WaitAsync(SiteState.Connected);
        Assert.NotEqual(daemon, await File.ReadAllTextAsync(fabric.Layout.Sites.Daemon));
    }

    [SkippableFact]
    public async Task AWikiIsEditedThroughTheTunnelAndIsThereAgainByTheSameNameAfterItsHostWasLost()
    {
        const string Page = "http://wiki.corp.example/cgi-bin/page";
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp, Key);
        var wiki = await fabric.JoinAsync(await fabric.ImportLinuxAsync("wiki"), corp);
        await using var network = new TestSwitch(fabric, corp);
        await fabric.StartAsync(wiki);
        lab.StartGateway();
        lab.StartNames("--server=/corp.example/10.20.0.1");
        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, Key));
        await fabric.WaitForAddressAsync(wiki);
        await fabric.TypeAsync(wiki, "mkdir -p /srv/wiki; echo welcome > /srv/wiki/page; touch /srv/wiki/wanted; sync");
        var connected = await lab.WaitAsync(SiteState.Connected);
        Assert.Equal("welcome\n", await PollAsync(lab, Page, "welcome\n"));
        Assert.Equal("edited from the office", await lab.AtDeskAsync("curl", "-s", "-m", "60", "--data-raw", "edited from the office", Page));

        var failover = (IFailoverProvider)fabric.Provider;
        var before = (await fabric.LookAsync(wiki)).Host!;
        var lost = await failover.FailOverAsync(wiki.Id, new FailoverOptions { Kind = FailoverKind.Unplanned }, fabric.Notices, CancellationToken.None);
        Assert.Equal((FailoverOutcome.Succeeded, null), (lost.Outcome, lost.Error));
        Assert.NotEqual(before, (await fabric.LookAsync(wiki)).Host);
        Assert.Equal("edited from the office", await PollAsync(lab, Page, "edited from the office"));

        // The tunnel has not noticed.
        var after = await lab.WaitAsync(SiteState.Connected);
        Assert.Equal(connected.Since, after.Since);
    }

    [SkippableFact]
    public async Task ADomainBehindASiteIsFoundAndWhatIsInTheWayIsSaid()
    {
        using var fabric = new TestFabric();
        await using var lab = await SiteLab.CreateAsync(fabric);
        var corp = fabric.AddNetwork("corp", "10.20.0.0/24");
        var site = await lab.AddSiteAsync(corp, Key, s => (s.DnsSuffix, s.DnsServers) = ("contoso.example", [SiteLab.DeskAddress]));
        Assert.Equal(["NothingAsked"], await FindAsync(fabric, corp, ReadinessVerdict.Unknown));
        await using var network = new TestSwitch(fabric, corp);
        await Until.HoldsAsync(async () => (await FindAsync(fabric, corp, null))[0] != "NothingAsked", () => "The switch is not asked.");
        Assert.Equal(["SiteNotConnected"], await FindAsync(fabric, corp, ReadinessVerdict.NotReady));

        lab.StartGateway();
        await lab.StartOfficeAsync(SiteConfiguration.ForStrongSwan(site, corp, Key));
        await lab.WaitAsync(SiteState.Connected);
        Assert.Equal(["NoControllers"], await FindAsync(fabric, corp, ReadinessVerdict.NotReady));
        lab.StartNames("--local=/contoso.example/", $"--host-record=dc1.contoso.example,{SiteLab.DeskAddress}",
            "--srv-host=_ldap._tcp.dc._msdcs.contoso.example,dc1.contoso.example,389", "--srv-host=_kerberos._tcp.contoso.example,dc1.contoso.example,88");
        await Until.HoldsAsync(async () => (await FindAsync(fabric, corp, null)) is not ["NoControllers", ..], () => "The records are not found.");
        Assert.Equal(["PortsSilent"], await FindAsync(fabric, corp, ReadinessVerdict.NotReady));

        // Whoever listens there is the controller as far as a handshake can tell.
        foreach (var port in DomainJoinJudge.Ports)
            lab.StartNames($"--port={port}");
        await Until.HoldsAsync(async () => (await FindAsync(fabric, corp, null)).Count == 0, () => "The ports are not found.");
        Assert.Equal([], await FindAsync(fabric, corp, ReadinessVerdict.Ready));
        var facts = await ((ISiteProvider)fabric.Provider).LookForDomainAsync(corp.Id, "contoso.example", CancellationToken.None);
        Assert.Equal(("dc1.contoso.example", SiteLab.DeskAddress), (facts.Controllers.Single().HostName, facts.Controllers.Single().Address));
    }

    /// <summary>The rules that have found something to do.</summary>
    private static async Task<IReadOnlyList<string>> FindAsync(TestFabric fabric, VirtualNetwork network, ReadinessVerdict? verdict)
    {
        var report = DomainJoinJudge.Judge(await ((ISiteProvider)fabric.Provider).LookForDomainAsync(network.Id, "contoso.example", CancellationToken.None));
        if (verdict is not null)
            Assert.True(report.Verdict == verdict, string.Join(' ', report.Findings));
        return [.. report.Findings.Where(f => f.Severity != ReadinessSeverity.Information).Select(f => f.Rule)];
    }

    /// <summary>What a page says, as soon as it is what is expected, or at the end.</summary>
    private static async Task<string> PollAsync(SiteLab lab, string url, string expected)
    {
        var limit = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var said = await lab.AtDeskAsync("curl", "-s", "-m", "5", url);
            if (said == expected || limit.Elapsed > TimeSpan.FromSeconds(120))
                return said;
            await Task.Delay(200);
        }
    }

    private static void AssertNowhere(TestFabric fabric, string secret)
    {
        foreach (var file in Directory.EnumerateFiles(fabric.Root, "*", SearchOption.AllDirectories).Where(f => !f.StartsWith(fabric.Layout.Sites.Keys, StringComparison.Ordinal)))
        {
            // The machine's disk holds nothing of it, and is large; who holds a lock nobody else opens.
            if (new FileInfo(file).Length is > 0 and < 16 << 20 && !file.EndsWith(".lock", StringComparison.Ordinal))
                Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(secret)));
        }
    }
}
