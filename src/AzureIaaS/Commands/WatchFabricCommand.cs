using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Watch-IaaSFabric: looks after a fabric's machines, in the foreground.</summary>
[Cmdlet(VerbsCommon.Watch, "IaaSFabric")]
[OutputType(typeof(void))]
public sealed class WatchFabricCommand : IaaSCmdlet
{
    /// <summary>The fabric's folder; the context's when left out.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>With -Path: what runs the machines.</summary>
    [Parameter]
    public HypervisorKind Hypervisor { get; set; }

    /// <summary>End when nothing runs any more.</summary>
    [Parameter]
    public SwitchParameter UntilIdle { get; set; }

    /// <summary>Be the switch of the network with this id, instead of the watcher.</summary>
    [Parameter]
    public Guid? NetworkId { get; set; }

    /// <summary>Serve and copy the images of the linked machine with this id, instead of being the watcher.</summary>
    [Parameter]
    public Guid? LinkId { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Path, () =>
    {
        using var own = Path is null ? null
            : CurrentContext.Open(new IaaSContext { Path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path), Hypervisor = Hypervisor });
        if (NetworkId is { } network)
        {
            if (!Await(c => ((IFabricNetworks)(own ?? Session()).Provider).RunSwitchAsync(network, !UntilIdle, Output, c)))
                WriteVerbose("Another process is this network's switch already.");
            return;
        }

        if (LinkId is { } vm)
        {
            if (!Await(c => ((ILinkProvider)(own ?? Session()).Provider).RunLinkAsync(vm, Output, c)))
                WriteVerbose("Another process does it already.");
            return;
        }

        var watchable = (IWatchable)(own ?? Session()).Provider;
        if (!Await(c => watchable.WatchAsync(!UntilIdle, Output, c)))
            WriteVerbose("Another process watches this fabric already.");
    });
}
