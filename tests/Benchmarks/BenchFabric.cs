using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Local;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Benchmarks;

/// <summary>
/// A fabric of a benchmark's own, with a user configuration of its own in which it is the current one: the user's contexts and machines are
/// not looked at.
/// </summary>
internal sealed class BenchFabric
{
    private readonly IaaSContext _context;

    /// <summary>Makes the fabric in an empty folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="hypervisor">What runs its machines.</param>
    public BenchFabric(string folder, HypervisorKind hypervisor)
    {
        _context = new IaaSContext { Path = Path.Combine(folder, "fabric"), Hypervisor = hypervisor };
        var configuration = Path.Combine(folder, "config");
        new ContextStore(configuration).Connect(_context);
        Environment.SetEnvironmentVariable("XDG_CONFIG_HOME", configuration);
    }

    /// <summary>Opens it in this process; no watcher is started.</summary>
    public IaaSSession Open() => IaaSSession.Open(_context, new StoreAdapter(), new LocalAdapter());

    /// <summary>Runs the command line.</summary>
    /// <param name="arguments">Its arguments.</param>
    public static Task<WholeProcess> IaasAsync(params string[] arguments) => WholeProcess.RunAsync([Workshop.Iaas, .. arguments]);
}
