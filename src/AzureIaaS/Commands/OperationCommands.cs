using System.Management.Automation;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Get-IaaSOperation: lists long work that has not ended.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSOperation")]
[OutputType(typeof(Operation))]
public sealed class GetOperationCommand : IaaSCmdlet
{
    /// <summary>The operations' ids; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public Guid[]? Id { get; set; }

    /// <summary>Those that have ended too.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Id, () =>
    {
        foreach (var operation in Session().ListOperations(All || Id is not null).Where(o => Id is null || Id.Contains(o.Id)))
            WriteObject(operation);
    });
}

/// <summary>A cmdlet that ends operations that were cut off, all of them when none is named.</summary>
public abstract class EndOperationCmdlet : IaaSCmdlet
{
    /// <summary>The operations' ids; all that were cut off when left out.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public Guid[]? Id { get; set; }

    /// <summary>The context the operations belong to, instead of the current one; an operation on the pipeline says its own.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public override string? Context { get; set; }

    private protected abstract string ActionName { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Id, () =>
    {
        var session = Session();
        var all = session.ListOperations(includeEnded: Id is not null);
        var chosen = Id ?? [.. all.Where(o => o.State is OperationState.Interrupted or OperationState.UndoInterrupted).Select(o => o.Id)];
        foreach (var id in chosen)
        {
            var name = all.FirstOrDefault(o => o.Id == id) is { } known ? $"{known} ({id})" : id.ToString();
            if (ShouldProcess(name, ActionName))
                Begin(id, c => EndAsync(session, id, c));
        }
    });

    private protected abstract Task EndAsync(IaaSSession session, Guid id, CancellationToken cancellation);
}

/// <summary>Resume-IaaSOperation: goes on where operations were cut off.</summary>
[Cmdlet(VerbsLifecycle.Resume, "IaaSOperation", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class ResumeOperationCommand : EndOperationCmdlet
{
    private protected override string ActionName => "Resume";

    private protected override async Task EndAsync(IaaSSession session, Guid id, CancellationToken cancellation)
    {
        if (await session.ResumeOperationAsync(id, Output, cancellation) is { } machine)
            Output.Write(machine);
    }
}

/// <summary>Undo-IaaSOperation: gives operations up; nothing of them is left.</summary>
[Cmdlet(VerbsCommon.Undo, "IaaSOperation", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UndoOperationCommand : EndOperationCmdlet
{
    private protected override string ActionName => "Undo";

    private protected override Task EndAsync(IaaSSession session, Guid id, CancellationToken cancellation) =>
        session.UndoOperationAsync(id, Output);
}
