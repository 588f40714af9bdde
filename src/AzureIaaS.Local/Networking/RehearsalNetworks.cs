using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking;

/// <summary>
/// The networks of a rehearsal's clone: for each that the original is on, one of its own with the same addresses and no way out. The clone has the
/// original's addresses and names there, and meets nobody.
/// </summary>
internal static class RehearsalNetworks
{
    /// <summary>Puts a clone on networks of its own. Repeating it changes nothing.</summary>
    /// <param name="store">Where networks are remembered.</param>
    /// <param name="original">The machine that is rehearsed.</param>
    /// <param name="clone">Its clone, not yet remembered.</param>
    public static void Enclose(INetworkStore store, VirtualMachine original, VirtualMachine clone)
    {
        var places = store.PlacesOf(original.Id).ToDictionary(p => p.Adapter);
        clone.NetworkAdapters = [.. original.NetworkAdapters.Select(a => Enclose(store, a, places.GetValueOrDefault(a.Name), clone))];
        clone.PublishedPorts = [.. original.PublishedPorts];
        (clone.IPAddress, clone.ComputerName) = (original.IPAddress, original.ComputerName);
    }

    /// <summary>Takes a clone's networks away. Repeating it changes nothing.</summary>
    /// <param name="store">Where networks are remembered.</param>
    /// <param name="clone">The clone's id.</param>
    public static void Dissolve(INetworkStore store, Guid clone)
    {
        store.Exit(clone, null);
        foreach (var network in store.List().Where(n => n.RehearsalOf is { } of && n.Id == IdOf(of, clone)))
            store.Remove(network.Id);
    }

    private static NetworkAdapter Enclose(INetworkStore store, NetworkAdapter adapter, NetworkMember? place, VirtualMachine clone)
    {
        var copy = new NetworkAdapter { Name = adapter.Name, MacAddress = adapter.MacAddress, Model = adapter.Model };
        if (place is null || store.Find(place.Network) is not { } network)
            return copy;
        var bubble = new VirtualNetwork
        {
            Id = IdOf(network.Id, clone.Id),
            Name = $"{network.Name}~{clone.Id.ToString("N")[..8]}",
            Subnet = network.Subnet,
            GatewayAddress = network.GatewayAddress,
            DnsSuffix = network.DnsSuffix,
            Isolated = true,
            RehearsalOf = network.Id,
            Created = clone.Created,
        };
        store.Add(bubble);
        store.Join(place with { Network = bubble.Id, Vm = clone.Id, Leased = null }, clone.Name);
        (copy.Network, copy.NetworkId, copy.IPAddress) = (bubble.Name, bubble.Id, place.Address);
        return copy;
    }

    /// <summary>The same network and clone always make the same id, so that a repeated step finds what it made.</summary>
    private static Guid IdOf(Guid network, Guid clone)
    {
        Span<byte> one = stackalloc byte[16], other = stackalloc byte[16];
        _ = network.TryWriteBytes(one);
        _ = clone.TryWriteBytes(other);
        for (var i = 0; i < one.Length; i++)
            one[i] ^= other[i];
        return new Guid(one);
    }
}
