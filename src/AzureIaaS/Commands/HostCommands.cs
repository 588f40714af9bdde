using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>A cmdlet over the hosts of a fabric.</summary>
public abstract class HostCmdlet : IaaSCmdlet
{
    /// <summary>The session's hosts.</summary>
    /// <param name="session">The session.</param>
    private protected static IHostProvider HostsOf(IaaSSession session) => session.Provider as IHostProvider
        ?? throw new IaaSException(ErrorKind.NotSupported, "NoHostsHere", $"Context '{session.Context.Name}' has no hosts of its own to arrange.", "Connect to a local fabric with Connect-IaaS -Local.");

    /// <summary>The hosts that a name or a pattern means.</summary>
    /// <param name="hosts">Where they are.</param>
    /// <param name="name">The name or pattern.</param>
    private protected static IEnumerable<FabricHost> Find(IHostProvider hosts, string name)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(name))
        {
            return [hosts.FindHost(name)
                ?? throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host '{name}'.", "Get-IaaSHost shows those there are.", name)];
        }

        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        return hosts.ListHosts().Where(h => pattern.IsMatch(h.Name));
    }

    private protected static FabricHost Mark(FabricHost host, IaaSSession session)
    {
        host.Context = session.Context.Name;
        return host;
    }
}

/// <summary>A cmdlet over hosts that are there.</summary>
public abstract class KnownHostCmdlet : HostCmdlet
{
    /// <summary>The context to work in, instead of the current one; a host on the pipeline says its own.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public override string? Context { get; set; }
}

/// <summary>Get-IaaSHost: lists the hosts of the fabric.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSHost")]
[OutputType(typeof(FabricHost))]
public sealed class GetHostCommand : KnownHostCmdlet
{
    /// <summary>The hosts' names, with wildcards; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(HostCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var host in Find(HostsOf(session), name))
                    WriteObject(Mark(host, session));
            });
        }
    }
}

/// <summary>New-IaaSHost: adds a host to the fabric.</summary>
[Cmdlet(VerbsCommon.New, "IaaSHost", SupportsShouldProcess = true)]
[OutputType(typeof(FabricHost))]
public sealed class NewHostCommand : HostCmdlet
{
    /// <summary>The host's name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The number of its fault domain: hosts that share power and a switch.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public int FaultDomain { get; set; }

    /// <summary>The number of its update domain: hosts that are maintained together.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public int UpdateDomain { get; set; }

    /// <summary>How many virtual processors it offers.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public int Cpu { get; set; } = 16;

    /// <summary>How much memory it offers, in bytes, or with a unit.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ByteSize]
    public long Memory { get; set; } = 64L << 30;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Name, () =>
    {
        var session = Session();
        var host = new FabricHost { Name = Name, FaultDomain = FaultDomain, UpdateDomain = UpdateDomain, Cpu = Cpu, Memory = Memory };
        if (ShouldProcess(Name, "Add as a host"))
            WriteObject(Mark(HostsOf(session).AddHost(host), session));
    });
}

/// <summary>A cmdlet that does something with hosts that are named.</summary>
public abstract class HostActionCmdlet : KnownHostCmdlet
{
    /// <summary>The hosts' names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(HostCompleter))]
    public string[] Name { get; set; } = [];

    private protected abstract string ActionName { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var host in Find(HostsOf(session), name).Where(h => ShouldProcess(h.Name, ActionName)))
                {
                    if (Await(c => ActAsync(HostsOf(session), Mark(host, session), c)) is { } after)
                        WriteObject(Mark(after, session));
                }
            });
        }
    }

    private protected abstract Task<FabricHost?> ActAsync(IHostProvider hosts, FabricHost host, CancellationToken cancellation);
}

/// <summary>Remove-IaaSHost: removes hosts that hold no machine.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSHost", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveHostCommand : HostActionCmdlet
{
    private protected override string ActionName => "Remove";

    private protected override Task<FabricHost?> ActAsync(IHostProvider hosts, FabricHost host, CancellationToken cancellation)
    {
        hosts.RemoveHost(host.Name);
        return Task.FromResult<FabricHost?>(null);
    }
}

/// <summary>Resume-IaaSHost: lets hosts take machines again.</summary>
[Cmdlet(VerbsLifecycle.Resume, "IaaSHost", SupportsShouldProcess = true)]
[OutputType(typeof(FabricHost))]
public sealed class ResumeHostCommand : HostActionCmdlet
{
    /// <summary>Bring back the machines that had their place there.</summary>
    [Parameter]
    public SwitchParameter ReturnMachine { get; set; }

    private protected override string ActionName => "Resume";

    private protected override async Task<FabricHost?> ActAsync(IHostProvider hosts, FabricHost host, CancellationToken cancellation) =>
        await hosts.ResumeHostAsync(host.Name, ReturnMachine, Output, cancellation);
}

/// <summary>Stop-IaaSHost: loses hosts, as when their plug is pulled; all that are named go down together, as the hosts of a fault domain do.</summary>
[Cmdlet(VerbsLifecycle.Stop, "IaaSHost", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(FabricHost))]
public sealed class StopHostCommand : HostActionCmdlet
{
    private readonly List<FabricHost> _lost = [];

    /// <summary>Really kill what runs there; without it, Suspend-IaaSHost is meant.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override string ActionName => "Pull the plug, and kill every machine on it";

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (!Force)
        {
            ThrowTerminatingError(ErrorRecords.For(new IaaSException(ErrorKind.InvalidArgument, "ForceMissing", "Stopping a host kills its machines, and -Force was not given.",
                "Empty it first with Suspend-IaaSHost; or rehearse its loss with Stop-IaaSHost -Force."), null));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (var lost in _lost.GroupBy(h => h.Context))
        {
            Try(lost, () =>
            {
                var session = SessionOf(CurrentContext.Find(lost.Key));
                foreach (var host in Await(c => HostsOf(session).LoseHostsAsync([.. lost.Select(h => h.Name)], Output, c)))
                    WriteObject(Mark(host, session));
            });
        }

        base.EndProcessing();
    }

    private protected override Task<FabricHost?> ActAsync(IHostProvider hosts, FabricHost host, CancellationToken cancellation)
    {
        _lost.Add(host);
        return Task.FromResult<FabricHost?>(null);
    }
}
