using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Imports;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Networking;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Fabric;

/// <summary>What everything in an open fabric works with.</summary>
internal sealed class LocalServices
{
    public LocalServices(IStateStore store, FabricLayout layout, IHypervisor hypervisor, TimeProvider time, WatcherCommand? watcher)
    {
        Store = store;
        Layout = layout;
        Hypervisor = hypervisor;
        Time = time;
        Sagas = new SagaRunner(store.Sagas, time);
        Places = new PlaceKeeper(store, hypervisor);
        Watcher = new WatcherProcess(store, layout, watcher);
        Keeper = new MachineKeeper(store, layout, hypervisor, Places, time) { NeedsHealing = () => Watcher.Ensure(SilentNotices.Instance) };
        Runner = new MachineRunner(this);
        Networks = new NetworkKeeper(this, watcher);
        Links = new LinkKeeper(this, watcher);
        Keeper.LinkTrouble = Links.TroubleOf;
    }

    public IStateStore Store { get; }

    public FabricLayout Layout { get; }

    public IHypervisor Hypervisor { get; }

    public TimeProvider Time { get; }

    /// <summary>Runs the sagas; another one shows what they do when something goes wrong.</summary>
    public SagaRunner Sagas { get; set; }

    public PlaceKeeper Places { get; }

    public MachineKeeper Keeper { get; }

    public MachineRunner Runner { get; }

    public WatcherProcess Watcher { get; }

    public NetworkKeeper Networks { get; }

    public LinkKeeper Links { get; }
}

/// <summary>Receives what nobody has asked for.</summary>
internal sealed class SilentNotices : IProgress<Notice>
{
    public static SilentNotices Instance { get; } = new();

    public void Report(Notice value)
    {
        // Nobody listens.
    }
}
