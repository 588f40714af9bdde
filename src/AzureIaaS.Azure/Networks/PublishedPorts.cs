using System.Text.Json.Nodes;
using Azure;
using Azure.Core;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Networks;

/// <summary>
/// Ports of machines that are reached at their public addresses: rules in the security group of their network, of which each leads to one machine. A rule goes before
/// the interface that it leads to, so that it never leads to another machine that gets the same address.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="resources">What carries them.</param>
internal sealed class PublishedPorts(ArmConnection connection, NetworkResources resources)
{
    private const int MostTries = 5;

    /// <summary>Publishes exactly these ports of a machine.</summary>
    /// <param name="machine">The machine, with what is known of its interfaces.</param>
    /// <param name="ports">The ports; none to publish none.</param>
    /// <param name="from">Who may come.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    /// <exception cref="IaaSException">They cannot be published.</exception>
    public async Task SetAsync(VirtualMachine machine, IReadOnlyList<PublishedPort> ports, IReadOnlyList<string> from, IProgress<Notice> notices, CancellationToken cancellation)
    {
        PortRules.Check(machine.Name, ports, from);
        if (ports.Count == 0)
        {
            await CloseAsync(machine.Id, notices, cancellation);
            return;
        }

        var (group, address) = await PlaceAsync(machine, cancellation);
        foreach (var protocol in PortRules.Protocols)
        {
            var own = ports.Where(p => p.Udp == (protocol == "Udp")).Select(p => p.Port).ToList();
            var id = RuleOf(group, PortRules.NameOf(machine.Name, protocol));
            if (own.Count > 0)
                await PutAsync(group, id, priority => PortRules.Body(machine.Id, protocol, address, own, from, priority), notices, cancellation);
            else
                await resources.RemoveAsync(id, notices, cancellation);
        }
    }

    /// <summary>Publishes no port of a machine any more.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task CloseAsync(Guid vm, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var (id, _) in (await ListAsync(cancellation)).Where(r => PortRules.OwnerOf(r.Rule) == vm))
            await resources.RemoveAsync(id, notices, cancellation);
    }

    /// <summary>Leads a machine's published ports to its new address.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="address">The address.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the same again finishes it.</param>
    public async Task FollowAsync(Guid vm, string address, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var (id, rule) in (await ListAsync(cancellation)).Where(r => PortRules.OwnerOf(r.Rule) == vm && (string?)r.Rule["properties"]!["destinationAddressPrefix"] != address))
            await PutAsync(id.Parent!, id, _ => PortRules.Follow(rule, address), notices, cancellation);
    }

    /// <summary>Writes on a machine which of its ports are published, and at which address. One without a public address has none.</summary>
    /// <param name="machine">The machine, with what is known of its interfaces.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task DescribeAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        (machine.PublishedPorts, machine.Endpoint) = ([], null);
        if (machine.NetworkAdapters.FirstOrDefault(a => a.PublicIPAddress is not null) is not { Network: { } network, PublicIPAddress: { } address }
            || await resources.FindAsync(GroupOf(network), cancellation) is not { } group)
        {
            return;
        }

        machine.PublishedPorts = [.. PortRules.Of(NetworkMapping.Properties(group.Data)).Where(r => PortRules.OwnerOf(r) == machine.Id).SelectMany(r => PortRules.PortsOf(r, address))];
        machine.Endpoint = machine.PublishedPorts.FirstOrDefault() is { } first ? $"{first.HostAddress}:{first.HostPort}" : null;
    }

    /// <summary>All rules that lead to machines, with their full ids.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<(ResourceIdentifier Id, JsonObject Rule)>> ListAsync(CancellationToken cancellation)
    {
        var groups = (await resources.ListAsync(NetworkResources.SecurityGroups, cancellation)).FindAll(g => g.Tags.ContainsKey(AzureNames.NetworkTag));
        var found = new List<(ResourceIdentifier, JsonObject)>();
        foreach (var listed in groups)
        {
            if (await resources.FindAsync(listed.Id, cancellation) is { } group)
                found.AddRange(PortRules.Of(NetworkMapping.Properties(group.Data)).Where(r => PortRules.OwnerOf(r) is not null).Select(r => (RuleOf(listed.Id, (string)r["name"]!), r)));
        }

        return found;
    }

    /// <summary>The security group that decides, and the address on the network that its rule leads to.</summary>
    private async Task<(ResourceIdentifier Group, string Address)> PlaceAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        if (machine.NetworkAdapters.FirstOrDefault(a => a.PublicIPAddress is not null) is not { Network: { } network, IPAddress: { } address } adapter)
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmHasNoPublicAddress", $"{machine.Name} has no public address at which its ports could be reached.",
                $"Give it one with Join-IaaSNetwork {machine.Name} {machine.NetworkAdapters.FirstOrDefault()?.Network ?? "NETWORK"} -PublicIP. From its own network, its peers and its sites they are reached without.", machine.Name);
        }

        var group = GroupOf(network);
        var isHere = adapter.NetworkId == NetworkMapping.IdFor(resources.IdOf(NetworkResources.Networks, network));
        var found = isHere ? await resources.FindAsync(group, cancellation) : null;
        if (found is null || !found.Data.Tags.ContainsKey(AzureNames.NetworkTag))
        {
            throw new IaaSException(ErrorKind.AccessDenied, "NetworkNotOurs", $"{machine.Name} is on '{network}', a network that others have made; who comes in there is not changed.",
                "Have whoever made it add a rule to its security group; or put the machine on a network of this module with Join-IaaSNetwork.", machine.Name);
        }

        return found.Data.Tags.ContainsKey(AzureNames.IsolatedTag)
            ? throw new IaaSException(ErrorKind.InvalidState, "NetworkIsIsolated", $"{machine.Name} is on network '{network}', which is isolated: nothing of it is reached from outside.", "Put it on another network.", machine.Name)
            : (group, address);
    }

    /// <summary>Makes a rule, or makes it what it is to be. Another shell may take a priority in the same moment: then the next one is taken.</summary>
    private Task<bool> PutAsync(ResourceIdentifier group, ResourceIdentifier id, Func<int, JsonObject> bodyAt, IProgress<Notice> notices, CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            for (var attempt = 1; ; attempt++)
            {
                var rules = await resources.FindAsync(group, cancellation) is { } found ? PortRules.Of(NetworkMapping.Properties(found.Data)).ToList() : [];
                var there = rules.Find(r => ((string?)r["name"])?.Equals(id.Name, StringComparison.OrdinalIgnoreCase) == true);
                if (there is not null && PortRules.OwnerOf(there) is null)
                {
                    throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is a rule called '{id.Name}' in security group '{group.Name}' already, and it was not made by this module.",
                        "It is left alone; have it removed, or renamed.", id.Name);
                }

                var body = bodyAt((int?)there?["properties"]?["priority"] ?? PortRules.FreePriority(rules));
                if (there is not null && PortRules.IsSame(there, body))
                    return true;
                try
                {
                    await RawResource.PutAsync(connection.Client, id, ArmConnection.NetworkVersion, new JsonObject { ["properties"] = body }, cancellation);
                }
                catch (RequestFailedException e) when (e.ErrorCode == "SecurityRuleConflict" && attempt < MostTries)
                {
                    continue;
                }

                await WaitAsync(id, notices, cancellation);
                return true;
            }
        },
        $"Publishing by rule {id.Name}", notices, cancellation);

    private async Task WaitAsync(ResourceIdentifier id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        notices.Report(Notice.Step($"Publishing by rule {id.Name}"));
        while (true)
        {
            var state = await resources.FindAsync(id, cancellation) is { } rule ? (string?)NetworkMapping.Properties(rule.Data)["provisioningState"] : "Updating";
            if (state == "Succeeded")
                return;
            if (state is not ("Updating" or "Accepted"))
            {
                throw new IaaSException(ErrorKind.Failed, "PublishFailed", $"Azure could not make rule '{id.Name}': it is {state}.", "Try again.", id.Name);
            }

            await Task.Delay(connection.ShortestWait, connection.Time, cancellation);
        }
    }

    private ResourceIdentifier GroupOf(string network) => resources.IdOf(NetworkResources.SecurityGroups, network);

    private static ResourceIdentifier RuleOf(ResourceIdentifier group, string name) => new($"{group}/securityRules/{name}");
}
