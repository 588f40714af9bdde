using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>The switch of a test's network, in a session of its own as a process of its own would have it.</summary>
internal sealed class TestSwitch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Sessions.IaaSSession _session;
    private readonly Task _running;

    public TestSwitch(TestFabric fabric, VirtualNetwork network)
    {
        _session = fabric.Open();
        _running = Task.Run(() => ((IFabricNetworks)_session.Provider).RunSwitchAsync(network.Id, stay: true, Notices, _stop.Token));
    }

    public Notices Notices { get; } = new();

    public async ValueTask DisposeAsync()
    {
        if (_running.IsCompleted)
            return;
        await _stop.CancelAsync();
        await _running;
        _session.Dispose();
        _stop.Dispose();
    }
}
