namespace AzureIaaS.Providers;

/// <summary>How a machine joins a network.</summary>
public sealed record JoinOptions
{
    /// <summary>The address it is to have; null to have one chosen.</summary>
    public string? IPAddress { get; init; }

    /// <summary>The adapter that joins; null for the first that is on no network, or a new one where there is none.</summary>
    public string? Adapter { get; init; }

    /// <summary>The adapter's hardware address; null for the one it has.</summary>
    public string? MacAddress { get; init; }

    /// <summary>In a cloud: whether it is to have a public address too. What may reach it there is another question, and nothing may until it is allowed.</summary>
    public bool PublicAddress { get; init; }
}

/// <summary>A provider whose networks are ours to arrange.</summary>
public interface INetworkProvider
{
    /// <summary>All networks with who is on them, in the order of their names.</summary>
    /// <param name="cancellation">Stops it.</param>
    Task<IReadOnlyList<VirtualNetwork>> ListNetworksAsync(CancellationToken cancellation);

    /// <summary>One network by its whole name, in any case of letters; null when there is none.</summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<VirtualNetwork?> FindNetworkAsync(string name, CancellationToken cancellation);

    /// <summary>Adds a network.</summary>
    /// <param name="network">The network; its id, gateway and time are filled.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">Its name is taken, or something about it is not possible.</exception>
    Task<VirtualNetwork> AddNetworkAsync(VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Changes which networks one exchanges packets with; it counts on both sides.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="peers">The names of the others.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<VirtualNetwork> SetPeersAsync(Guid network, IReadOnlyList<string> peers, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Removes a network that no machine is on.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="IaaSException">Machines are on it.</exception>
    Task RemoveNetworkAsync(Guid network, CancellationToken cancellation);

    /// <summary>Puts a machine on a network, running or not. One that is there already stays as it is.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="network">The network's id.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    Task<VirtualMachine> JoinAsync(Guid vm, Guid network, JoinOptions options, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Takes a machine off a network, running or not; its adapter stays.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="network">The network's id; null for every network it is on.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it before anything is changed.</param>
    Task<VirtualMachine> ExitAsync(Guid vm, Guid? network, IProgress<Notice> notices, CancellationToken cancellation);
}
