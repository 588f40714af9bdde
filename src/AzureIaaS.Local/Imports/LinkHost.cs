using System.Collections.Concurrent;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Imports;

/// <summary>
/// The process behind a linked machine, one by a lock: serves the images of its disks and copies them, each to a file of the machine's own, block
/// by block with a journal; then lays the machine on the copy, merges what it has written meanwhile, and ends. It may die anywhere: the next one
/// goes on. It does not need the machine to run, nor to stand still.
/// </summary>
internal sealed class LinkHost(LocalServices services, Guid vm, IProgress<Notice> notices) : IDisposable
{
    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SayEvery = TimeSpan.FromMilliseconds(250);

    private readonly LinkFiles _files = services.Layout.Link(vm);
    private readonly ConcurrentDictionary<string, long> _copied = new();
    private readonly ConcurrentDictionary<string, string> _problems = new();
    private readonly ConcurrentDictionary<string, (string Why, long Again)> _failures = new();
    private readonly Dictionary<string, LinkedSource> _sources = [];
    private readonly object _saying = new();
    private readonly object _stopping = new();
    private (string Disk, CancellationTokenSource Stop)? _copying;
    private long _said;

    /// <summary>For tests of what happens in between: the copies begin when this is completed.</summary>
    internal Task Gate { get; init; } = Task.CompletedTask;

    /// <summary>Runs until no disk of the machine is linked, or until cancelled.</summary>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process does it already.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        // Whoever looks whether it runs holds the lock for a moment.
        using var owner = await services.Store.Locks.AcquireAsync(LinkKeeper.LockName(vm), OwnWithin, cancellation);
        if (owner is null)
            return false;
        if (services.Store.Machines.Find(vm)?.Machine is not { } machine || !LinkKeeper.IsLinked(machine))
            return true;
        services.Layout.Create();
        PrivateFolder.Create(_files.Run);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        foreach (var disk in machine.Disks.Where(d => d.Link is { IsCopied: false }))
            _sources[disk.Name] = new LinkedSource(disk, _files.Socket(disk.Name));
        var serving = _sources.Values.Select(s => s.ServeAsync(stop.Token)).ToList();
        notices.Report(Notice.Verbose($"{machine.Name}: its images are served, and copied."));
        try
        {
            await FollowAsync(owner, stop.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return true;   // it goes on the next time
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(serving);
        }

        if (Directory.Exists(_files.Run))
            Directory.Delete(_files.Run, recursive: true);
        File.Delete(_files.Log);
        return true;
    }

    public void Dispose()
    {
        foreach (var source in _sources.Values)
            source.Dispose();
    }

    /// <summary>Works on one disk after the other until none is linked; what goes wrong is said, and tried again.</summary>
    private async Task FollowAsync(IDisposable owner, CancellationToken cancellation)
    {
        LookAfterSources();
        var looking = LookAfterSourcesAsync(cancellation);
        while (services.Store.Locks.IsInPlace(owner, LinkKeeper.LockName(vm)) && Find() is { } machine)
        {
            foreach (var disk in machine.Disks.Where(d => d.Link is not null && !_problems.ContainsKey(d.Name) && !IsToWait(d)))
                await TryAsync(disk, cancellation);
            if (Find() is not null)
                await Task.Delay(CheckEvery, cancellation);
        }

        if (looking.IsFaulted)
            await looking;
    }

    private bool IsToWait(VirtualDisk disk) => _failures.TryGetValue(disk.Name, out var failure) && failure.Again > Environment.TickCount64;

    private VirtualMachine? Find() => services.Store.Machines.Find(vm)?.Machine is { } machine && LinkKeeper.IsLinked(machine) ? machine : null;

    private async Task LookAfterSourcesAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(CheckEvery, cancellation);
            LookAfterSources();
            if (Find() is null)
                StopCopy(null);
        }
    }

    /// <summary>Opens the images that can be had, so that the guest can read all its disks while one is copied, and closes those that have changed.</summary>
    private void LookAfterSources()
    {
        foreach (var (name, source) in _sources)
        {
            try
            {
                source.Check();
                _problems.TryRemove(name, out _);
            }
            catch (IaaSException e)
            {
                Fail(name, e);
                StopCopy(name);
            }
        }

        Say(always: true);
    }

    /// <summary>Stops the copy that is being made.</summary>
    /// <param name="disk">Only if it is this disk's; null for any.</param>
    private void StopCopy(string? disk)
    {
        lock (_stopping)
        {
            if (_copying is { } copying && (disk is null || copying.Disk == disk))
                copying.Stop.Cancel();
        }
    }

    private void SetCopy((string Disk, CancellationTokenSource Stop)? copying)
    {
        lock (_stopping)
            _copying = copying;
    }

    private void Fail(string disk, Exception e)
    {
        _sources[disk].Close();
        if (!_problems.TryGetValue(disk, out var known) || known != e.Message)
            notices.Report(Notice.Warning($"{disk}: {e.Message}"));
        _problems[disk] = e.Message;
    }

    private async Task TryAsync(VirtualDisk disk, CancellationToken cancellation)
    {
        try
        {
            if (disk.Link!.IsCopied || await CopyAsync(disk, cancellation))
                await SettleAsync(disk.Name, cancellation);
            _failures.TryRemove(disk.Name, out _);
        }
        catch (IaaSException e) when (e.Kind == ErrorKind.Busy)
        {
            notices.Report(Notice.Verbose($"{disk}: {e.Message} It is tried again."));
        }
        catch (Exception e) when (e is IaaSException or IOException or UnauthorizedAccessException)
        {
            if (Find() is null)
                return;   // it was removed meanwhile
            // What is wrong with the content stays wrong; a disk that is full may not.
            var again = e is IaaSException { Kind: ErrorKind.InvalidData } ? long.MaxValue : Environment.TickCount64 + (long)TryAgainAfter.TotalMilliseconds;
            _failures[disk.Name] = (e.Message, again);
            notices.Report(Notice.Warning($"{disk}: {e.Message}"));
            Say(always: true);
        }
    }

    /// <returns>Whether the copy is whole; false when its image has gone meanwhile, or its machine.</returns>
    private async Task<bool> CopyAsync(VirtualDisk disk, CancellationToken cancellation)
    {
        await Gate.WaitAsync(cancellation);
        var stage = new ImportStage(services.Layout.Machine(vm).Folder);
        if (stage.FinishedDigests(disk) is not null)
            return true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        SetCopy((disk.Name, stop));
        try
        {
            using var image = LinkedImage.Open(disk);
            await using var target = await stage.OpenDiskAsync(disk, resume: true, stop.Token);
            var journal = stage.OpenJournal(disk, resume: true);
            using var journalOwner = journal as IDisposable;
            // One thread: the guests come first.
            var options = new DiskCopyOptions { Journal = journal, Threads = 1 };
            var result = await DiskCopy.RunAsync(image, target, options, new Position(this, disk.Name), stop.Token);
            await target.FlushAsync(stop.Token);
            LinkedImage.VerifyManifest(disk, stop.Token);
            ImportSaga.CheckUnchanged(disk.Link!.Files);
            await stage.FinishAsync(disk, result.BlockDigests, CancellationToken.None);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            SetCopy(null);
        }
    }

    /// <summary>Lays the machine on its copy, and merges what the guest has written meanwhile.</summary>
    private async Task SettleAsync(string name, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(vm, cancellation);
        if (owned.Machine.Disks.FirstOrDefault(d => d.Name == name) is not { Link: not null } disk)
            return;
        if (owned.Machine.Checkpoints.Any(c => c.IsTemporary))
            throw new IaaSException(ErrorKind.Busy, "VmIsRehearsed", "A failover is being rehearsed on its frozen disks.", "Wait for that to end.", name);
        if (!disk.Link.IsCopied)
            await RebaseAsync(owned, disk, cancellation);
        await LayerCleaner.CleanAsync(owned, services, notices, cancellation);
        disk.Link = null;
        owned.Write(owned.Notes);
        notices.Report(Notice.Verbose($"{owned.Machine.Name}: {name} is its own; {disk.SourcePath} is no longer needed for it."));
    }

    private async Task RebaseAsync(OwnedMachine owned, VirtualDisk disk, CancellationToken cancellation)
    {
        var (before, copy) = (owned.Notes.TreeOf(disk), new DiskLayer(disk.Name, owned.Files.Disk(disk.Name), "raw", null));
        if (before.Link is { } image)
        {
            var tree = before.Flattened(copy);
            if (owned.Fact.Process is not null)
                await services.Hypervisor.Disks.RebaseAsync(owned.Files, tree, image, copy, cancellation);
            disk.Digest = new ImportStage(owned.Files.Folder).FinishedDigests(disk) is { } digests ? DiskDigest.Describe(digests) : null;
            disk.Link!.IsCopied = true;
            LayerCleaner.ShowActive(owned, owned.Notes.WithTrees([tree]));
        }
    }

    private void Say(bool always)
    {
        lock (_saying)
        {
            var now = Environment.TickCount64;
            if (!always && now - _said < SayEvery.TotalMilliseconds)
                return;
            _said = now;
            if (Directory.Exists(_files.Run))
                new LinkStatus { Copied = _copied.ToDictionary(), Problems = _problems.ToDictionary(), Failures = _failures.ToDictionary(f => f.Key, f => f.Value.Why) }.Write(_files.Status);
        }
    }

    private sealed class Position(LinkHost host, string disk) : IProgress<long>
    {
        public void Report(long value)
        {
            host._copied[disk] = value;
            host.Say(always: false);
        }
    }
}
