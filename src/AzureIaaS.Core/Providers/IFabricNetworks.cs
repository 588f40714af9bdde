namespace AzureIaaS.Providers;

/// <summary>A provider whose networks are processes of this computer's, and known without asking anybody.</summary>
public interface IFabricNetworks : INetworkProvider
{
    /// <summary>All networks with who is on them, in the order of their names.</summary>
    IReadOnlyList<VirtualNetwork> ListNetworks();

    /// <summary>Adds a network.</summary>
    /// <param name="network">The network; its id, gateway and time are filled.</param>
    /// <exception cref="IaaSException">Its name is taken, or something about it is not possible.</exception>
    VirtualNetwork AddNetwork(VirtualNetwork network);

    /// <summary>Changes which networks one exchanges packets with; it counts on both sides.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="peers">The names of the others.</param>
    VirtualNetwork SetPeers(Guid network, IReadOnlyList<string> peers);

    /// <summary>Runs a command of this computer's on a network, as a machine of it would; needs root.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="notices">Receives warnings.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its exit code.</returns>
    Task<int> RunShellAsync(Guid network, IReadOnlyList<string> command, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Runs a network's switch until nobody needs it, or until cancelled.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="stay">Whether to go on when no machine on it runs.</param>
    /// <param name="notices">Receives what is seen and done.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process is its switch already.</returns>
    Task<bool> RunSwitchAsync(Guid network, bool stay, IProgress<Notice> notices, CancellationToken cancellation);

    Task<IReadOnlyList<VirtualNetwork>> INetworkProvider.ListNetworksAsync(CancellationToken cancellation) => Task.FromResult(ListNetworks());

    Task<VirtualNetwork?> INetworkProvider.FindNetworkAsync(string name, CancellationToken cancellation) =>
        Task.FromResult(ListNetworks().FirstOrDefault(n => n.Name.Equals(name, StringComparison.OrdinalIgnoreCase)));

    Task<VirtualNetwork> INetworkProvider.AddNetworkAsync(VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation) =>
        Task.FromResult(AddNetwork(network));

    Task<VirtualNetwork> INetworkProvider.SetPeersAsync(Guid network, IReadOnlyList<string> peers, IProgress<Notice> notices, CancellationToken cancellation) =>
        Task.FromResult(SetPeers(network, peers));
}
