using System.Management.Automation;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Complete-IaaSVmImport: makes machines of staged imports.</summary>
[Cmdlet(VerbsLifecycle.Complete, "IaaSVmImport", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class CompleteVmImportCommand : IaaSCmdlet
{
    /// <summary>The names that the machines will have.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("VmName")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StagedImportCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The source is lost: make the machine as the last whole pass has left it.</summary>
    [Parameter]
    public SwitchParameter SourceLost { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                if (SourceLost)
                {
                    if (ShouldProcess(name, "Make the machine as the last whole pass has left it; what was written since is lost"))
                        Begin(name, async c => Output.Write(session.Mark(await session.Imports.CompleteLostAsync(name, Output, c))));
                    return;
                }

                var operation = session.Imports.FindStaged(name);
                if (ShouldProcess(name, "Copy what has changed, and make the machine"))
                    Begin(name, async c => Output.Write(session.Mark(await session.Imports.CompleteAsync(operation, Output, c))));
            });
        }
    }
}
