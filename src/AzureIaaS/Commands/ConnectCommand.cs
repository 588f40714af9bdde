using System.Collections.Concurrent;
using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Connect-IaaS: chooses where machines live.</summary>
[Cmdlet(VerbsCommunications.Connect, "IaaS", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(IaaSContext))]
public sealed class ConnectCommand : PSCmdlet, IDisposable
{
    private const string LocalSet = "Local";
    private const string AzureSet = "Azure";

    private readonly CancellationTokenSource _stop = new();

    /// <summary>A local fabric.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    public SwitchParameter Local { get; set; }

    /// <summary>The fabric's folder; the user's own when left out.</summary>
    [Parameter(ParameterSetName = LocalSet, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>What runs the machines.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    public HypervisorKind Hypervisor { get; set; }

    /// <summary>A resource group in Azure.</summary>
    [Parameter(ParameterSetName = AzureSet, Mandatory = true)]
    public SwitchParameter Azure { get; set; }

    /// <summary>The subscription's id.</summary>
    [Parameter(ParameterSetName = AzureSet, Mandatory = true)]
    public Guid Subscription { get; set; }

    /// <summary>The resource group.</summary>
    [Parameter(ParameterSetName = AzureSet, Mandatory = true)]
    [ValidatePattern(@"^[-\w._()]{1,89}[-\w_()]$|^[-\w_()]$")]
    public string ResourceGroup { get; set; } = "";

    /// <summary>The region; the group's own when left out. Given, it makes a group that is not there.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string? Location { get; set; }

    /// <summary>The tenant to sign in to.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string? Tenant { get; set; }

    /// <summary>The cloud, or the address of an emulator on this computer.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string Environment { get; set; } = AzureScope.PublicCloud;

    /// <summary>How to sign in; with what the tools on this computer have when left out.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    public AzureSignIn SignIn { get; set; }

    /// <summary>Sign in as the identity of the machine or runbook that this runs on.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    public SwitchParameter Identity { get; set; }

    /// <summary>The id of a service principal, or of a user-assigned identity.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string? ClientId { get; set; }

    /// <summary>The file with the service principal's certificate.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>The subnet that machines are put on, by its full resource id.</summary>
    [Parameter(ParameterSetName = AzureSet)]
    [ValidateNotNullOrEmpty]
    public string? Subnet { get; set; }

    /// <summary>The context's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void StopProcessing() => _stop.Cancel();

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var context = Azure ? AzureContext() : LocalContext();
        try
        {
            // Opened once, so that what cannot be used is refused here and not by the next command.
            using (var session = CurrentContext.Open(context))
            {
                if (session.Provider is IConnectable connectable)
                    Await(connectable);
            }

            CurrentContext.Connect(context);
            WriteObject(context);
        }
        catch (IaaSException e)
        {
            ThrowTerminatingError(ErrorRecords.For(e, context.Name));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private IaaSContext LocalContext() => new()
    {
        Name = Name ?? IaaSContext.DefaultName,
        Path = Path is null ? ContextStore.Default().Path : SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path),
        Hypervisor = Hypervisor,
    };

    private IaaSContext AzureContext() => ContextStore.ForAzure(Name ?? "azure", new AzureScope
    {
        Subscription = Subscription,
        ResourceGroup = ResourceGroup,
        Location = Location ?? "",
        Tenant = Tenant,
        Environment = Environment,
        SignIn = Identity ? AzureSignIn.ManagedIdentity : CertificatePath is not null && !MyInvocation.BoundParameters.ContainsKey(nameof(SignIn)) ? AzureSignIn.Certificate : SignIn,
        ClientId = ClientId,
        CertificatePath = CertificatePath is null ? null : SessionState.Path.GetUnresolvedProviderPathFromPSPath(CertificatePath),
        Subnet = Subnet,
    });

    /// <summary>Waits on this thread, the only one that may write, and writes what the work says.</summary>
    private void Await(IConnectable connectable)
    {
        using var notices = new BlockingCollection<Notice>();
        var work = Task.Run(() => connectable.ConnectAsync(new Collector(notices), _stop.Token));
        while (!work.IsCompleted || notices.Count > 0)
        {
            if (notices.TryTake(out var notice, millisecondsTimeout: 20))
                Write(notice);
        }

        work.GetAwaiter().GetResult();
    }

    private void Write(Notice notice)
    {
        switch (notice.Kind)
        {
            case NoticeKind.Warning:
                WriteWarning(notice.Text);
                break;
            case NoticeKind.Verbose:
                WriteVerbose(notice.Text);
                break;
            default:
                WriteProgress(IaaSCmdlet.ProgressOf(MyInvocation.MyCommand.Name, notice));
                break;
        }
    }

    private sealed class Collector(BlockingCollection<Notice> notices) : IProgress<Notice>
    {
        public void Report(Notice value) => notices.Add(value);
    }
}
