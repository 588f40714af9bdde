using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Hypervisors.Qemu;
using AzureIaaS.Local.Hypervisors.Simulated;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local;

/// <summary>Opens local fabrics.</summary>
public sealed class LocalAdapter : IProviderAdapter
{
    private const string ProbeName = "qemu.json";

    /// <inheritdoc/>
    public string StateFolder(IaaSContext context)
    {
        if (!OperatingSystem.IsLinux() && context.Hypervisor == HypervisorKind.Qemu)
        {
            throw new IaaSException(ErrorKind.NotSupported, "LocalFabricNeedsLinux", "The local fabric with real machines has been tried on Linux only.",
                "Use Linux (WSL 2 will do), or a simulated fabric: Connect-IaaS -Local -Hypervisor Simulated.");
        }

        return new FabricLayout(context.Path).Root;
    }

    /// <inheritdoc/>
    public IVmProvider Open(IaaSContext context, IStateStore store, TimeProvider time, WatcherCommand? watcher)
    {
        var layout = new FabricLayout(context.Path);
        FirstHosts.Ensure(store.Hosts);
        IHypervisor hypervisor = context.Hypervisor == HypervisorKind.Simulated
            ? new SimulatedHypervisor()
            : new QemuHypervisor(Path.Combine(layout.Root, ProbeName));
        return new LocalProvider(store, layout, hypervisor, time, watcher);
    }
}
