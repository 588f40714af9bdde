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
}

/// <summary>A provider whose networks are ours to arrange.</summary>
public interface INetworkProvider
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

    /// <summary>Removes a network that no machine is on, with its switch.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="cancellation">Stops waiting for its switch to end.</param>
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
}
