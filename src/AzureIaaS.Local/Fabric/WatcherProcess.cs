using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Fabric;

/// <summary>Sees to it that one background watcher runs for the fabric. Without it nothing is lost; only nobody looks after what happens.</summary>
internal sealed class WatcherProcess(IStateStore store, FabricLayout layout, WatcherCommand? command)
{
    /// <summary>Starts a watcher unless one runs. Two that start at once sort it out between them: the lock goes to one, the other ends.</summary>
    /// <param name="notices">Receives why none could be started.</param>
    public void Ensure(IProgress<Notice> notices)
    {
        if (command is null)
            return;
        using (var free = store.Locks.TryAcquire(FabricWatcher.LockName))
        {
            if (free is null)
                return;
        }

        try
        {
            Launcher.Start(command.Program, command.Arguments, layout.Root, layout.WatcherLog, confinement: null);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"The fabric's watcher could not be started: {e.Message} The machine runs; run Watch-IaaSFabric to look after it."));
        }
    }
}
