using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Machines;

namespace AzureIaaS.Azure.Networks;

/// <summary>Between Azure's networks and ours, both ways. Pure: nothing is asked of Azure.</summary>
internal static class NetworkMapping
{
    /// <summary>The subnet of a network's VPN gateway; Azure knows it by this name.</summary>
    public const string GatewaySubnet = "GatewaySubnet";

    /// <summary>What Azure keeps of each subnet: the network, the gateway, two for names, and the broadcast address.</summary>
    private const int KeptOfSubnet = 5;

    /// <summary>Subnets that Azure's own services have to themselves.</summary>
    private static readonly string[] ServiceSubnets = [GatewaySubnet, "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "AzureBastionSubnet", "RouteServerSubnet"];

    /// <summary>A virtual network with its subnet for machines, and the one of its VPN gateway where it has one.</summary>
    /// <param name="network">The network.</param>
    /// <param name="space">All addresses of it but the gateway's; the subnet is of these.</param>
    /// <param name="gatewayRange">The addresses of the gateway's subnet; null for none.</param>
    /// <param name="securityGroup">The id of its security group.</param>
    /// <param name="peers">The ids of the networks that it exchanges packets with.</param>
    public static JsonObject NetworkBody(VirtualNetwork network, string space, string? gatewayRange, string securityGroup, IEnumerable<ResourceIdentifier> peers)
    {
        var body = new JsonObject
        {
            ["addressSpace"] = new JsonObject { ["addressPrefixes"] = new JsonArray(space) },
            ["subnets"] = new JsonArray(new JsonObject
            {
                ["name"] = AzureNames.DefaultSubnet,
                ["properties"] = new JsonObject
                {
                    ["addressPrefix"] = network.Subnet,
                    ["networkSecurityGroup"] = new JsonObject { ["id"] = securityGroup },
                },
            }),
            ["virtualNetworkPeerings"] = new JsonArray([.. peers.Select(PeeringBody)]),
        };
        if (gatewayRange is not null)
        {
            body["addressSpace"]!["addressPrefixes"]!.AsArray().Add((JsonNode)gatewayRange);
            // Without a security group: Azure refuses one here, and lets nothing but the tunnels' own packets in.
            body["subnets"]!.AsArray().Add((JsonNode)new JsonObject { ["name"] = GatewaySubnet, ["properties"] = new JsonObject { ["addressPrefix"] = gatewayRange } });
        }

        if (network.DnsServers.Count > 0)
            body["dhcpOptions"] = new JsonObject { ["dnsServers"] = new JsonArray([.. network.DnsServers.Select(s => (JsonNode)s)]) };
        return body;
    }

    /// <summary>
    /// A security group. One without rules has Azure's own alone: within the network and its peers everything, from outside nothing. An isolated
    /// network's machines do not get out either.
    /// </summary>
    /// <param name="isolated">Whether there is no way out.</param>
    public static JsonObject SecurityBody(bool isolated) => new()
    {
        ["securityRules"] = isolated ? new JsonArray(new JsonObject
        {
            ["name"] = "no-way-out",
            ["properties"] = new JsonObject
            {
                ["priority"] = 4096,
                ["direction"] = "Outbound",
                ["access"] = "Deny",
                ["protocol"] = "*",
                ["sourceAddressPrefix"] = "*",
                ["sourcePortRange"] = "*",
                ["destinationAddressPrefix"] = "Internet",
                ["destinationPortRange"] = "*",
            },
        }) : [],
    };

    /// <summary>A network interface with one address.</summary>
    /// <param name="subnet">The subnet's id.</param>
    /// <param name="address">The address it is to have; null to have one chosen.</param>
    /// <param name="publicAddress">The id of its public address; null for none.</param>
    public static JsonObject AdapterBody(string subnet, string? address, ResourceIdentifier? publicAddress)
    {
        var properties = new JsonObject
        {
            ["primary"] = true,
            ["privateIPAllocationMethod"] = address is null ? "Dynamic" : "Static",
            ["subnet"] = new JsonObject { ["id"] = subnet },
        };
        if (address is not null)
            properties["privateIPAddress"] = address;
        if (publicAddress is not null)
            properties["publicIPAddress"] = new JsonObject { ["id"] = publicAddress.ToString() };
        return new() { ["ipConfigurations"] = new JsonArray(new JsonObject { ["name"] = "primary", ["properties"] = properties }) };
    }

    /// <summary>A public address that stays the same.</summary>
    public static JsonObject PublicAddressBody() => new() { ["publicIPAllocationMethod"] = "Static", ["publicIPAddressVersion"] = "IPv4" };

    /// <summary>A network as Azure describes it.</summary>
    /// <param name="data">The virtual network.</param>
    public static VirtualNetwork FromAzure(GenericResourceData data)
    {
        var properties = Properties(data);
        var subnet = SubnetOf(properties);
        var range = PrefixOf(subnet);
        var used = (subnet?["properties"]?["ipConfigurations"] as JsonArray)?.Select(c => (string?)c?["id"]).OfType<string>().ToList() ?? [];
        return new VirtualNetwork
        {
            Id = IdFor(data.Id),
            Name = data.Id.Name,
            Subnet = range,
            GatewayAddress = IPNetwork.TryParse(range, out var network) ? Next(network.BaseAddress) : "",
            DnsServers = [.. (properties["dhcpOptions"]?["dnsServers"] as JsonArray)?.Select(s => (string)s!) ?? []],
            Isolated = data.Tags.ContainsKey(AzureNames.IsolatedTag),
            Peers = [.. Peerings(properties).Select(p => new ResourceIdentifier(p).Name).Order(StringComparer.OrdinalIgnoreCase)],
            RehearsalOf = AzureNames.IdIn(data.Tags, AzureNames.RehearsalTag),
            Created = data.Tags.TryGetValue(AzureNames.CreatedTag, out var created) && DateTimeOffset.TryParse(created, CultureInfo.InvariantCulture, out var time) ? time : default,
            Machines = [.. used.Select(MachineOf).OfType<string>().Distinct().Order(StringComparer.OrdinalIgnoreCase)],
            FreeAddresses = network.BaseAddress is null ? 0 : Math.Max(0, (1L << (32 - network.PrefixLength)) - KeptOfSubnet - used.Count),
        };
    }

    /// <summary>The identity of a network: made of its full name, so that every computer finds the same one.</summary>
    /// <param name="id">Its full id.</param>
    public static Guid IdFor(ResourceIdentifier id) => new(SHA256.HashData(Encoding.UTF8.GetBytes(id.ToString().ToUpperInvariant())).AsSpan(0, 16));

    /// <summary>The full id of the subnet that machines are put on; null where a network has none for them.</summary>
    /// <param name="data">The virtual network.</param>
    public static string? SubnetIdOf(GenericResourceData data) => SubnetOf(Properties(data)) is { } subnet ? $"{data.Id}/subnets/{(string?)subnet["name"]}" : null;

    /// <summary>Whether a network is as this module makes it: nobody has added to it what writing it again would take away.</summary>
    /// <param name="data">The virtual network.</param>
    public static bool IsAsMade(GenericResourceData data)
    {
        if (!data.Tags.ContainsKey(AzureNames.NetworkTag) || Properties(data)["subnets"] is not JsonArray subnets)
            return false;
        var ours = GatewayRangeOf(data) is null ? 1 : 2;
        return subnets.Count == ours && subnets.Any(s => (string?)s?["name"] == AzureNames.DefaultSubnet);
    }

    /// <summary>The addresses of the gateway's subnet, where this module has made one; null for none.</summary>
    /// <param name="data">The virtual network.</param>
    public static string? GatewayRangeOf(GenericResourceData data) =>
        data.Tags.TryGetValue(AzureNames.GatewayTag, out var range) && (Properties(data)["subnets"] as JsonArray)?.Any(s => (string?)s?["name"] == GatewaySubnet && PrefixOf(s) == range) == true ? range : null;

    /// <summary>All addresses of a network but its gateway's.</summary>
    /// <param name="data">The virtual network.</param>
    public static string SpaceOf(GenericResourceData data) => (string?)Properties(data)["addressSpace"]?["addressPrefixes"]?[0] ?? "";

    /// <summary>The full ids of a network's peers.</summary>
    /// <param name="properties">The network's properties.</param>
    public static IEnumerable<string> Peerings(JsonObject properties) =>
        (properties["virtualNetworkPeerings"] as JsonArray)?.Select(p => (string?)p?["properties"]?["remoteVirtualNetwork"]?["id"]).OfType<string>() ?? [];

    /// <summary>Where an interface is, by its properties.</summary>
    /// <param name="data">The interface.</param>
    /// <returns>The full id of its subnet, its address, and the full id of its public address; null for what it has not.</returns>
    public static (string? Subnet, string? Address, string? PublicAddress) PlaceOf(GenericResourceData data)
    {
        var first = (Properties(data)["ipConfigurations"] as JsonArray)?.FirstOrDefault()?["properties"];
        return ((string?)first?["subnet"]?["id"], (string?)first?["privateIPAddress"] is { Length: > 0 } address ? address : null, (string?)first?["publicIPAddress"]?["id"]);
    }

    /// <summary>A resource's properties; none where Azure gave none.</summary>
    /// <param name="data">The resource.</param>
    public static JsonObject Properties(GenericResourceData data) => data.Properties is { } properties ? JsonNode.Parse(properties.ToString()) as JsonObject ?? [] : [];

    /// <summary>The network that a subnet's full id belongs to.</summary>
    /// <param name="subnet">The subnet's full id.</param>
    public static ResourceIdentifier NetworkOf(string subnet) => new ResourceIdentifier(subnet).Parent!;

    private static JsonNode PeeringBody(ResourceIdentifier peer) => new JsonObject
    {
        ["name"] = peer.Name,
        ["properties"] = new JsonObject
        {
            ["remoteVirtualNetwork"] = new JsonObject { ["id"] = peer.ToString() },
            ["allowVirtualNetworkAccess"] = true,
            ["allowForwardedTraffic"] = false,
            ["allowGatewayTransit"] = false,
            ["useRemoteGateways"] = false,
        },
    };

    private static JsonNode? SubnetOf(JsonObject properties)
    {
        var all = (properties["subnets"] as JsonArray)?.Where(s => !ServiceSubnets.Contains((string?)s?["name"])).ToList() ?? [];
        return all.Find(s => (string?)s?["name"] == AzureNames.DefaultSubnet) ?? all.FirstOrDefault();
    }

    private static string PrefixOf(JsonNode? subnet) =>
        (string?)subnet?["properties"]?["addressPrefix"] ?? (string?)(subnet?["properties"]?["addressPrefixes"] as JsonArray)?.FirstOrDefault() ?? "";

    private static string Next(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        bytes[^1]++;
        return new IPAddress(bytes).ToString();
    }

    /// <summary>The machine of an interface's configuration: its name without what the interface adds.</summary>
    private static string? MachineOf(string configuration)
    {
        var id = new ResourceIdentifier(configuration);
        var adapter = id.Parent?.Name;
        return adapter is null ? null : adapter.LastIndexOf("-nic", StringComparison.Ordinal) is > 0 and var at ? adapter[..at] : adapter;
    }
}
