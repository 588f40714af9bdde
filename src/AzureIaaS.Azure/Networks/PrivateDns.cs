using System.Text.Json.Nodes;
using Azure.Core;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// The names of networks' machines: a private DNS zone of the group that is called like the suffix, and a link from each network that has it, by which Azure
/// writes the machines' names itself.
/// </summary>
/// <param name="resources">What carries them.</param>
internal sealed class PrivateDns(NetworkResources resources)
{
    /// <summary>Private DNS zones.</summary>
    public const string Zones = "Microsoft.Network/privateDnsZones";

    /// <summary>What joins networks to them.</summary>
    public const string Links = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";

    private const string Everywhere = "global";   // zones are in no region

    /// <summary>Refuses a suffix whose zone is somebody else's.</summary>
    /// <param name="suffix">The suffix.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is.</exception>
    public async Task CheckAsync(string suffix, CancellationToken cancellation)
    {
        if (await resources.FindAsync(resources.IdOf(Zones, suffix), cancellation) is { } found && !found.Data.Tags.ContainsKey(AzureNames.SuffixTag))
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is a private DNS zone '{suffix}' already, and it was not made by this module.",
                "It is left alone. Give another -DnsSuffix, or leave it out and link the zone to the network yourself.", suffix);
        }
    }

    /// <summary>Gives a network's machines names.</summary>
    /// <param name="network">The full id of the network.</param>
    /// <param name="suffix">What the names end with.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task EnsureAsync(ResourceIdentifier network, string suffix, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var tags = new KeyValuePair<string, string>[] { new(AzureNames.SuffixTag, suffix) };
        var zone = resources.IdOf(Zones, suffix);
        if (await resources.FindAsync(zone, cancellation) is null)
            await resources.PutAsync(zone, [], tags, notices, cancellation, region: Everywhere);
        var link = new JsonObject { ["virtualNetwork"] = new JsonObject { ["id"] = network.ToString() }, ["registrationEnabled"] = true };
        await resources.PutAsync(LinkOf(zone, network.Name), link, tags, notices, cancellation, region: Everywhere);
    }

    /// <summary>Takes the names away from a network that is removed; the zone too, when no other has it.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="suffix">The suffix.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task RemoveAsync(string network, string suffix, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var zone = resources.IdOf(Zones, suffix);
        await resources.RemoveAsync(LinkOf(zone, network), notices, cancellation);
        var isOurs = await resources.FindAsync(zone, cancellation) is { } found && found.Data.Tags.ContainsKey(AzureNames.SuffixTag);
        if (isOurs && !(await resources.ListAsync(Links, cancellation)).Exists(l => zone.Equals(l.Id.Parent)))
            await resources.RemoveAsync(zone, notices, cancellation);
    }

    private static ResourceIdentifier LinkOf(ResourceIdentifier zone, string network) => new($"{zone}/virtualNetworkLinks/{network}");
}
