using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Networks;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// Between a site and what Azure makes of it, both ways: a local network gateway says where the site is, a connection what both gateways agree on, and the
/// network's VPN gateway has the address at which the site reaches it. Pure.
/// </summary>
internal static class SiteMapping
{
    /// <summary>The smallest VPN gateway that Azure still makes and that takes custom policies; its kinds with AZ lie in all zones a region has.</summary>
    private const string GatewaySku = "VpnGw1AZ";

    /// <summary>By how much data the packets' keys are good, in KiB: Azure's own default, for a policy must say it.</summary>
    private const int SaDataSizeKilobytes = 102_400_000;

    private const int GatewayPrefix = 27;   // what Azure advises; smaller ones leave no room for a second gateway

    /// <summary>Where a VPN gateway's subnet may lie: private ranges that few use, from the end.</summary>
    private static readonly string[] GatewayPools = ["172.31.240.0/20", "192.168.240.0/20", "10.255.240.0/20"];

    /// <summary>Where the site is.</summary>
    /// <param name="site">The site.</param>
    public static JsonObject LocalGatewayBody(Site site) => new()
    {
        ["localNetworkAddressSpace"] = new JsonObject { ["addressPrefixes"] = new JsonArray([.. site.Subnets.Select(s => (JsonNode)s)]) },
        ["gatewayIpAddress"] = site.GatewayAddress,
    };

    /// <summary>A network's VPN gateway.</summary>
    /// <param name="network">The full id of the virtual network.</param>
    /// <param name="address">The full id of its public address.</param>
    public static JsonObject GatewayBody(ResourceIdentifier network, ResourceIdentifier address) => new()
    {
        ["gatewayType"] = "Vpn",
        ["vpnType"] = "RouteBased",   // the other kind speaks IKEv1
        ["sku"] = new JsonObject { ["name"] = GatewaySku, ["tier"] = GatewaySku },
        ["activeActive"] = false,
        ["enableBgp"] = false,
        ["ipConfigurations"] = new JsonArray(new JsonObject
        {
            ["name"] = "primary",
            ["properties"] = new JsonObject
            {
                ["privateIPAllocationMethod"] = "Dynamic",
                ["subnet"] = new JsonObject { ["id"] = $"{network}/subnets/{NetworkMapping.GatewaySubnet}" },
                ["publicIPAddress"] = new JsonObject { ["id"] = address.ToString() },
            },
        }),
    };

    /// <summary>The tunnel. The one body with a secret: it is sent, and kept nowhere.</summary>
    /// <param name="site">The site.</param>
    /// <param name="gateway">The full id of the network's VPN gateway.</param>
    /// <param name="localGateway">The full id of the site's local network gateway.</param>
    /// <param name="key">The shared key.</param>
    public static JsonObject ConnectionBody(Site site, ResourceIdentifier gateway, ResourceIdentifier localGateway, string key) => new()
    {
        ["connectionType"] = "IPsec",
        ["connectionProtocol"] = "IKEv2",
        ["connectionMode"] = "Default",
        ["virtualNetworkGateway1"] = new JsonObject { ["id"] = gateway.ToString(), ["properties"] = new JsonObject() },
        ["localNetworkGateway2"] = new JsonObject { ["id"] = localGateway.ToString(), ["properties"] = new JsonObject() },
        ["sharedKey"] = key,
        ["enableBgp"] = false,
        ["usePolicyBasedTrafficSelectors"] = false,
        ["dpdTimeoutSeconds"] = site.DpdTimeoutSeconds,
        ["ipsecPolicies"] = new JsonArray(PolicyBody(site.Policy)),
    };

    /// <summary>A site as Azure describes it.</summary>
    /// <param name="local">The site's local network gateway.</param>
    /// <param name="connection">The tunnel; null where there is none yet.</param>
    /// <param name="gateway">The network's VPN gateway; null where there is none yet.</param>
    /// <param name="address">The public address of that; null where there is none yet.</param>
    /// <param name="network">The full id of the virtual network.</param>
    public static Site FromAzure(GenericResourceData local, GenericResourceData? connection, GenericResourceData? gateway, GenericResourceData? address, ResourceIdentifier network)
    {
        var own = NetworkMapping.Properties(local);
        var tunnel = connection is null ? [] : NetworkMapping.Properties(connection);
        var site = new Site
        {
            Id = NetworkMapping.IdFor(local.Id),
            Name = local.Id.Name,
            Network = network.Name,
            NetworkId = NetworkMapping.IdFor(network),
            Subnets = [.. (own["localNetworkAddressSpace"]?["addressPrefixes"] as JsonArray)?.Select(p => (string)p!) ?? []],
            GatewayAddress = (string?)own["gatewayIpAddress"] ?? "",
            LocalAddress = address is null ? "" : (string?)NetworkMapping.Properties(address)["ipAddress"] ?? "",
            Created = local.Tags.TryGetValue(AzureNames.CreatedTag, out var created) && DateTimeOffset.TryParse(created, CultureInfo.InvariantCulture, out var time) ? time : default,
            BytesIn = (long?)tunnel["ingressBytesTransferred"] ?? 0,
            BytesOut = (long?)tunnel["egressBytesTransferred"] ?? 0,
        };
        site.DpdTimeoutSeconds = (int?)tunnel["dpdTimeoutSeconds"] is > 0 and var dpd ? dpd : site.DpdTimeoutSeconds;
        if ((tunnel["ipsecPolicies"] as JsonArray)?.FirstOrDefault() is { } policy)
            site.Policy = PolicyFrom(policy);
        (site.State, site.LastError) = StateOf(site, connection is null ? null : tunnel, gateway is null ? null : NetworkMapping.Properties(gateway));
        return site;
    }

    /// <summary>Addresses for a VPN gateway's subnet that nobody else has.</summary>
    /// <param name="taken">Ranges that somebody has: networks, sites.</param>
    /// <exception cref="IaaSException">All are taken.</exception>
    public static string ChooseGatewayRange(IEnumerable<string> taken)
    {
        var all = taken.Select(IPNetwork.Parse).ToList();
        foreach (var pool in GatewayPools.Select(IPNetwork.Parse))
        {
            var bytes = pool.BaseAddress.GetAddressBytes();
            var start = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
            for (var at = 0U; at < 1U << (32 - pool.PrefixLength); at += 1U << (32 - GatewayPrefix))
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, start + at);
                var range = new IPNetwork(new IPAddress(bytes), GatewayPrefix);
                if (!all.Exists(t => AddressPool.Overlap(t, range)))
                    return range.ToString();
            }
        }

        throw new IaaSException(ErrorKind.InvalidState, "NoGatewayRange", $"A VPN gateway needs a subnet of its own, and {string.Join(", ", GatewayPools)} overlap with networks or sites.",
            "Narrow the site's subnets with -Subnet to what is really there.");
    }

    private static JsonObject PolicyBody(IpsecPolicy policy) => new()
    {
        ["saLifeTimeSeconds"] = policy.SaLifetimeSeconds,
        ["saDataSizeKilobytes"] = SaDataSizeKilobytes,
        ["ikeEncryption"] = policy.IkeEncryption.ToString(),
        ["ikeIntegrity"] = policy.IkeIntegrity.ToString(),
        ["dhGroup"] = policy.DhGroup.ToString(),
        ["ipsecEncryption"] = policy.IpsecEncryption.ToString(),
        // Azure wants the cipher's own name where it authenticates too.
        ["ipsecIntegrity"] = policy.IpsecEncryption.ToString() is var cipher && cipher.StartsWith("GCM", StringComparison.Ordinal) ? cipher : policy.IpsecIntegrity.ToString(),
        ["pfsGroup"] = policy.PfsGroup.ToString(),
    };

    /// <summary>A policy that others have changed to something we have no word for keeps our default there.</summary>
    private static IpsecPolicy PolicyFrom(JsonNode policy)
    {
        var usual = new IpsecPolicy();
        return new IpsecPolicy
        {
            SaLifetimeSeconds = (int?)policy["saLifeTimeSeconds"] ?? usual.SaLifetimeSeconds,
            IkeEncryption = Word(policy["ikeEncryption"], usual.IkeEncryption),
            IkeIntegrity = Word(policy["ikeIntegrity"], usual.IkeIntegrity),
            DhGroup = Word(policy["dhGroup"], usual.DhGroup),
            IpsecEncryption = Word(policy["ipsecEncryption"], usual.IpsecEncryption),
            IpsecIntegrity = Word(policy["ipsecIntegrity"], usual.IpsecIntegrity),
            PfsGroup = Word(policy["pfsGroup"], usual.PfsGroup),
        };
    }

    private static T Word<T>(JsonNode? node, T usual)
        where T : struct, Enum => Enum.TryParse<T>((string?)node, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : usual;

    private static (SiteState State, string? LastError) StateOf(Site site, JsonObject? tunnel, JsonObject? gateway)
    {
        if ((string?)gateway?["provisioningState"] == "Failed")
            return (SiteState.NotConnected, $"Azure has not made the VPN gateway of network {site.Network}. New-IaaSSite with the same parameters tries again; Remove-IaaSSite takes it away.");
        if (tunnel is null)
        {
            return (SiteState.Connecting, (string?)gateway?["provisioningState"] is { } state && state != "Succeeded"
                ? $"Azure is making the VPN gateway of network {site.Network}, which takes up to an hour. New-IaaSSite with the same parameters goes on from there."
                : "It is not joined yet. New-IaaSSite with the same parameters goes on from where it was cut off; Remove-IaaSSite gives it up.");
        }

        if ((string?)tunnel["provisioningState"] == "Failed")
            return (SiteState.NotConnected, "Azure has not made the connection. New-IaaSSite with the same parameters tries again.");
        return Word(tunnel["connectionStatus"], SiteState.Unknown) is var known && known == SiteState.NotConnected
            ? (known, $"The gateways have no tunnel. See that {site.GatewayAddress} lets UDP 500 and 4500 in from {site.LocalAddress}, and that it is set as Get-IaaSSiteConfiguration {site.Name} says.")
            : (known, null);
    }
}
