using System.Collections.Concurrent;
using System.Globalization;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Hypervisors.Simulated;

/// <summary>
/// A hypervisor without processes: a machine "runs" when a file says so, and is killed by deleting that file. States, locks, sagas, placement and
/// waiting are as for real, in milliseconds. Its guests boot at once, say so on their consoles, and obey the power button.
/// </summary>
internal sealed class SimulatedHypervisor : IHypervisor, IHypervisorDisks
{
    private const string FolderName = ".simulated";

    /// <summary>For tests of what happens in between: every call takes up to so many milliseconds.</summary>
    private static readonly int DelayMilliseconds =
        int.TryParse(Environment.GetEnvironmentVariable("AZUREIAAS_SIMULATED_DELAY"), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private readonly ConcurrentDictionary<string, Action> _watched = new();
    private readonly object _gate = new();
    private FileSystemWatcher? _watcher;

    public string Name => "Simulated";

    public bool UsesMemory => false;

    public bool SendsFrames => false;

    public bool ReadsDisks => false;

    public IHypervisorDisks Disks => this;

    public IReadOnlyDictionary<string, string> Versions => new Dictionary<string, string> { ["Hypervisor"] = "simulated" };

    public void Check(VirtualMachine machine)
    {
        // Every machine can be pretended.
    }

    public async Task<Launched> LaunchAsync(LaunchRequest request, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        var process = new ProcessIdentity(Random.Shared.Next(1, int.MaxValue), Random.Shared.NextInt64(), SimulatedProcess.BootId);
        if (Read(request.Files) is not null || (!request.Incoming && OtherHoldsDisks(request.Files)))
            throw LockRefused(request.Files);
        Directory.CreateDirectory(FolderOf(request.Files));
        Write(request.Files, request.Incoming ? ProcessCondition.Incoming : ProcessCondition.Prelaunch, process);
        return new Launched(process, request.MachineType ?? "simulated");
    }

    public bool IsAlive(MachineFiles files, ProcessIdentity process) => Read(files) is { } now && now.Process == process;

    public async Task<ProcessFact> ObserveAsync(MachineFiles files, ProcessIdentity? known, bool search, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        return Read(files) is { } now ? new ProcessFact(now.Condition, now.Process) : ProcessFact.None;
    }

    public async Task WatchAsync(MachineFiles files, ProcessIdentity process, Action changed, CancellationToken cancellation)
    {
        Listen(FolderOf(files));
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var name = Path.GetFileName(StateFile(files));
        _watched[name] = () =>
        {
            changed();
            if (!IsAlive(files, process))
                ended.TrySetResult();
        };
        try
        {
            if (IsAlive(files, process))
                await ended.Task.WaitAsync(cancellation);
        }
        finally
        {
            _watched.TryRemove(name, out _);
        }
    }

    public async Task ContinueAsync(MachineFiles files, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        if (OtherHoldsDisks(files))
            throw LockRefused(files);
        var before = Change(files, ProcessCondition.Running);
        if (before == ProcessCondition.Prelaunch)
            await File.AppendAllTextAsync(files.Console, "simulated: the guest is running\n", cancellation);
    }

    public async Task HaltAsync(MachineFiles files, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        Change(files, ProcessCondition.Paused);
    }

    public async Task PowerDownAsync(MachineFiles files, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        Change(files, ProcessCondition.PoweredOff);
        await File.AppendAllTextAsync(files.Console, "simulated: the guest has shut down\n", cancellation);
    }

    public async Task<bool> EndAsync(MachineFiles files, ProcessIdentity process)
    {
        await DelayAsync(CancellationToken.None);
        if (IsAlive(files, process))
            File.Delete(StateFile(files));
        return true;
    }

    public Task<bool> KillAsync(MachineFiles files, ProcessIdentity process) => EndAsync(files, process);

    public async Task<MigrationResult> MigrateAsync(MachineFiles from, MachineFiles to, TimeSpan limit, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        Change(from, ProcessCondition.MovedAway);
        await DelayAsync(CancellationToken.None);
        Change(to, ProcessCondition.Running);
        return new MigrationResult(TimeSpan.Zero, TimeSpan.Zero);
    }

    public async Task SaveMemoryAsync(MachineFiles files, string path, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        await File.WriteAllTextAsync(path, "simulated memory\n", cancellation);
    }

    public async Task LoadMemoryAsync(MachineFiles files, string path, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        _ = await File.ReadAllTextAsync(path, cancellation);
        Change(files, ProcessCondition.Paused);
    }

    public Task<string?> SignOfLifeAsync(MachineFiles files, CancellationToken cancellation) =>
        Task.FromResult(Read(files) is { Condition: ProcessCondition.Running } ? "it is simulated, and boots at once" : null);

    public Task ReplugAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation) => DelayAsync(cancellation);

    public Task AttachAdapterAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation) => DelayAsync(cancellation);

    public Task<byte[]> ScreenshotAsync(MachineFiles files, CancellationToken cancellation) => throw new IaaSException(
        ErrorKind.NotSupported, "SimulatedHasNoDisplay", "A simulated machine has no display.", "Use a fabric with real machines: Connect-IaaS -Local.");

    public Task SwitchAsync(MachineFiles files, IReadOnlyList<(DiskLayer From, DiskLayer To)> changes, CancellationToken cancellation) => DelayAsync(cancellation);

    public async Task MergeLiveAsync(MachineFiles files, DiskTree tree, DiskLayer layer, Action note, CancellationToken cancellation)
    {
        await DelayAsync(cancellation);
        note();
    }

    public Task MergeOfflineAsync(MachineFiles files, DiskTree tree, DiskLayer layer, CancellationToken cancellation) => DelayAsync(cancellation);

    public Task RebaseAsync(MachineFiles files, DiskTree tree, DiskLayer image, DiskLayer copy, CancellationToken cancellation) => DelayAsync(cancellation);

    public Task AttachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation) => DelayAsync(cancellation);

    public Task DetachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation) => DelayAsync(cancellation);

    public void Dispose() => _watcher?.Dispose();

    /// <summary>The file that stands for a machine's process; deleting it kills the process.</summary>
    /// <param name="files">The machine's files.</param>
    internal static string StateFile(MachineFiles files) => Path.Combine(FolderOf(files), Path.GetFileName(files.Run));

    /// <summary>One folder for all, so that one watch suffices for ten thousand machines.</summary>
    private static string FolderOf(MachineFiles files) => Path.Combine(Path.GetDirectoryName(files.Run)!, FolderName);

    private static Task DelayAsync(CancellationToken cancellation) =>
        DelayMilliseconds == 0 ? Task.CompletedTask : Task.Delay(Random.Shared.Next(DelayMilliseconds), cancellation);

    /// <summary>As a real process holds locks on its disks, except one that waits for another's memory, or whose memory has gone elsewhere.</summary>
    private static bool OtherHoldsDisks(MachineFiles files) =>
        Read(files.Other) is { } other && other.Condition is not (ProcessCondition.Incoming or ProcessCondition.MovedAway);

    private static IaaSException LockRefused(MachineFiles files) => new(ErrorKind.Failed, "SimulatedLockRefused",
        $"{files.Folder}: a simulated process runs already; a real one would hold the disk's lock.", "This is a fault of AzureIaaS: please report it.", files.Folder);

    private void Listen(string folder)
    {
        lock (_gate)
        {
            if (_watcher is not null)
                return;
            Directory.CreateDirectory(folder);
            _watcher = new FileSystemWatcher(folder) { InternalBufferSize = 1 << 20, NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite };
            _watcher.Deleted += (_, e) => Notify(e.Name);
            _watcher.Created += (_, e) => Notify(e.Name);
            _watcher.Changed += (_, e) => Notify(e.Name);
            _watcher.Error += (_, _) =>
            {
                // Some were missed: everything is looked at again.
                foreach (var changed in _watched.Values)
                    changed();
            };
            _watcher.EnableRaisingEvents = true;
        }
    }

    private void Notify(string? name)
    {
        if (name is not null && _watched.TryGetValue(name, out var changed))
            changed();
    }

    private static ProcessCondition Change(MachineFiles files, ProcessCondition condition)
    {
        var now = Read(files) ?? throw new IaaSException(ErrorKind.Failed, "MonitorGone", "The simulated process has ended.", "Look at the machine with Get-IaaSVm.");
        Write(files, condition, now.Process);
        return now.Condition;
    }

    private static void Write(MachineFiles files, ProcessCondition condition, ProcessIdentity process) =>
        new SimulatedProcess(condition, process).Write(StateFile(files));

    private static SimulatedProcess? Read(MachineFiles files) => SimulatedProcess.Read(StateFile(files));
}
