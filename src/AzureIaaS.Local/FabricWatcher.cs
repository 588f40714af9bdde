using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Providers;

namespace AzureIaaS.Local;

/// <summary>
/// Looks after a fabric's machines while they run: collects a guest that has powered itself off, notes what happened to a process that ended,
/// and keeps the consoles' logs within their bound. One per fabric; everything it does, any command could do as well.
/// </summary>
internal sealed class FabricWatcher(IStateStore store, FabricLayout layout, IHypervisor hypervisor, MachineKeeper keeper)
{
    /// <summary>The lock that says who watches.</summary>
    public const string LockName = "watcher";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan BoundEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StayIdle = TimeSpan.FromSeconds(10);

    private readonly Dictionary<Guid, Watched> _watched = [];

    /// <summary>Watches until nothing has run for a while, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when nothing runs.</param>
    /// <param name="notices">Receives what is seen.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process watches already.</returns>
    public async Task<bool> RunAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        while (true)
        {
            using (var owner = store.Locks.TryAcquire(LockName))
            {
                if (owner is null)
                    return false;
                await WatchAsync(stay, notices, cancellation);
            }

            // Asked once more without the lock: a machine that was started meanwhile found the lock taken and started no watcher.
            if (!store.Machines.List().Any(IsToBeWatched))
                return true;
        }
    }

    private static bool IsToBeWatched(StoredMachine stored) => stored.Machine.State.IsActive() || MachineNotes.Of(stored).Process is not null;

    private async Task WatchAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        long? version = null;
        var (idleSince, boundAt) = (Environment.TickCount64, 0L);
        try
        {
            while (true)
            {
                if (version != (version = store.Version))
                    Follow(store.Machines.List(), notices, cancellation);
                if (_watched.Count > 0)
                    idleSince = Environment.TickCount64;
                else if (!stay && Environment.TickCount64 - idleSince > StayIdle.TotalMilliseconds)
                    return;
                await LookAsync(notices, cancellation);
                if (Environment.TickCount64 - boundAt > BoundEvery.TotalMilliseconds)
                {
                    boundAt = Environment.TickCount64;
                    foreach (var id in _watched.Keys)
                        ConsoleLog.Bound(layout.Machine(id).Console);
                }

                await Task.Delay(LookEvery, cancellation);
            }
        }
        finally
        {
            foreach (var watched in _watched.Values)
                watched.Dispose();
            _watched.Clear();
        }
    }

    /// <summary>Begins to watch what has begun to run, and lets go of what has ended.</summary>
    private void Follow(IReadOnlyList<StoredMachine> machines, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var running = machines.Where(IsToBeWatched).ToDictionary(m => m.Machine.Id);
        foreach (var id in _watched.Keys.Where(id => !running.ContainsKey(id)).ToList())
        {
            _watched.Remove(id, out var ended);
            ended!.Dispose();
        }

        foreach (var (id, stored) in running.Where(r => !_watched.ContainsKey(r.Key)))
        {
            notices.Report(Notice.Verbose($"Watching {stored.Machine.Name}."));
            _watched[id] = new Watched(hypervisor, layout.Machine(id), cancellation);
        }
    }

    /// <summary>Looks at every machine of which something may have changed, and writes down what is true.</summary>
    private async Task LookAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var (id, watched) in _watched.ToList())
        {
            if (!watched.TakeSignal() || store.Machines.Find(id) is not { } stored)
                continue;
            try
            {
                var (before, machine) = (stored.Machine.State, await keeper.LookAsync(stored, cancellation));
                if (machine.State != before)
                    notices.Report(Notice.Verbose($"{machine.Name}: {before} → {machine.State}. {machine.StateReason}".TrimEnd()));
                if (machine.State.IsActive())
                    watched.Follow(MachineNotes.Of(store.Machines.Find(id) ?? stored).Process);
            }
            catch (Exception e) when (e is IaaSException or IOException)
            {
                notices.Report(Notice.Warning($"{stored.Machine.Name}: {e.Message}"));
                watched.Signal();
            }
        }
    }

    /// <summary>A machine that is being watched.</summary>
    private sealed class Watched : IDisposable
    {
        private readonly IHypervisor _hypervisor;
        private readonly MachineFiles _files;
        private readonly CancellationTokenSource _stop;
        private int _signal = 1;
        private Task _watching = Task.CompletedTask;

        public Watched(IHypervisor hypervisor, MachineFiles files, CancellationToken cancellation)
        {
            _hypervisor = hypervisor;
            _files = files;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        }

        public bool TakeSignal() => Interlocked.Exchange(ref _signal, 0) == 1;

        public void Signal() => Interlocked.Exchange(ref _signal, 1);

        /// <summary>Goes on watching a process; its end is a signal too.</summary>
        public void Follow(Processes.ProcessIdentity? process)
        {
            if (process is null)
                Signal();   // it is being started: looked at again until it has one
            else if (_watching.IsCompleted)
                _watching = WatchAsync(process);
        }

        public void Dispose()
        {
            _stop.Cancel();
            _stop.Dispose();
        }

        private async Task WatchAsync(Processes.ProcessIdentity process)
        {
            var stop = _stop.Token;
            try
            {
                await _hypervisor.WatchAsync(_files, process, Signal, stop);
            }
            catch (Exception e) when (e is TimeoutException or IaaSException or IOException)
            {
                // It does not answer; whoever looks finds out why.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (!stop.IsCancellationRequested)
                await Task.Delay(LookEvery, CancellationToken.None);   // not in a tight loop with a process that cannot be watched
            Signal();
        }
    }
}
