using AzureIaaS.Failover;
using AzureIaaS.Networks;
using AzureIaaS.Sagas;

namespace AzureIaaS.Providers;

/// <summary>What a context remembers, and who owns what in it at this moment.</summary>
public interface IStateStore : IDisposable
{
    /// <summary>The machines.</summary>
    IMachineStore Machines { get; }

    /// <summary>The hosts.</summary>
    IHostStore Hosts { get; }

    /// <summary>The networks, and who is on them.</summary>
    INetworkStore Networks { get; }

    /// <summary>The sites that are joined to networks.</summary>
    ISiteStore Sites { get; }

    /// <summary>The reports of failovers.</summary>
    IFailoverReportStore Reports { get; }

    /// <summary>The operations and their logs.</summary>
    ISagaStore Sagas { get; }

    /// <summary>Changes whenever another process has written anything; asking costs next to nothing.</summary>
    long Version { get; }

    /// <summary>Ownership between processes.</summary>
    ILockStore Locks { get; }
}

/// <summary>
/// Ownership by kernel locks: whoever holds one is alive, for the kernel frees it at the holder's death, and there is no lease that
/// could run out under a sleeping laptop. A lock is not re-entrant, not even within one process.
/// </summary>
public interface ILockStore
{
    /// <summary>Takes a lock if it is free at this moment.</summary>
    /// <param name="name">The lock's name.</param>
    /// <returns>The lock, to be disposed; null when somebody else holds it.</returns>
    IDisposable? TryAcquire(string name);

    /// <summary>Takes a lock, and waits for it.</summary>
    /// <param name="name">The lock's name.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The lock, to be disposed; null when the time is over.</returns>
    Task<IDisposable?> AcquireAsync(string name, TimeSpan timeout, CancellationToken cancellation);

    /// <summary>Who holds a lock, as far as it has said so: for messages only.</summary>
    /// <param name="name">The lock's name.</param>
    string? DescribeHolder(string name);

    /// <summary>Whether a lock is still the one that others would ask for: its folder can be deleted, or replaced, under whoever holds it.</summary>
    /// <param name="held">The lock, as it was taken.</param>
    /// <param name="name">The lock's name.</param>
    bool IsInPlace(IDisposable held, string name);
}
