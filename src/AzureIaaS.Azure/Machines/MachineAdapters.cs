using System.Text.Json.Nodes;
using Azure;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// The network interfaces of machines, and the network they are on where no other was chosen: one for the group, whose security group lets nobody
/// in from outside. As generic resources, for the package that knows them is not to be had.
/// </summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class MachineAdapters(ArmConnection connection)
{
    private const string AdapterType = "Microsoft.Network/networkInterfaces";
    private const string NetworkType = "Microsoft.Network/virtualNetworks";
    private const string SecurityType = "Microsoft.Network/networkSecurityGroups";

    private readonly Operations _operations = new(connection.Time);

    /// <summary>Makes sure that a machine has its interfaces.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>Their ids, in order.</returns>
    public async Task<IReadOnlyList<ResourceIdentifier>> EnsureAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var ids = new List<ResourceIdentifier>();
        string? subnet = null;
        foreach (var adapter in machine.NetworkAdapters.Select(a => a.Name).DefaultIfEmpty("nic0"))
        {
            var id = connection.IdOf(AdapterType, AzureNames.Adapter(machine.Name, adapter));
            ids.Add(id);
            if (await FindAsync(id, cancellation) is { } found)
            {
                CheckOurs(found, machine);
                continue;
            }

            subnet ??= await SubnetAsync(notices, cancellation);
            await PutAsync(id, AdapterBody(subnet), AzureNames.TagsOf(machine, machine.Origin?.Operation ?? Guid.Empty), notices, cancellation);
        }

        return ids;
    }

    /// <summary>The first address of a machine; null where it has none.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<string?> AddressAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        var adapter = machine.NetworkAdapters.Count > 0 ? machine.NetworkAdapters[0].Name : "nic0";
        var found = await FindAsync(connection.IdOf(AdapterType, AzureNames.Adapter(machine.Name, adapter)), cancellation);
        return found?.Data.Properties is { } properties ? AddressIn(properties) : null;
    }

    /// <summary>Whether something else than a machine has the name of one of its interfaces.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It has.</exception>
    public async Task CheckFreeAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        foreach (var adapter in machine.NetworkAdapters)
        {
            if (await FindAsync(connection.IdOf(AdapterType, AzureNames.Adapter(machine.Name, adapter.Name)), cancellation) is { } found)
                CheckOurs(found, machine);
        }
    }

    /// <summary>All interfaces of the group that are ours.</summary>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<GenericResourceData>> ListAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<GenericResourceData>();
            await foreach (var adapter in connection.Group.GetGenericResourcesAsync($"resourceType eq '{AdapterType}'", cancellationToken: cancellation))
            {
                if (adapter.Data.Tags.ContainsKey(AzureNames.VmTag))
                    found.Add(adapter.Data);
            }

            return found;
        },
        "Listing network interfaces", Quiet.Notices, cancellation);

    /// <summary>Removes an interface; one that is gone already is no failure.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RemoveAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is { } found)
            await _operations.RunAsync(async () => await found.DeleteAsync(WaitUntil.Started, cancellation), $"Removing {id.Name}", notices, cancellation);
    }

    /// <summary>The first private address in an interface's properties.</summary>
    /// <param name="properties">The properties.</param>
    internal static string? AddressIn(BinaryData properties) =>
        (JsonNode.Parse(properties.ToString())?["ipConfigurations"] as JsonArray)?.Select(c => (string?)c?["properties"]?["privateIPAddress"]).FirstOrDefault(a => a is { Length: > 0 });

    internal static JsonObject AdapterBody(string subnet) => new()
    {
        ["ipConfigurations"] = new JsonArray(new JsonObject
        {
            ["name"] = "primary",
            ["properties"] = new JsonObject
            {
                ["primary"] = true,
                ["privateIPAllocationMethod"] = "Dynamic",
                ["subnet"] = new JsonObject { ["id"] = subnet },
            },
        }),
    };

    internal static JsonObject NetworkBody(string securityGroup) => new()
    {
        ["addressSpace"] = new JsonObject { ["addressPrefixes"] = new JsonArray("10.96.0.0/16") },
        ["subnets"] = new JsonArray(new JsonObject
        {
            ["name"] = AzureNames.DefaultSubnet,
            ["properties"] = new JsonObject
            {
                ["addressPrefix"] = "10.96.0.0/20",
                ["networkSecurityGroup"] = new JsonObject { ["id"] = securityGroup },
            },
        }),
    };

    private static void CheckOurs(GenericResource found, VirtualMachine machine)
    {
        if (AzureNames.IdIn(found.Data.Tags, AzureNames.VmTag) == machine.Id)
            return;
        throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is a network interface called '{found.Id.Name}' already, and it was not made for this machine.",
            "It is left alone. Give this machine another name with -Name; if it was left behind, Get-IaaSOrphan shows it.", found.Id.Name);
    }

    private async Task<string> SubnetAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (connection.Scope.Subnet is { Length: > 0 } given)
            return given;
        var network = connection.IdOf(NetworkType, AzureNames.DefaultNetwork);
        if (await FindAsync(network, cancellation) is null)
        {
            // An empty security group has Azure's own rules alone: within the network everything, from outside nothing.
            var security = connection.IdOf(SecurityType, AzureNames.DefaultNetwork);
            await PutAsync(security, new JsonObject { ["securityRules"] = new JsonArray() }, [], notices, cancellation);
            await PutAsync(network, NetworkBody(security.ToString()), [], notices, cancellation);
        }

        return $"{network}/subnets/{AzureNames.DefaultSubnet}";
    }

    private Task<GenericResource?> FindAsync(ResourceIdentifier id, CancellationToken cancellation) => Operations.FindAsync(
        () => connection.Client.GetGenericResources().GetAsync(id, cancellation), $"Looking for {id.Name}", cancellation);

    private Task PutAsync(
        ResourceIdentifier id, JsonObject properties, IEnumerable<KeyValuePair<string, string>> tags, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var data = new GenericResourceData(new AzureLocation(connection.Scope.Location)) { Properties = BinaryData.FromString(properties.ToJsonString()) };
        foreach (var (key, value) in tags)
            data.Tags[key] = value;
        return _operations.RunAsync(
            async () => await connection.Client.GetGenericResources().CreateOrUpdateAsync(WaitUntil.Started, id, data, cancellation), $"Creating {id.Name}", notices, cancellation);
    }
}
