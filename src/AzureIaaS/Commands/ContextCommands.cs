using System.Management.Automation;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

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
