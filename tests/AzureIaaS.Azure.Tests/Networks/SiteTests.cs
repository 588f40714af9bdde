using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Networks;

public sealed class SiteTests : IDisposable
{
    private const string Key = "correct horse battery staple";

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    private ISiteProvider Sites => (ISiteProvider)_azure.Provider;

    private INetworkProvider Networks => (INetworkProvider)_azure.Provider;

    [Fact]
    public async Task A_site_becomes_a_gateway_and_a_connection_of_the_same_policy()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        _azure.Arm.ConnectionStatus = "Connected";
        var policy = new IpsecPolicy { IkeEncryption = IkeEncryption.AES192, DhGroup = DhGroup.ECP384, PfsGroup = PfsGroup.ECP256, SaLifetimeSeconds = 3600 };

        var site = await Sites.AddSiteAsync(Site(corp, "hq", s => (s.Policy, s.DpdTimeoutSeconds) = (policy, 60)), SiteCredential.OfSharedKey(Key), _azure, default);

        var listed = Assert.Single(await Sites.ListSitesAsync(default));
        Assert.Equal((site.Id, "hq", "corp", corp.Id, "198.51.100.7"), (listed.Id, listed.Name, listed.Network, listed.NetworkId, listed.GatewayAddress));
        Assert.Equal((SiteState.Connected, 1234L, 4321L, 60, null), (listed.State, listed.BytesIn, listed.BytesOut, listed.DpdTimeoutSeconds, listed.LastError));
        Assert.Equal(["192.168.10.0/24", "192.168.11.0/24"], listed.Subnets);
        Assert.StartsWith("203.0.113.", listed.LocalAddress, StringComparison.Ordinal);
        Assert.Equal(policy, listed.Policy);
        var sent = _azure.Arm.Resources[Id("connections", "hq")]["properties"]!["ipsecPolicies"]![0]!;
        Assert.Equal(("GCMAES256", "GCMAES256"), ((string?)sent["ipsecEncryption"], (string?)sent["ipsecIntegrity"]));
        var text = SiteConfiguration.Render(SiteDevice.StrongSwan, listed, corp, Sites.ReadSharedKey(listed.Id));
        Assert.Contains(Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(Key)), text, StringComparison.Ordinal);
        Assert.Contains($"remote_addrs = {listed.LocalAddress}", text, StringComparison.Ordinal);
        Assert.Contains(_azure.Notices, n => n.Kind == NoticeKind.Step && n.Text.StartsWith("Creating corp-vpn:", StringComparison.Ordinal) && n.Fraction is >= 0 and < 1);
    }

    [Fact]
    public async Task The_key_is_kept_nowhere_but_in_Azure()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/connections/", StringComparison.Ordinal) ? Answer.Error(400, "Refused", "No.") : null;
        var e = await Assert.ThrowsAsync<IaaSException>(() => Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default));
        _azure.Arm.Intercept = _ => null;
        await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
        _azure.Session.Dispose();

        var said = string.Join('\n', _azure.Notices.Select(n => n.Text)) + e;
        var kept = string.Join('\n', Directory.EnumerateFiles(Path.Combine(_azure.Folder, "state"), "*", SearchOption.AllDirectories).Select(f => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        Assert.DoesNotContain(Key, said + kept, StringComparison.Ordinal);
        Assert.All(_azure.Arm.Resources.Values.Where(r => (string?)r["type"] != "Microsoft.Network/connections"), r => Assert.DoesNotContain(Key, r.ToJsonString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sites_of_a_network_share_its_gateway_and_the_last_takes_it_away()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        var lab = await Networks.AddNetworkAsync(new VirtualNetwork { Name = "lab", Subnet = "10.21.0.0/24", Peers = ["corp"] }, _azure, default);
        var before = Picture();
        var hq = await Sites.AddSiteAsync(Site(corp, "hq"), null, _azure, default);
        var branch = await Sites.AddSiteAsync(Site(corp, "branch", s => (s.Subnets, s.GatewayAddress) = (["192.168.30.0/24"], "198.51.100.9")), null, _azure, default);

        Assert.Single(_azure.Arm.Resources.Values, r => (string?)r["type"] == NetworkResources.Gateways);
        Assert.NotEqual(Sites.ReadSharedKey(hq.Id), Sites.ReadSharedKey(branch.Id));
        await Networks.SetPeersAsync(lab.Id, [], _azure, default);   // writing the network again leaves its gateway
        await Networks.SetPeersAsync(lab.Id, ["corp"], _azure, default);
        var e = await Assert.ThrowsAsync<IaaSException>(() => Networks.RemoveNetworkAsync(corp.Id, default));
        Assert.Equal("NetworkInUse", e.ErrorId);
        await Sites.RemoveSiteAsync(hq.Id, _azure, default);
        Assert.Equal("branch", Assert.Single(await Sites.ListSitesAsync(default)).Name);
        Assert.Equal(branch.LocalAddress, Assert.Single(await Sites.ListSitesAsync(default)).LocalAddress);
        await Sites.RemoveSiteAsync(branch.Id, _azure, default);
        await Sites.RemoveSiteAsync(branch.Id, _azure, default);

        Assert.Equal(before, Picture());
    }

    [Fact]
    public async Task A_site_that_was_cut_off_at_any_request_goes_on_or_is_given_up_without_a_trace()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        var before = Picture();
        for (var at = 0; ; at++)
        {
            var (puts, cut) = (0, at);
            _azure.Arm.Intercept = r => r.Method == "PUT" && puts++ == cut ? throw new InvalidOperationException("died") : null;
            var ended = true;
            try
            {
                await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
            }
            catch (InvalidOperationException)
            {
                ended = false;
            }

            _azure.Arm.Intercept = _ => null;
            var half = await Sites.ListSitesAsync(default);
            Assert.All(half.Where(_ => !ended), s => Assert.Equal((SiteState.Connecting, true), (s.State, s.LastError is not null)));
            if (at % 2 == 0 && !ended)
                await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
            foreach (var site in await Sites.ListSitesAsync(default))
                await Sites.RemoveSiteAsync(site.Id, _azure, default);
            Assert.Equal(before, Picture());
            if (ended)
            {
                Assert.True(at >= 5, "there are five things to make");
                return;
            }
        }
    }

    [Fact]
    public async Task A_removal_that_was_cut_off_is_finished_by_the_next()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        var before = Picture();
        for (var at = 0; ; at++)
        {
            var site = await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
            var (deletes, cut) = (0, at);
            _azure.Arm.Intercept = r => r.Method == "DELETE" && deletes++ == cut ? throw new InvalidOperationException("died") : null;
            var died = await Record.ExceptionAsync(() => Sites.RemoveSiteAsync(site.Id, _azure, default)) is not null;
            _azure.Arm.Intercept = _ => null;
            await Sites.RemoveSiteAsync(site.Id, _azure, default);
            Assert.Equal(before, Picture());
            if (!died)
                return;
        }
    }

    [Fact]
    public async Task A_gateway_that_is_still_being_made_is_said_so_and_waited_for()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        _azure.Arm.PollsUntilGateway = 1000;
        using var stop = new CancellationTokenSource();
        var polls = 0;
        _azure.Arm.Intercept = r =>
        {
            if (r.Path.Contains("/operations/", StringComparison.Ordinal) && _azure.Arm.Resources.ContainsKey(Id("virtualNetworkGateways", "corp-vpn")) && ++polls == 3)
                stop.Cancel();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, stop.Token));
        _azure.Arm.Intercept = _ => null;

        Assert.Contains("up to an hour", Assert.Single(await Sites.ListSitesAsync(default)).LastError, StringComparison.Ordinal);
        var looks = 0;
        _azure.Arm.Intercept = r =>
        {
            if (r.Method == "GET" && r.Path == Id("virtualNetworkGateways", "corp-vpn") && ++looks == 5)
                _azure.Arm.Resources[r.Path]["properties"]!["provisioningState"] = "Succeeded";
            return null;
        };
        using var other = _azure.OtherComputer();
        var site = await ((ISiteProvider)other.Provider).AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
        Assert.Null(site.LastError);
    }

    [Theory]
    [InlineData("SiteNameTaken", "hq", "192.168.40.0/24", "198.51.100.8", "")]
    [InlineData("SubnetsOverlap", "b", "192.168.10.0/25", "198.51.100.8", "")]
    [InlineData("SubnetsOverlap", "b", "10.20.0.0/25", "198.51.100.8", "")]
    [InlineData("NotSupportedInAzure", "b", "192.168.40.0/24", "198.51.100.8", "203.0.113.200")]
    [InlineData("AzureNameTaken", "theirs", "192.168.40.0/24", "198.51.100.8", "")]
    public async Task What_cannot_be_is_refused_before_anything_is_made(string id, string name, string subnet, string gateway, string local)
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
        _azure.Arm.Add(new() { ["id"] = Id("localNetworkGateways", "theirs"), ["name"] = "theirs", ["type"] = "Microsoft.Network/localNetworkGateways", ["location"] = "westeurope", ["tags"] = new System.Text.Json.Nodes.JsonObject(), ["properties"] = new System.Text.Json.Nodes.JsonObject() });
        var before = Picture();

        var e = await Assert.ThrowsAsync<IaaSException>(() => Sites.AddSiteAsync(
            Site(corp, name, s => (s.Subnets, s.GatewayAddress, s.LocalAddress) = ([subnet], gateway, local)), SiteCredential.OfSharedKey(Key), _azure, default));

        Assert.Equal(id, e.ErrorId);
        Assert.Equal(before, Picture());
    }

    [Fact]
    public async Task A_gateway_without_sites_is_left_behind_and_said_so()
    {
        var corp = await NetworkAsync("corp", "10.20.0.0/24");
        await Sites.AddSiteAsync(Site(corp, "hq"), SiteCredential.OfSharedKey(Key), _azure, default);
        var orphans = (IOrphanProvider)_azure.Provider;
        Assert.Empty(await orphans.ListOrphansAsync(default));
        foreach (var type in new[] { "connections", "localNetworkGateways" })
            await _azure.Arm.HandleAsync(new Request("DELETE", new Uri($"https://management.azure.com{Id(type, "hq")}?api-version=2023-09-01"), new Dictionary<string, string>(), []));

        var left = await orphans.ListOrphansAsync(default);

        Assert.Equal(["VirtualNetworkGateway", "PublicIPAddress"], left.Select(o => o.Kind));
        foreach (var orphan in left)
            await orphans.RemoveOrphanAsync(orphan.Id, _azure, default);
        Assert.Empty(await orphans.ListOrphansAsync(default));
    }

    [Fact]
    public void A_gateways_subnet_lies_where_nobody_is()
    {
        Assert.Equal("172.31.240.0/27", SiteMapping.ChooseGatewayRange(["10.20.0.0/24"]));
        Assert.Equal("172.31.240.64/27", SiteMapping.ChooseGatewayRange(["172.31.240.0/26"]));
        Assert.Equal("192.168.240.0/27", SiteMapping.ChooseGatewayRange(["172.16.0.0/12"]));
        Assert.Equal("NoGatewayRange", Assert.Throws<IaaSException>(() => SiteMapping.ChooseGatewayRange(["172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8"])).ErrorId);
    }

    private Task<VirtualNetwork> NetworkAsync(string name, string subnet) => Networks.AddNetworkAsync(new VirtualNetwork { Name = name, Subnet = subnet }, _azure, default);

    private static Site Site(VirtualNetwork network, string name, Action<Site>? with = null)
    {
        var site = new Site { Name = name, Network = network.Name, NetworkId = network.Id, Subnets = ["192.168.10.0/24", "192.168.11.0/24"], GatewayAddress = "198.51.100.7" };
        with?.Invoke(site);
        return site;
    }

    private static string Id(string type, string name) => TestAzure.IdOf("Microsoft.Network/" + type, name);

    private string Picture() => string.Join('\n', _azure.Arm.Resources.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Key} {r.Value["properties"]?["addressSpace"]?.ToJsonString()} {r.Value["tags"]?.ToJsonString()}"));
}
