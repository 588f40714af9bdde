using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Azure;

/// <summary>Opens contexts in Azure.</summary>
public sealed class AzureAdapter : IProviderAdapter
{
    /// <inheritdoc/>
    public string StateFolder(IaaSContext context) => context.Path;

    /// <inheritdoc/>
    public IVmProvider Open(IaaSContext context, IStateStore store, TimeProvider time, WatcherCommand? watcher)
    {
        var scope = context.Azure ?? throw new IaaSException(ErrorKind.InvalidData, "ContextIncomplete", $"Context '{context.Name}' does not say where in Azure it is.",
            "Connect-IaaS -Azure writes it anew.", context.Name);
        IProgress<Notice>? signIn = null;
        var connection = new ArmConnection(scope, Credentials.For(scope, () => signIn), time);
        return new AzureProvider(store, connection, context.Path) { SignInNotices = n => signIn = n };
    }
}
