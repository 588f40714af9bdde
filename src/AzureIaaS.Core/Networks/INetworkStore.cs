namespace AzureIaaS.Networks;

/// <summary>Where networks, and the places of machines on them, are remembered. Every call is one transaction, and durable when it returns.</summary>
public interface INetworkStore
{
    /// <summary>All networks in the order of their names, rehearsals' too.</summary>
    IReadOnlyList<VirtualNetwork> List();

    /// <summary>One network; null when there is none of that id.</summary>
    /// <param name="id">The network's id.</param>
    VirtualNetwork? Find(Guid id);

    /// <summary>One network by name, in any case of letters; null when there is none.</summary>
    /// <param name="name">The whole name.</param>
    VirtualNetwork? Find(string name);

    /// <summary>Adds a network. Repeating it changes nothing.</summary>
    /// <param name="network">The network.</param>
    /// <exception cref="IaaSException">Its name is taken.</exception>
    void Add(VirtualNetwork network);

    /// <summary>Writes a network that is there.</summary>
    /// <param name="network">The network as changed.</param>
    void Update(VirtualNetwork network);

    /// <summary>Forgets a network that nobody is on. Repeating it changes nothing.</summary>
    /// <param name="id">The network's id.</param>
    /// <exception cref="IaaSException">Machines are on it.</exception>
    void Remove(Guid id);

    /// <summary>The members of a network in the order of their addresses.</summary>
    /// <param name="network">The network's id.</param>
    IReadOnlyList<NetworkMember> Members(Guid network);

    /// <summary>A machine's places.</summary>
    /// <param name="vm">The machine's id.</param>
    IReadOnlyList<NetworkMember> PlacesOf(Guid vm);

    /// <summary>
    /// Gives an adapter a place on a network, its address and name chosen where they are empty. An adapter that is there already keeps its place.
    /// </summary>
    /// <param name="member">The place as far as it is wanted.</param>
    /// <param name="vmName">The machine's name, from which its name on the network is made.</param>
    /// <returns>The place it has.</returns>
    /// <exception cref="IaaSException">There is no such network, its addresses are used up, or the address that is wanted is taken.</exception>
    NetworkMember Join(NetworkMember member, string vmName);

    /// <summary>Takes an adapter's place away. Repeating it changes nothing.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="adapter">The adapter's name; null for all of the machine's.</param>
    void Exit(Guid vm, string? adapter);

    /// <summary>Notes that a guest was given its address.</summary>
    /// <param name="member">The member.</param>
    /// <param name="time">When.</param>
    void NoteLease(NetworkMember member, DateTimeOffset time);
}
