using System.Net;
using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>What networks, interfaces and public addresses do.</summary>
public sealed partial class Arm
{
    private const int KeptAtStart = 4;
    private const string ZoneType = "Microsoft.Network/privateDnsZones";
    private const string ZoneLinkType = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";

    /// <summary>Completes a resource of Microsoft.Network as Azure does, or refuses it.</summary>
    private Answer? PutOfNetwork(string id, string type, JsonObject properties, string? location) => type.Split('/')[1].ToUpperInvariant() switch
    {
        "NETWORKINTERFACES" => PutAdapter(id, properties, location),
        "VIRTUALNETWORKS" => PutNetwork(id, properties),
        "PUBLICIPADDRESSES" => PutAddress(id, properties),
        "VIRTUALNETWORKGATEWAYS" => PutGateway(id, properties),
        "CONNECTIONS" => PutConnection(id, properties),
        "PRIVATEDNSZONES" => location == "global" ? null : Answer.Error(400, "BadRequest", "The location of a private DNS zone is 'global'."),
        _ => null,
    };

    private Answer? PutAdapter(string id, JsonObject properties, string? location)
    {
        var configuration = properties["ipConfigurations"]![0]!;
        configuration["id"] = $"{id}/ipConfigurations/{(string?)configuration["name"]}";
        var own = configuration["properties"]!.AsObject();
        var subnet = (string)own["subnet"]!["id"]!;
        if (Find(NetworkIdOf(subnet)) is not { } network
            || network["properties"]!["subnets"]!.AsArray().FirstOrDefault(s => subnet.EndsWith($"/subnets/{(string?)s!["name"]}", StringComparison.OrdinalIgnoreCase)) is not { } found)
        {
            return Answer.Error(400, "InvalidResourceReference", $"Resource {subnet} referenced by resource {id} was not found.");
        }

        if (!string.Equals((string?)network["location"], location, StringComparison.OrdinalIgnoreCase))
            return Answer.Error(400, "InvalidResourceReference", $"Resource {subnet} is in another location than {id}.");
        if (Find(id) is { } former && MachineWith(id) is not null && !NetworkOf(former).Equals(NetworkIdOf(subnet), StringComparison.OrdinalIgnoreCase))
            return Answer.Error(400, "NicMoveNotAllowed", "A network interface that is attached cannot go to another virtual network.");
        if (own["publicIPAddress"] is { } address && Find((string)address["id"]!) is null)
            return Answer.Error(400, "InvalidResourceReference", $"Resource {address["id"]} referenced by resource {id} was not found.");
        var taken = AdaptersOn(subnet).Where(a => !string.Equals((string?)a["id"], id, StringComparison.OrdinalIgnoreCase))
            .Select(a => (string?)a["properties"]!["ipConfigurations"]![0]!["properties"]!["privateIPAddress"]).ToHashSet();
        if ((string?)own["privateIPAllocationMethod"] == "Static")
        {
            return taken.Contains((string?)own["privateIPAddress"])
                ? Answer.Error(400, "PrivateIPAddressInUse", $"IP configuration {own["privateIPAddress"]} is already allocated.") : null;
        }

        own["privateIPAddress"] = Addresses((string)found["properties"]!["addressPrefix"]!).First(a => !taken.Contains(a));
        return null;
    }

    private Answer? PutNetwork(string id, JsonObject properties)
    {
        foreach (var subnet in properties["subnets"]!.AsArray())
        {
            if (subnet!["properties"]!["networkSecurityGroup"] is { } security && Find((string)security["id"]!) is null)
                return Answer.Error(400, "InvalidResourceReference", $"Resource {security["id"]} referenced by resource {id} was not found.");
            if (!properties["addressSpace"]!["addressPrefixes"]!.AsArray().Any(p => IPNetwork.Parse((string)p!).Contains(IPNetwork.Parse((string)subnet["properties"]!["addressPrefix"]!).BaseAddress)))
                return Answer.Error(400, "NetcfgInvalidSubnet", "Subnet is not within the virtual network.");
        }

        if (_resources.Values.Any(g => Mentions(g["properties"]?["ipConfigurations"], id + GatewaySubnet)) && !properties["subnets"]!.AsArray().Any(s => (string?)s!["name"] == "GatewaySubnet"))
            return Answer.Error(400, "InUseSubnetCannotBeDeleted", "Subnet GatewaySubnet is in use and cannot be deleted.");
        foreach (var peering in properties["virtualNetworkPeerings"]?.AsArray() ?? [])
        {
            if (Find((string)peering!["properties"]!["remoteVirtualNetwork"]!["id"]!) is null)
                return Answer.Error(400, "RemoteVnetDoesNotExist", "The remote virtual network does not exist.");
        }

        return null;
    }

    /// <summary>A link between a private DNS zone and a network. A network's machines are registered in one zone at most.</summary>
    private Answer OnZoneLink(string zone, Request request)
    {
        lock (_gate)
        {
            if (Find(zone) is null)
                return NotFound(zone);
            if (request.Method == "GET")
                return Find(request.Path) is { } found ? Answer.Of(200, found.DeepClone()) : NotFound(request.Path);
            if (request.Method == "DELETE")
                return _resources.Remove(request.Path) ? Answer.Of(202, null, Begin(zone, hasLocation: true)) : Answer.Of(204);
            var body = Parse(request);
            CheckShape(request, body, "properties.virtualNetwork.id", "properties.registrationEnabled");
            var network = (string?)body["properties"]?["virtualNetwork"]?["id"] ?? "";
            if ((string?)body["location"] != "global" || Find(network) is null)
                return Answer.Error(400, "BadRequest", "The location is not 'global', or the network is not there.");
            if (_resources.Values.Any(r => (string?)r["type"] == ZoneLinkType && (string?)r["id"] != request.Path && Mentions(r["properties"], network)))
                return Answer.Error(409, "Conflict", "The network is linked for registration already.");
            var isNew = Find(request.Path) is null;
            (body["id"], body["name"], body["type"]) = (request.Path, request.Path.Split('/')[^1], ZoneLinkType);
            body["properties"]!["provisioningState"] = "Succeeded";
            _resources[request.Path] = body;
            return Answer.Of(isNew ? 201 : 200, body.DeepClone(), Begin(zone, hasLocation: false));
        }
    }

    private Answer? PutAddress(string id, JsonObject properties)
    {
        properties["ipAddress"] = (string?)Find(id)?["properties"]?["ipAddress"] ?? $"203.0.113.{_resources.Count % 250 + 1}";
        return null;
    }

    /// <summary>Why a resource of Microsoft.Network cannot be deleted; null when it can.</summary>
    private Answer? InUse(string id, string type) => type.Split('/')[1].ToUpperInvariant() switch
    {
        "PRIVATEDNSZONES" when _resources.Keys.Any(k => k.StartsWith(id + "/", StringComparison.OrdinalIgnoreCase)) => Answer.Error(409, "CannotDeleteResource", "Cannot delete resource while nested resources exist."),
        "VIRTUALNETWORKS" when _resources.Values.Any(r => (string?)r["type"] == ZoneLinkType && Mentions(r["properties"], id)) => Answer.Error(400, "InUse", "The network is linked to a private DNS zone."),
        "NETWORKINTERFACES" when MachineWith(id) is not null => Answer.Error(400, "NicInUse", "Network Interface is used by existing resource."),
        "VIRTUALNETWORKS" when Adapters.Any(a => NetworkOf(a).Equals(id, StringComparison.OrdinalIgnoreCase)) => Answer.Error(400, "InUseSubnetCannotBeDeleted", "Subnet is in use and cannot be deleted."),
        "NETWORKSECURITYGROUPS" when _resources.Values.Any(r => Mentions(r["properties"]?["subnets"], id)) =>
            Answer.Error(400, "InUseNetworkSecurityGroupCannotBeDeleted", "Network security group cannot be deleted because it is in use."),
        "VIRTUALNETWORKGATEWAYS" or "LOCALNETWORKGATEWAYS" when _resources.Values.Any(c => (string?)c["type"] == Connections && Mentions(c["properties"], id)) =>
            Answer.Error(400, "GatewayInUse", $"{id.Split('/')[^1]} is referenced by connections."),
        "VIRTUALNETWORKS" when _resources.Values.Any(g => Mentions(g["properties"]?["ipConfigurations"], id + GatewaySubnet)) =>
            Answer.Error(400, "InUseSubnetCannotBeDeleted", "Subnet GatewaySubnet is in use and cannot be deleted."),
        "PUBLICIPADDRESSES" when Adapters.Concat(_resources.Values.Where(g => (string?)g["type"] == Gateways)).Any(a => Mentions(a["properties"], id)) => Answer.Error(400, "PublicIPAddressCannotBeDeleted", "Public IP address is still allocated to a resource."),
        _ => null,
    };

    /// <summary>A network as it is shown: with its subnets' ids, and who is on them.</summary>
    private void ShowNetwork(JsonObject network)
    {
        foreach (var subnet in network["properties"]!["subnets"]!.AsArray())
        {
            var full = $"{(string?)network["id"]}/subnets/{(string?)subnet!["name"]}";
            subnet["id"] = full;
            subnet["properties"]!["ipConfigurations"] = new JsonArray([.. AdaptersOn(full).Select(a => (JsonNode)new JsonObject { ["id"] = (string?)a["properties"]!["ipConfigurations"]![0]!["id"] })]);
        }
    }

    private IEnumerable<JsonObject> Adapters => _resources.Values.Where(r => (string?)r["type"] == "Microsoft.Network/networkInterfaces");

    private IEnumerable<JsonObject> AdaptersOn(string subnet) =>
        Adapters.Where(a => string.Equals((string?)a["properties"]!["ipConfigurations"]![0]!["properties"]!["subnet"]!["id"], subnet, StringComparison.OrdinalIgnoreCase));

    private JsonObject? MachineWith(string adapter) => _resources.Values.FirstOrDefault(r =>
        r["properties"]?["networkProfile"]?["networkInterfaces"]?.AsArray().Any(n => string.Equals((string?)n!["id"], adapter, StringComparison.OrdinalIgnoreCase)) == true);

    private static string NetworkOf(JsonObject adapter) => NetworkIdOf((string)adapter["properties"]!["ipConfigurations"]![0]!["properties"]!["subnet"]!["id"]!);

    private static string NetworkIdOf(string subnet) => subnet[..subnet.IndexOf("/subnets/", StringComparison.OrdinalIgnoreCase)];

    private static bool Mentions(JsonNode? node, string id) => node?.ToJsonString().Contains($"\"{id}\"", StringComparison.OrdinalIgnoreCase) == true;

    private static IEnumerable<string> Addresses(string prefix)
    {
        var bytes = IPNetwork.Parse(prefix).BaseAddress.GetAddressBytes();
        var first = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        for (var i = first + KeptAtStart; ; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, i);
            yield return new IPAddress(bytes).ToString();
        }
    }
}
