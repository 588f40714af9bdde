using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Networks;

public sealed class NetworkTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    private INetworkProvider Networks => (INetworkProvider)_azure.Provider;

    [Fact]
    public async Task A_network_is_closed_from_outside()
    {
        var made = await AddAsync("corp", "10.20.0.0/24");

        Assert.Equal(("corp", "10.20.0.0/24", "10.20.0.1", 251L), (made.Name, made.Subnet, made.GatewayAddress, made.FreeAddresses));
        var security = _azure.Arm.Resources[Id("networkSecurityGroups", "corp")]["properties"]!["securityRules"]!.AsArray();
        Assert.DoesNotContain(security, r => (string?)r!["properties"]!["direction"] == "Inbound" && (string?)r["properties"]!["access"] == "Allow");
        Assert.Equal(Id("networkSecurityGroups", "corp"), (string?)Network("corp")["properties"]!["subnets"]![0]!["properties"]!["networkSecurityGroup"]!["id"]);
        Assert.Equal(made.Id, (await Networks.FindNetworkAsync("CORP", default))?.Id);
    }

    [Fact]
    public async Task A_networks_names_are_a_private_zone_that_the_last_network_takes_away()
    {
        var before = _azure.Arm.Resources.Count;
        var corp = await AddAsync("corp", "10.20.0.0/24", n => n.DnsSuffix = "Corp.Contoso.example.");
        var lab = await AddAsync("lab", "10.21.0.0/24", n => n.DnsSuffix = "corp.contoso.example");

        Assert.Equal("corp.contoso.example", corp.DnsSuffix);
        var zone = Id("privateDnsZones", "corp.contoso.example");
        Assert.Equal("global", (string?)_azure.Arm.Resources[zone]["location"]);
        Assert.True((bool)_azure.Arm.Resources[zone + "/virtualNetworkLinks/corp"]["properties"]!["registrationEnabled"]!);
        Assert.DoesNotContain(SiteConfiguration.Table(new Site { Subnets = ["192.168.10.0/24"] }, corp, null), p => p.Name.Contains("DNS", StringComparison.Ordinal));
        await Networks.RemoveNetworkAsync(corp.Id, default);
        Assert.True(_azure.Arm.Resources.ContainsKey(zone));
        await Networks.RemoveNetworkAsync(lab.Id, default);
        Assert.Equal(before, _azure.Arm.Resources.Count);

        Assert.Equal("DnsSuffixUnasked", (await Assert.ThrowsAsync<IaaSException>(() => AddAsync("x", "10.22.0.0/24", n => (n.DnsSuffix, n.DnsServers) = ("a.example", ["10.22.0.9"])))).ErrorId);
        _azure.Arm.Add(new() { ["id"] = Id("privateDnsZones", "theirs.example"), ["name"] = "theirs.example", ["type"] = "Microsoft.Network/privateDnsZones", ["location"] = "global", ["tags"] = new System.Text.Json.Nodes.JsonObject() });
        Assert.Equal("AzureNameTaken", (await Assert.ThrowsAsync<IaaSException>(() => AddAsync("x", "10.22.0.0/24", n => n.DnsSuffix = "theirs.example"))).ErrorId);
        Assert.Equal(before + 1, _azure.Arm.Resources.Count);
    }

    [Fact]
    public async Task An_isolated_network_has_no_way_out()
    {
        var made = await AddAsync("lab", "10.21.0.0/24", n => n.Isolated = true);

        var rule = Assert.Single(_azure.Arm.Resources[Id("networkSecurityGroups", "lab")]["properties"]!["securityRules"]!.AsArray())!["properties"]!;
        Assert.Equal(("Outbound", "Deny", "Internet"), ((string?)rule["direction"], (string?)rule["access"], (string?)rule["destinationAddressPrefix"]));
        Assert.True(made.Isolated);
        using var other = _azure.OtherComputer();
        Assert.True(Assert.Single(await ((INetworkProvider)other.Provider).ListNetworksAsync(default)).Isolated);
    }

    [Fact]
    public async Task A_machine_joins_before_it_is_started_and_keeps_its_address()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");

        var joined = await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { IPAddress = "10.20.0.17" }, _azure, default);
        Assert.Equal(("corp", "10.20.0.17"), (joined.NetworkAdapters[0].Network, joined.IPAddress));
        var started = await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);
        var again = await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.Equal("10.20.0.17", started.IPAddress);
        Assert.Equal("10.20.0.17", again.IPAddress);
        Assert.Equal(["web01"], Assert.Single(await Networks.ListNetworksAsync(default)).Machines);
        Assert.Equal("10.20.0.17", Assert.Single(await _azure.Session.ListAsync(default)).IPAddress);
    }

    [Fact]
    public async Task Joining_twice_changes_nothing()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");
        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions(), _azure, default);
        _azure.Arm.Requests.Clear();

        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions(), _azure, default);

        Assert.DoesNotContain(_azure.Arm.Requests, r => r.Method != "GET");
    }

    [Fact]
    public async Task A_public_address_is_given_when_asked_for_and_goes_with_the_machine()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");

        var joined = await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { PublicAddress = true }, _azure, default);
        Assert.StartsWith("203.0.113.", joined.NetworkAdapters[0].PublicIPAddress, StringComparison.Ordinal);
        await _azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, _azure, default);

        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("web01", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_running_machine_stays_where_it_is_and_a_stopped_one_is_made_anew_elsewhere()
    {
        var (left, right) = (await AddAsync("left", "10.21.0.0/24"), await AddAsync("right", "10.22.0.0/24"));
        var machine = await ImportAsync("web01");
        await Networks.JoinAsync(machine.Id, left.Id, new JoinOptions(), _azure, default);
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.Equal("OneNetworkInAzure", (await RefusedAsync(() => Networks.JoinAsync(machine.Id, right.Id, new JoinOptions(), _azure, default))).ErrorId);
        Assert.Equal("VmIsRunning", (await RefusedAsync(() => Networks.ExitAsync(machine.Id, null, _azure, default))).ErrorId);
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);
        Assert.Null((await Networks.ExitAsync(machine.Id, left.Id, _azure, default)).IPAddress);
        await Networks.JoinAsync(machine.Id, right.Id, new JoinOptions(), _azure, default);
        var started = await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.StartsWith("10.22.0.", started.IPAddress, StringComparison.Ordinal);
        Assert.Equal(MachineState.Running, started.State);
    }

    [Fact]
    public async Task A_machine_that_was_started_on_no_network_can_join_one_when_it_is_stopped()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");
        Assert.StartsWith("10.96.", (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).IPAddress, StringComparison.Ordinal);
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);

        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions(), _azure, default);

        Assert.StartsWith("10.20.0.", (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).IPAddress, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peering_counts_on_both_sides_and_ends_on_both()
    {
        var left = await AddAsync("left", "10.21.0.0/24");
        await AddAsync("right", "10.22.0.0/24", n => n.Peers = ["left"]);

        Assert.All(await Networks.ListNetworksAsync(default), n => Assert.Single(n.Peers));
        await Networks.SetPeersAsync(left.Id, [], _azure, default);

        Assert.All(await Networks.ListNetworksAsync(default), n => Assert.Empty(n.Peers));
        Assert.Equal("PeersOverlap", (await RefusedAsync(() => AddAsync("third", "10.22.0.0/25", n => n.Peers = ["right"]))).ErrorId);
    }

    [Fact]
    public async Task What_others_made_is_joined_and_never_changed()
    {
        await AddAsync("corp", "10.20.0.0/24");
        var foreign = Network("corp");
        foreign["tags"] = new System.Text.Json.Nodes.JsonObject();
        var before = foreign.ToJsonString();
        var corp = (await Networks.FindNetworkAsync("corp", default))!;
        var machine = await ImportAsync("web01");

        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions(), _azure, default);
        Assert.Equal("NetworkNotOurs", (await RefusedAsync(() => Networks.RemoveNetworkAsync(corp.Id, default))).ErrorId);
        Assert.Equal("NetworkNotOurs", (await RefusedAsync(() => Networks.SetPeersAsync(corp.Id, [], _azure, default))).ErrorId);

        Assert.Equal(before, Network("corp").ToJsonString());
    }

    [Theory]
    [InlineData("two words", "10.20.0.0/24", "InvalidNetworkName")]
    [InlineData("corp", "10.20.0.1/24", "InvalidSubnet")]
    [InlineData("corp", "10.20.0.0/30", "InvalidSubnet")]
    public async Task Networks_that_cannot_be_are_refused(string name, string subnet, string error)
    {
        _azure.Arm.Requests.Clear();
        Assert.Equal(error, (await RefusedAsync(() => AddAsync(name, subnet))).ErrorId);
        Assert.Empty(_azure.Arm.Requests);
    }

    [Fact]
    public async Task Addresses_that_cannot_be_are_refused_before_anything_is_made()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");
        foreach (var (options, error) in new[]
        {
            (new JoinOptions { IPAddress = "10.21.0.9" }, "AddressOutsideSubnet"), (new JoinOptions { IPAddress = "10.20.0.2" }, "AddressKept"),
            (new JoinOptions { MacAddress = "52:54:00:12:34:56" }, "NotSupportedInAzure"), (new JoinOptions { Adapter = "nic7" }, "AdapterNotFound"),
        })
        {
            Assert.Equal(error, (await RefusedAsync(() => Networks.JoinAsync(machine.Id, corp.Id, options, _azure, default))).ErrorId);
        }

        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("networkInterfaces", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_network_in_use_is_not_removed_and_an_empty_one_leaves_nothing()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");
        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions(), _azure, default);

        Assert.Equal("NetworkInUse", (await RefusedAsync(() => Networks.RemoveNetworkAsync(corp.Id, default))).ErrorId);
        await _azure.Provider.RemoveAsync(machine.Id, false, false, _azure, default);
        await Networks.RemoveNetworkAsync(corp.Id, default);

        Assert.Single(_azure.Arm.Resources);   // the group
    }

    [Fact]
    public async Task A_join_whose_answer_was_lost_is_finished_by_the_next()
    {
        var corp = await AddAsync("corp", "10.20.0.0/24");
        var machine = await ImportAsync("web01");
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/publicIPAddresses/", StringComparison.Ordinal) ? Answer.Error(504, "GatewayTimeout", "Late.") : null;
        var e = await RefusedAsync(() => Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { PublicAddress = true }, _azure, default));
        Assert.True(e.IsPassing);
        _azure.Arm.Intercept = _ => null;

        await Networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { PublicAddress = true }, _azure, default);

        Assert.Equal(1, _azure.Arm.Resources.Keys.Count(k => k.Contains("networkInterfaces", StringComparison.Ordinal)));
        Assert.Equal(1, _azure.Arm.Resources.Keys.Count(k => k.Contains("publicIPAddresses", StringComparison.Ordinal)));
    }

    private static Task<IaaSException> RefusedAsync(Func<Task> work) => Assert.ThrowsAsync<IaaSException>(work);

    private Task<VirtualNetwork> AddAsync(string name, string subnet, Action<VirtualNetwork>? with = null)
    {
        var network = new VirtualNetwork { Name = name, Subnet = subnet };
        with?.Invoke(network);
        return Networks.AddNetworkAsync(network, _azure, default);
    }

    private Task<VirtualMachine> ImportAsync(string name) => _azure.ImportAsync(_azure.Image(name + ".img", 32 * MiB, (1024, 256)));

    private System.Text.Json.Nodes.JsonObject Network(string name) => _azure.Arm.Resources[Id("virtualNetworks", name)];

    private static string Id(string type, string name) => TestAzure.IdOf("Microsoft.Network/" + type, name);
}
