using AzureIaaS.Providers;

namespace AzureIaaS.Azure;

/// <summary>What arranges networks.</summary>
internal sealed partial class AzureProvider : INetworkProvider
{
    public Task<IReadOnlyList<VirtualNetwork>> ListNetworksAsync(CancellationToken cancellation) => _networks.ListAsync(cancellation);

    public Task<VirtualNetwork?> FindNetworkAsync(string name, CancellationToken cancellation) => _networks.FindAsync(name, cancellation);

    public Task<VirtualNetwork> AddNetworkAsync(VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation) => _networks.AddAsync(network, notices, cancellation);

    public Task<VirtualNetwork> SetPeersAsync(Guid network, IReadOnlyList<string> peers, IProgress<Notice> notices, CancellationToken cancellation) =>
        _networks.SetPeersAsync(network, peers, notices, cancellation);

    public Task RemoveNetworkAsync(Guid network, CancellationToken cancellation) => _networks.RemoveAsync(network, cancellation);

    public async Task<VirtualMachine> JoinAsync(Guid vm, Guid network, JoinOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await _joiner.JoinAsync(vm, network, options, notices, cancellation);
        return await AfterAsync(vm, cancellation);
    }

    public async Task<VirtualMachine> ExitAsync(Guid vm, Guid? network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await _joiner.ExitAsync(vm, network, notices, cancellation);
        return await AfterAsync(vm, cancellation);
    }
}
