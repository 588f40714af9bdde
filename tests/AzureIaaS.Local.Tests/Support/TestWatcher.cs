using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>A watcher of a test's fabric, in a session of its own as a process of its own would have it.</summary>
internal sealed class TestWatcher : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Sessions.IaaSSession _session;
    private readonly Task _watching;

    public TestWatcher(TestFabric fabric)
    {
        _session = fabric.Open();
        _watching = ((IWatchable)_session.Provider).WatchAsync(stay: true, Notices, _stop.Token);
    }

    public Notices Notices { get; } = new();

    /// <summary>Waits until a watcher has said that it watches a machine.</summary>
    public static Task BeginsAsync(Notices notices) => Until.HoldsAsync(() => notices.Details.Any(d => d.StartsWith("Watching ", StringComparison.Ordinal)), "Nobody watches.");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _watching;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }

        _session.Dispose();
        _stop.Dispose();
    }
}
