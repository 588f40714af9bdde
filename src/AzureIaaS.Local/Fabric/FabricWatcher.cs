using System.Collections.Concurrent;
using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Failover;
using AzureIaaS.Local.Imports;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Fabric;

/// <summary>
/// Looks after a fabric's machines while they run: notes at once when a process ends, brings machines back, collects guests that have powered
/// themselves off, clears away what was cut off, and keeps the consoles' logs within their bound. One per fabric.
/// </summary>
internal sealed class FabricWatcher(LocalServices services, Healer healer, Rehearsals rehearsals, BootVerifier verifier, CutOffFailovers cutOff) : IDisposable
{
    /// <summary>The lock that says who watches.</summary>
    public const string LockName = "watcher";

    private const int HealAtOnce = 4;
    private const int LookAtOnce = 4;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StayIdle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan NetworksEvery = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Guid, StoredMachine> _machines = [];
    private readonly Dictionary<Guid, Watched> _watched = [];
    private readonly Dictionary<Guid, VirtualMachine> _linked = [];
    private readonly ConcurrentDictionary<Guid, long> _waiting = new();
    private readonly SemaphoreSlim _wake = new(0);
    private Task _healing = Task.CompletedTask;
    private Task _reporting = Task.CompletedTask;

    /// <summary>Watches until nothing has run for a while, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when nothing runs.</param>
    /// <param name="notices">Receives what is seen.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process watches already.</returns>
    public async Task<bool> RunAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        while (true)
        {
            using (var owner = services.Store.Locks.TryAcquire(LockName))
            {
                if (owner is null)
                    return false;
                if (!await WatchAsync(owner, stay, notices, cancellation))
                    return true;
            }

            // Asked once more without the lock: a machine that was started meanwhile found the lock taken and started no watcher.
            if (!services.Store.Machines.List().Any(m => IsToBeWatched(m) || LinkKeeper.IsLinked(m.Machine)))
                return true;
        }
    }

    public void Dispose() => _wake.Dispose();

    private static bool IsToBeWatched(StoredMachine stored) =>
        stored.Machine.State.IsActive() || MachineNotes.Of(stored) is { Process: not null } or { Operation: not null };

    /// <returns>False when the fabric has been deleted, or replaced, under the watcher: there is nothing to look after any more.</returns>
    private async Task<bool> WatchAsync(IDisposable owner, bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        (long, long)? version = null;
        var change = -1L;
        var (idleSince, tidiedAt, networksAt) = (Environment.TickCount64, default(long?), default(long?));
        try
        {
            while (true)
            {
                if (!services.Store.Locks.IsInPlace(owner, LockName))
                {
                    notices.Report(Notice.Warning($"{services.Layout.Root}: the fabric's folder has been deleted or replaced; nothing is watched any more."));
                    return false;
                }

                if (version != (version = (services.Store.Version, services.Keeper.Changes)))
                {
                    var changes = services.Store.Machines.ChangesSince(change);
                    change = changes.Change;
                    Follow(changes, notices, stop.Token);
                }

                await LookAsync(notices, stop.Token);
                if (_healing.IsCompleted)
                {
                    await _healing;
                    _healing = HealAsync(notices, stop.Token);
                }

                if (_machines.Count + _linked.Count > 0)
                    idleSince = Environment.TickCount64;
                else if (!stay && Environment.TickCount64 - idleSince > StayIdle.TotalMilliseconds)
                    return true;
                if (tidiedAt is null || Environment.TickCount64 - tidiedAt > TidyEvery.TotalMilliseconds)
                {
                    tidiedAt = Environment.TickCount64;
                    await TidyAsync(notices);
                    if (_reporting.IsCompleted)
                    {
                        await _reporting;
                        _reporting = cutOff.ReportAsync(notices, stop.Token);
                    }
                }

                if (networksAt is null || Environment.TickCount64 - networksAt > NetworksEvery.TotalMilliseconds)
                {
                    networksAt = Environment.TickCount64;
                    services.Networks.Ensure(_machines.Values.Select(m => m.Machine), notices);
                    services.Sites.Ensure(notices);
                    services.Links.Ensure(_linked.Values, notices);
                }

                await _wake.WaitAsync(LookEvery, cancellation);
                while (await _wake.WaitAsync(0, cancellation))
                {
                    // What has happened at the same time is looked at together.
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAny(Task.WhenAll(_healing, _reporting), Task.Delay(Timeout.Infinite, CancellationToken.None)).WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);
            foreach (var id in _machines.Keys.ToList())
                LetGo(id);
        }
    }

    /// <summary>Begins to watch what has begun to run, and lets go of what has ended.</summary>
    private void Follow(MachineChanges changes, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var id in changes.Removed.Concat(changes.Written.Where(m => !IsToBeWatched(m)).Select(m => m.Machine.Id)))
            LetGo(id);
        foreach (var id in changes.Removed)
            _linked.Remove(id);
        foreach (var machine in changes.Written.Select(w => w.Machine))
        {
            if (LinkKeeper.IsLinked(machine))
                _linked[machine.Id] = machine;
            else
                _linked.Remove(machine.Id);
        }

        foreach (var stored in changes.Written.Where(IsToBeWatched))
        {
            var id = stored.Machine.Id;
            _machines[id] = stored;
            if (!_watched.TryGetValue(id, out var watched))
            {
                notices.Report(Notice.Verbose($"Watching {stored.Machine.Name}."));
                _watched[id] = watched = new Watched(services.Hypervisor, () => _wake.Release(), cancellation);
            }

            watched.Update(stored, services.Layout);
        }

        verifier.Follow(_machines.Values, notices, cancellation);
    }

    private void LetGo(Guid id)
    {
        _machines.Remove(id);
        if (_watched.Remove(id, out var watched))
            watched.Dispose();
    }

    /// <summary>Looks at every machine of which something may have changed, and writes down what is true.</summary>
    private async Task LookAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = LookAtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(_watched.Where(w => w.Value.TakeSignal()).ToList(), options, async (signalled, c) =>
        {
            var (id, watched) = signalled;
            if (services.Store.Machines.Find(id) is not { } stored)
                return;
            try
            {
                var before = stored.Machine.State;
                if (await services.Keeper.LookAsync(stored, TimeSpan.Zero, c) is not { } machine)
                {
                    watched.SignalSoon();   // whoever is changing it will have written down what is true
                    return;
                }

                if (machine.State != before)
                    notices.Report(Notice.Verbose($"{machine.Name}: {before} → {machine.State}. {machine.StateReason}".TrimEnd()));

                if (services.Store.Machines.Find(id) is { } now)
                    watched.Update(now, services.Layout);
            }
            catch (Exception e) when (e is IaaSException or IOException)
            {
                notices.Report(Notice.Warning($"{stored.Machine.Name}: {e.Message}"));
                watched.SignalSoon();
            }
        });
    }

    /// <summary>Brings back what has to be, in start order, not all at once. A machine that waits for room is asked again when something may have changed.</summary>
    private async Task HealAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        var now = Environment.TickCount64;
        var broken = _machines.Values.Where(m => m.Machine.State == MachineState.Healing && m.Machine.RehearsalOf is null && _waiting.GetValueOrDefault(m.Machine.Id) <= now)
            .OrderBy(m => m.Machine.StartOrder).ThenBy(m => m.Machine.Name, StringComparer.OrdinalIgnoreCase).ToList();
        if (broken.Count == 0)
            return;
        await Parallel.ForEachAsync(broken, new ParallelOptions { MaxDegreeOfParallelism = HealAtOnce, CancellationToken = cancellation }, async (stored, c) =>
        {
            try
            {
                if (await healer.HealAsync(stored.Machine.Id, notices, c))
                    _waiting[stored.Machine.Id] = Environment.TickCount64 + (long)TidyEvery.TotalMilliseconds;
                else
                    _waiting.TryRemove(stored.Machine.Id, out _);
            }
            catch (Exception e) when (e is IaaSException or IOException)
            {
                _waiting[stored.Machine.Id] = Environment.TickCount64 + (long)TidyEvery.TotalMilliseconds;
                notices.Report(Notice.Warning($"{stored.Machine.Name} could not be brought back yet: {e.Message}"));
            }
        });
        _wake.Release();
    }

    private async Task TidyAsync(IProgress<Notice> notices)
    {
        foreach (var (id, watched) in _watched.ToList())
        {
            ConsoleLog.Bound(services.Layout.Machine(id).Console);
            if (watched.RanWellSince(services.Time.GetUtcNow() - Healer.RanWell))
                await ForgetAttemptsAsync(id, notices);
        }

        try
        {
            await rehearsals.RecoverAsync(notices);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning(e.Message));
        }
    }

    /// <summary>A machine that has run well begins anew when it is next to be brought back.</summary>
    private async Task ForgetAttemptsAsync(Guid id, IProgress<Notice> notices)
    {
        try
        {
            using var owned = await services.Keeper.OwnAsync(id, CancellationToken.None);
            if (owned.Notes.HealAttempts > 0 && owned.Machine.State == MachineState.Running)
                owned.Write(owned.Notes with { HealAttempts = 0 });
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning(e.Message));
        }
    }

    /// <summary>A machine that is being watched.</summary>
    private sealed class Watched(Hypervisors.IHypervisor hypervisor, Action wake, CancellationToken cancellation) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        private int _signal = 1;
        private long _generation;   // of the machine whose process is followed
        private (ProcessIdentity Process, Task Task)? _watching;
        private int _healAttempts;
        private DateTimeOffset? _started;

        public bool TakeSignal() => Interlocked.Exchange(ref _signal, 0) == 1;

        public void SignalSoon() => _ = Task.Delay(LookEvery, CancellationToken.None).ContinueWith(_ => Signal(), TaskScheduler.Default);

        public bool RanWellSince(DateTimeOffset time) => _healAttempts > 0 && _started < time;

        /// <summary>Takes note of the machine, and follows its process; the end of that is a signal too.</summary>
        public void Update(StoredMachine stored, FabricLayout layout)
        {
            if (stored.Generation == _generation && _watching is { Task.IsCompleted: false })
                return;   // nothing is new
            var notes = MachineNotes.Of(stored);
            _generation = notes.Process is null ? 0 : stored.Generation;
            (_healAttempts, _started) = (notes.HealAttempts, stored.Machine.Started);
            if (notes.Process is { } process && (_watching is not { } now || now.Process != process || now.Task.IsCompleted))
                _watching = (process, WatchAsync(layout.Machine(stored.Machine.Id, notes.Slot), process));
            else if (notes.Process is null && stored.Machine.State is not MachineState.Healing)
                SignalSoon();   // it is on its way somewhere: looked at again until it is there
        }

        public void Dispose()
        {
            _stop.Cancel();
            _stop.Dispose();
        }

        private void Signal()
        {
            Interlocked.Exchange(ref _signal, 1);
            wake();
        }

        private async Task WatchAsync(MachineFiles files, ProcessIdentity process)
        {
            var stop = _stop.Token;
            try
            {
                await hypervisor.WatchAsync(files, process, Signal, stop);
            }
            catch (Exception e) when (e is IaaSException or IOException)
            {
                // It does not answer; whoever looks finds out why.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (hypervisor.IsAlive(files, process))
                SignalSoon();   // not in a tight loop with a process that cannot be watched
            else
                Signal();
        }
    }
}
