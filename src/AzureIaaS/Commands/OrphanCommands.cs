using System.Management.Automation;
using AzureIaaS.Providers;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Get-IaaSOrphan: lists what machines and imports have left behind in Azure.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSOrphan")]
[OutputType(typeof(Orphan))]
public sealed class GetOrphanCommand : IaaSCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Context, () =>
    {
        var session = Session();
        var provider = Ability.Of<IOrphanProvider>(session, "anything that could be left behind");
        foreach (var orphan in Await(provider.ListOrphansAsync))
        {
            orphan.Context = session.Context.Name;
            WriteObject(orphan);
        }
    });
}

/// <summary>Remove-IaaSOrphan: removes what was left behind.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSOrphan", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveOrphanCommand : IaaSCmdlet
{
    /// <summary>Their full names in the cloud, as Get-IaaSOrphan gives them.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Id { get; set; } = [];

    /// <summary>The context they are in, instead of the current one; one on the pipeline says its own.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public override string? Context { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var id in Id)
        {
            Try(id, () =>
            {
                if (!ShouldProcess(id, "Remove"))
                    return;
                var provider = Ability.Of<IOrphanProvider>(Session(), "anything that could be left behind");
                Begin(id, c => provider.RemoveOrphanAsync(id, Output, c));
            });
        }
    }
}
