using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>What VPN gateways and their tunnels do.</summary>
public sealed partial class Arm
{
    private const string Gateways = "Microsoft.Network/virtualNetworkGateways";
    private const string Connections = "Microsoft.Network/connections";
    private const string GatewaySubnet = "/subnets/GatewaySubnet";

    private Answer? PutGateway(string id, JsonObject properties)
    {
        if ((string?)Find(id)?["properties"]!["provisioningState"] == "Updating")
            return Answer.Error(409, "AnotherOperationInProgress", "Another operation on this or dependent resource is in progress.");
        var configuration = properties["ipConfigurations"]![0]!["properties"]!;
        var subnet = (string)configuration["subnet"]!["id"]!;
        if (!subnet.EndsWith(GatewaySubnet, StringComparison.Ordinal) || Find(NetworkIdOf(subnet)) is not { } network || !network["properties"]!["subnets"]!.AsArray().Any(s => (string?)s!["name"] == "GatewaySubnet"))
            return Answer.Error(400, "InvalidResourceReference", $"Resource {subnet} referenced by resource {id} was not found.");
        if (Find((string)configuration["publicIPAddress"]!["id"]!) is not { } address)
            return Answer.Error(400, "InvalidResourceReference", "The public address was not found.");
        var sku = (string?)properties["sku"]!["name"];
        if (sku!.EndsWith("AZ", StringComparison.Ordinal) && (string?)address["sku"]?["name"] != "Standard")
            return Answer.Error(400, "PublicIpWithBasicSkuNotAllowedOnVPNGateways", $"Basic IP configuration for VPN gateways of SKU {sku} is not supported.");
        if (sku != (string?)properties["sku"]!["tier"])
            return Answer.Error(400, "InvalidGatewaySkuSpecified", "The SKU's name and tier differ.");
        return null;
    }

    /// <summary>A gateway is there at once, and is being made for long.</summary>
    private (string Name, string Value)[] BeginGateway(string id, JsonObject properties)
    {
        properties["provisioningState"] = "Updating";
        return Begin(id, hasLocation: false, retryAfter: "10", slowly: (PollsUntilGateway, () => properties["provisioningState"] = "Succeeded"));
    }

    private Answer? PutConnection(string id, JsonObject properties)
    {
        if (Find((string)properties["virtualNetworkGateway1"]!["id"]!) is not { } gateway || Find((string)properties["localNetworkGateway2"]!["id"]!) is null)
            return Answer.Error(400, "InvalidResourceReference", $"A gateway referenced by resource {id} was not found.");
        if ((string?)gateway["properties"]!["provisioningState"] != "Succeeded")
            return Answer.Error(400, "ReferencedResourceNotProvisioned", "The gateway is not in state Succeeded.");
        if ((string?)properties["sharedKey"] is not { Length: > 0 })
            return Answer.Error(400, "VirtualNetworkGatewayConnectionSharedKeyNotSpecified", "The shared key is missing.");
        foreach (var policy in properties["ipsecPolicies"]!.AsArray())
        {
            var cipher = (string)policy!["ipsecEncryption"]!;
            if (cipher.StartsWith("GCM", StringComparison.Ordinal) && (string?)policy["ipsecIntegrity"] != cipher)
                return Answer.Error(400, "InvalidIpsecPolicyCombination", "With GCMAES, encryption and integrity must be the same.");
            if ((int)policy["saLifeTimeSeconds"]! < 300 || (int)policy["saDataSizeKilobytes"]! < 1024)
                return Answer.Error(400, "InvalidIpsecPolicySALifetime", "The lifetime is out of range.");
        }

        return null;
    }

    private void ShowConnection(JsonObject connection)
    {
        var properties = connection["properties"]!.AsObject();
        properties.Remove("sharedKey");
        (properties["connectionStatus"], properties["ingressBytesTransferred"], properties["egressBytesTransferred"]) = (ConnectionStatus, 1234, 4321);
    }

    private Answer SharedKey(string id) => Find(id) is { } connection
        ? Answer.Of(200, new JsonObject { ["value"] = connection["properties"]!["sharedKey"]!.DeepClone() }) : NotFound(id);
}
