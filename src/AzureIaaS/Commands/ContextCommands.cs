using System.Management.Automation;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Connect-IaaS: chooses where machines live.</summary>
[Cmdlet(VerbsCommunications.Connect, "IaaS", DefaultParameterSetName = "Local")]
[OutputType(typeof(IaaSContext))]
public sealed class ConnectCommand : PSCmdlet
{
    /// <summary>A local fabric.</summary>
    [Parameter(ParameterSetName = "Local")]
    public SwitchParameter Local { get; set; }

    /// <summary>The fabric's folder; the user's own when left out.</summary>
    [Parameter(ParameterSetName = "Local", Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>What runs the machines.</summary>
    [Parameter(ParameterSetName = "Local")]
    public HypervisorKind Hypervisor { get; set; }

    /// <summary>The context's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = IaaSContext.DefaultName;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var context = new IaaSContext
        {
            Name = Name,
            Path = Path is null ? ContextStore.Default().Path : SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path),
            Hypervisor = Hypervisor,
        };
        try
        {
            // Opened once, so that a folder that cannot be used is refused here and not by the next command.
            CurrentContext.Open(context).Dispose();
            CurrentContext.Connect(context);
            WriteObject(context);
        }
        catch (IaaSException e)
        {
            ThrowTerminatingError(ErrorRecords.For(e, context.Path));
        }
    }
}

/// <summary>Disconnect-IaaS: forgets a context.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "IaaS")]
[OutputType(typeof(IaaSContext))]
public sealed class DisconnectCommand : PSCmdlet
{
    /// <summary>The contexts' names; the current one when left out.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name ?? [null!])
        {
            try
            {
                WriteObject(CurrentContext.Disconnect(name ?? CurrentContext.Find(null).Name));
            }
            catch (IaaSException e)
            {
                WriteError(ErrorRecords.For(e, name));
            }
        }
    }
}

/// <summary>Get-IaaSContext: lists the contexts there are.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSContext")]
[OutputType(typeof(IaaSContext))]
public sealed class GetContextCommand : PSCmdlet
{
    /// <summary>The contexts' names, with wildcards; all when left out.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (var name in Name)
        {
            try
            {
                var found = CurrentContext.Matching(name);
                if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                    CurrentContext.Find(name);   // says that there is none
                WriteObject(found, enumerateCollection: true);
            }
            catch (IaaSException e)
            {
                WriteError(ErrorRecords.For(e, name));
            }
        }
    }
}
