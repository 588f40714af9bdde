using System.Text.Json.Nodes;
using Azure;
using Azure.Core;
using Azure.ResourceManager.Resources;
using Azure.ResourceManager.Resources.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>What the group has of Microsoft.Network. As generic resources, for the package that knows them is not to be had. Every call may be repeated.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class NetworkResources(ArmConnection connection)
{
    /// <summary>Network interfaces.</summary>
    public const string Adapters = "Microsoft.Network/networkInterfaces";

    /// <summary>Virtual networks.</summary>
    public const string Networks = "Microsoft.Network/virtualNetworks";

    /// <summary>Network security groups.</summary>
    public const string SecurityGroups = "Microsoft.Network/networkSecurityGroups";

    /// <summary>Public addresses.</summary>
    public const string PublicAddresses = "Microsoft.Network/publicIPAddresses";

    /// <summary>VPN gateways.</summary>
    public const string Gateways = "Microsoft.Network/virtualNetworkGateways";

    /// <summary>What Azure knows of gateways elsewhere.</summary>
    public const string LocalGateways = "Microsoft.Network/localNetworkGateways";

    /// <summary>Tunnels between gateways.</summary>
    public const string Connections = "Microsoft.Network/connections";

    private const int MostAtOnce = 8;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    private readonly Operations _operations = new(connection);

    /// <summary>The full id of something in the group.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="name">Its name.</param>
    public ResourceIdentifier IdOf(string type, string name) => connection.IdOf(type, name);

    /// <summary>One resource with its properties; null when it is not there.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<GenericResource?> FindAsync(ResourceIdentifier id, CancellationToken cancellation) => Operations.FindAsync(
        () => connection.Client.GetGenericResources().GetAsync(id, cancellation), $"Looking for {id.Name}", cancellation);

    /// <summary>All resources of a type in the group, without their properties, which such lists leave out.</summary>
    /// <param name="type">The type.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<GenericResourceData>> ListAsync(string type, CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<GenericResourceData>();
            await foreach (var resource in connection.Group.GetGenericResourcesAsync($"resourceType eq '{type}'", cancellationToken: cancellation))
                found.Add(resource.Data);
            return found;
        },
        $"Listing {type.Split('/')[^1]}", Quiet.Notices, cancellation);

    /// <summary>All resources of a type in the group, with their properties. A request for each: for what there are few of.</summary>
    /// <param name="type">The type.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<GenericResourceData>> ListWholeAsync(string type, CancellationToken cancellation)
    {
        var listed = await ListAsync(type, cancellation);
        var found = new GenericResourceData?[listed.Count];
        await Parallel.ForAsync(0, listed.Count, new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = cancellation },
            async (i, c) => found[i] = (await FindAsync(listed[i].Id, c))?.Data);
        return [.. found.OfType<GenericResourceData>()];
    }

    /// <summary>Makes a resource, or makes it what it is to be.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="properties">Its properties.</param>
    /// <param name="tags">Its tags.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="sku">The name of its SKU; null where it has none.</param>
    /// <param name="usually">How long it takes as a rule, where that is long.</param>
    /// <param name="region">The region; null for the context's.</param>
    public Task PutAsync(
        ResourceIdentifier id, JsonObject properties, IEnumerable<KeyValuePair<string, string>> tags, IProgress<Notice> notices, CancellationToken cancellation,
        string? sku = null, TimeSpan? usually = null, string? region = null)
    {
        var data = new GenericResourceData(new AzureLocation(region ?? connection.Scope.Location)) { Properties = BinaryData.FromString(properties.ToJsonString()) };
        foreach (var (key, value) in tags)
            data.Tags[key] = value;
        if (sku is not null)
            data.Sku = new ResourcesSku { Name = sku };
        return _operations.RunAsync(
            async () => await connection.Client.GetGenericResources().CreateOrUpdateAsync(WaitUntil.Started, id, data, cancellation), $"Creating {id.Name}", notices, cancellation, usually);
    }

    /// <summary>Waits for a resource that somebody has begun to make: this computer before an interruption, or another one.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="usually">How long it takes as a rule.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>It; null when it is not there.</returns>
    public async Task<GenericResource?> WaitUntilMadeAsync(ResourceIdentifier id, TimeSpan usually, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var start = connection.Time.GetTimestamp();
        while (true)
        {
            var found = await FindAsync(id, cancellation);
            if (found is null || (string?)NetworkMapping.Properties(found.Data)["provisioningState"] != "Updating")
                return found;
            Operations.ReportLong($"Waiting for {id.Name}", connection.Time.GetElapsedTime(start), usually, notices);
            await Task.Delay(LookEvery, connection.Time, cancellation);
        }
    }

    /// <summary>Removes a resource; one that is gone already is no failure.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="usually">How long it takes as a rule, where that is long.</param>
    public async Task RemoveAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation, TimeSpan? usually = null)
    {
        if (await FindAsync(id, cancellation) is { } found)
            await _operations.RunAsync(async () => await found.DeleteAsync(WaitUntil.Started, cancellation), $"Removing {id.Name}", notices, cancellation, usually);
    }
}
