using System.Text.Json.Nodes;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Networks;

/// <summary>Ports of machines that others reach: who is let in, to which machine, and until when.</summary>
public sealed class PortTests : IDisposable
{
    private const string Group = "networkSecurityGroups";
    private static readonly string[] Office = ["198.51.100.0/24"];

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    private INetworkProvider Networks => (INetworkProvider)_azure.Provider;

    [Fact]
    public async Task A_published_port_lets_those_in_who_were_named_and_no_others()
    {
        var machine = await OnNetworkAsync();

        var shown = await PublishAsync(machine, Office, "443", "80:80/tcp", "53/udp");

        Assert.Equal(["azureiaas-web01-tcp", "azureiaas-web01-udp"], Rules("corp").Select(r => (string?)r["name"]));
        var tcp = Rules("corp")[0]["properties"]!;
        Assert.Equal(("Inbound", "Allow", "Tcp", "198.51.100.0/24", shown.IPAddress),
            ((string?)tcp["direction"], (string?)tcp["access"], (string?)tcp["protocol"], (string?)tcp["sourceAddressPrefix"], (string?)tcp["destinationAddressPrefix"]));
        Assert.Equal(["443", "80"], tcp["destinationPortRanges"]!.AsArray().Select(p => (string?)p).Order());
        var address = shown.NetworkAdapters[0].PublicIPAddress;
        Assert.Equal([$"{address}:80:80", $"{address}:443:443", $"{address}:53:53/udp"], shown.PublishedPorts.Select(p => p.ToString()));
        Assert.Equal($"{address}:80", shown.Endpoint);
        Assert.Equal(Office, shown.PublishedPorts[0].From);
        Assert.Equal(2, Rules("corp").Select(r => (int)r["properties"]!["priority"]!).Distinct().Count());
    }

    [Fact]
    public async Task The_same_again_changes_nothing_others_replace_them_and_none_takes_them_back()
    {
        var machine = await OnNetworkAsync();
        await PublishAsync(machine, Office, "443", "53/udp");
        var writes = Writes();

        await PublishAsync(machine, Office, "443", "53/udp");
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);   // kept
        Assert.Equal(writes, Writes());

        await PublishAsync(machine, ["203.0.113.9", "198.51.100.0/24"], "8443");
        var rule = Assert.Single(Rules("corp"))["properties"]!;
        Assert.Equal(["8443"], rule["destinationPortRanges"]!.AsArray().Select(p => (string?)p));
        Assert.Equal(["198.51.100.0/24", "203.0.113.9"], rule["sourceAddressPrefixes"]!.AsArray().Select(p => (string?)p));

        Assert.Empty((await PublishAsync(machine, [])).PublishedPorts);
        Assert.Empty(Rules("corp"));
    }

    [Fact]
    public async Task Whoever_leaves_is_let_in_to_no_more()
    {
        var machine = await OnNetworkAsync();
        await PublishAsync(machine, ["Internet"], "443");
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);
        await Networks.ExitAsync(machine.Id, null, _azure, default);
        Assert.Empty(Rules("corp"));

        await Networks.JoinAsync(machine.Id, (await Networks.FindNetworkAsync("corp", default))!.Id, new JoinOptions { PublicAddress = true }, _azure, default);
        await PublishAsync(machine, ["internet"], "443");
        Assert.Equal("Internet", (string?)Assert.Single(Rules("corp"))["properties"]!["sourceAddressPrefix"]);
        await _azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, _azure, default);
        Assert.Empty(Rules("corp"));
    }

    [Fact]
    public async Task A_machine_that_gets_another_address_is_followed()
    {
        var machine = await OnNetworkAsync();
        await PublishAsync(machine, Office, "443");
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);

        await Networks.JoinAsync(machine.Id, (await Networks.FindNetworkAsync("corp", default))!.Id, new JoinOptions { IPAddress = "10.20.0.77" }, _azure, default);

        Assert.Equal("10.20.0.77", (string?)Assert.Single(Rules("corp"))["properties"]!["destinationAddressPrefix"]);
    }

    [Fact]
    public async Task Rules_of_machines_that_are_gone_are_orphans_and_rules_of_others_stay()
    {
        var machine = await OnNetworkAsync();
        await PublishAsync(machine, Office, "443");
        var theirs = new JsonObject { ["name"] = "theirs", ["properties"] = new JsonObject { ["priority"] = 1000, ["direction"] = "Inbound", ["provisioningState"] = "Succeeded" } };
        _azure.Arm.Resources[Id(Group, "corp")]["properties"]!["securityRules"]!.AsArray().Add((JsonNode)theirs);
        foreach (var id in _azure.Arm.Resources.Keys.Where(k => k.Contains("web01", StringComparison.Ordinal)).ToList())
            ((Dictionary<string, JsonObject>)_azure.Arm.Resources).Remove(id);   // somebody's broom

        var orphans = (IOrphanProvider)_azure.Provider;
        var rule = Assert.Single(await orphans.ListOrphansAsync(default));
        Assert.Equal("SecurityRule", rule.Kind);
        await orphans.RemoveOrphanAsync(rule.Id, _azure, default);

        Assert.Equal("theirs", (string?)Assert.Single(Rules("corp"))["name"]);
    }

    [Theory]
    [InlineData("PublishFromMissing", "443")]
    [InlineData("InvalidPublishFrom", "443", "*")]
    [InlineData("InvalidPublishFrom", "443", "0.0.0.0/0")]
    [InlineData("InvalidPublishFrom", "443", "198.51.100.7/24")]
    [InlineData("InvalidPublishFrom", "443", "2001:db8::1")]
    [InlineData("InvalidPublishFrom", "443", "Internet", "198.51.100.7")]
    [InlineData("NotSupportedInAzure", "8443:443", "198.51.100.7")]
    [InlineData("NotSupportedInAzure", "192.168.1.2:443:443", "198.51.100.7")]
    public async Task What_cannot_be_is_refused_and_nothing_is_open(string id, string port, params string[] from)
    {
        var machine = await OnNetworkAsync();

        var e = await Assert.ThrowsAsync<IaaSException>(() => PublishAsync(machine, from, port));

        Assert.Equal(id, e.ErrorId);
        Assert.NotEmpty(e.Remedy!);
        Assert.Empty(Rules("corp"));
    }

    [Fact]
    public async Task A_machine_without_a_public_address_and_networks_of_others_are_refused()
    {
        var machine = await OnNetworkAsync(isPublic: false);
        Assert.Equal("VmHasNoPublicAddress", (await Assert.ThrowsAsync<IaaSException>(() => PublishAsync(machine, Office, "443"))).ErrorId);

        await Networks.JoinAsync(machine.Id, machine.NetworkAdapters[0].NetworkId!.Value, new JoinOptions { PublicAddress = true }, _azure, default);
        _azure.Arm.Resources[Id(Group, "corp")]["tags"] = new JsonObject();
        Assert.Equal("NetworkNotOurs", (await Assert.ThrowsAsync<IaaSException>(() => PublishAsync(machine, Office, "443"))).ErrorId);
        Assert.Empty(Rules("corp"));
    }

    [Fact]
    public async Task A_priority_that_another_shell_takes_in_the_same_moment_costs_one_more_request()
    {
        var machine = await OnNetworkAsync();
        var taken = false;
        _azure.Arm.Intercept = r =>
        {
            if (!taken && r is { Method: "PUT" } && r.Path.Contains("/securityRules/", StringComparison.Ordinal))
            {
                taken = true;
                _azure.Arm.Resources[Id(Group, "corp")]["properties"]!["securityRules"]!.AsArray().Add((JsonNode)new JsonObject
                {
                    ["name"] = "theirs", ["properties"] = new JsonObject { ["priority"] = 1000, ["direction"] = "Inbound" },
                });
            }

            return null;
        };

        await PublishAsync(machine, Office, "443");

        Assert.Equal([1000, 1001], Rules("corp").Select(r => (int)r["properties"]!["priority"]!));
    }

    private async Task<VirtualMachine> OnNetworkAsync(bool isPublic = true)
    {
        var machine = await _azure.ImportAsync(_azure.Image("web01.img", 32 << 20, (0, 64)));
        var network = await Networks.AddNetworkAsync(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24" }, _azure, default);
        return await Networks.JoinAsync(machine.Id, network.Id, new JoinOptions { PublicAddress = isPublic }, _azure, default);
    }

    private Task<VirtualMachine> PublishAsync(VirtualMachine machine, string[] from, params string[] ports) =>
        _azure.Provider.StartAsync(machine.Id, new StartOptions { Publish = [.. ports.Select(PublishedPort.Parse)], PublishFrom = from }, _azure, default);

    private List<JsonNode> Rules(string network) => [.. _azure.Arm.Resources[Id(Group, network)]["properties"]!["securityRules"]!.AsArray().Select(r => r!)];

    private int Writes() => _azure.Arm.Requests.Count(r => r.Method != "GET");

    private static string Id(string type, string name) => TestAzure.IdOf("Microsoft.Network/" + type, name);
}
