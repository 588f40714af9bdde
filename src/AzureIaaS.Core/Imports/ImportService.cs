using System.Text.Json;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Imports;

/// <summary>Imports: plans them, runs them, and takes up or gives up those that were cut off.</summary>
public sealed class ImportService(IVmProvider provider, IStateStore store, TimeProvider time)
{
    private readonly SagaRunner _runner = new(store.Sagas, time);

    /// <summary>Plans an import; every refusal happens here, and nothing is changed.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">Something stands in the way.</exception>
    public async Task<(Guid Operation, ImportPlan Plan)> PlanAsync(ImportRequest request, CancellationToken cancellation)
    {
        var place = provider.DescribePlace();
        var source = ImportInput.Open(request, cancellation);
        var operation = Guid.NewGuid();
        var plan = ImportPlan.Make(request, source, place, operation, time.GetUtcNow());
        provider.Complete(plan.Machine);
        if (store.Machines.Find(plan.Machine.Name) is not null)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "VmNameTaken", $"There is a machine called '{plan.Machine.Name}' already.",
                "Give this one another name with -Name, or remove the other with Remove-IaaSVm.", plan.Machine.Name);
        }

        if (provider is IImportReviewer reviewer)
            await reviewer.ReviewAsync(plan, cancellation);
        return (operation, plan);
    }

    /// <summary>Imports a machine; the same import again takes up one that was cut off.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be resumed.</param>
    /// <returns>The machine.</returns>
    /// <exception cref="IaaSException">Something stands in the way, or failed; nothing is left behind.</exception>
    public async Task<VirtualMachine> ImportAsync(ImportRequest request, IProgress<Notice> notices, CancellationToken cancellation)
    {
        notices.Report(Notice.Step($"Looking at {Path.GetFileName(request.Path)}"));
        if (FindSame(request) is { } same)
        {
            notices.Report(Notice.Verbose($"An import of this file was cut off at {same.Created.ToLocalTime():g}; it is taken up."));
            return await ResumeAsync(same.Id, notices, cancellation);
        }

        var (operation, plan) = await Task.Run(() => PlanAsync(request, cancellation), cancellation);
        foreach (var warning in plan.Warnings)
            notices.Report(Notice.Warning(warning));
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation)) ?? throw BeingWorkedOn(operation);
        var parameters = JsonSerializer.Serialize(plan, CoreJson.Default.ImportPlan);
        var record = new SagaRecord(operation, ImportSaga.Definition.Kind, ImportSaga.Definition.Version, plan.Machine.Name,
            plan.Machine.Origin!.Path, parameters, time.GetUtcNow());
        store.Sagas.Create(record, reserveName: true);
        return await RunAsync(plan, operation, resume: false, notices, cancellation);
    }

    /// <summary>Goes on with an import that was cut off.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be resumed again.</param>
    /// <exception cref="IaaSException">It has ended, somebody works on it, or its source has changed.</exception>
    public async Task<VirtualMachine> ResumeAsync(Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation)) ?? throw BeingWorkedOn(operation);
        var plan = Load(operation);
        var log = _runner.Replay(ImportSaga.Definition, operation);
        if (log.Phase == SagaPhase.Forward)
        {
            foreach (var source in plan.Sources)
                ImportSaga.CheckUnchanged(source);
        }

        if (log.Phase == SagaPhase.Unwinding)
        {
            throw new IaaSException(ErrorKind.InvalidState, "OperationIsBeingUndone",
                $"The import of '{plan.Machine.Name}' had failed ({log.Failure ?? "given up"}) and was being undone; it cannot go on.",
                $"Undo-IaaSOperation {operation} ends it; then import again.", operation);
        }

        return await RunAsync(plan, operation, resume: true, notices, cancellation);
    }

    /// <summary>Gives up an import that was cut off; nothing of it is left.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <exception cref="IaaSException">It has ended, or somebody works on it.</exception>
    public async Task UndoAsync(Guid operation, IProgress<Notice> notices)
    {
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation)) ?? throw BeingWorkedOn(operation);
        var work = new ImportWork(Load(operation), operation, provider, store.Machines, notices, Resume: false);
        await _runner.UndoAsync(ImportSaga.Definition, operation, work, new StepNames(notices));
    }

    private async Task<VirtualMachine> RunAsync(ImportPlan plan, Guid operation, bool resume, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var work = new ImportWork(plan, operation, provider, store.Machines, notices, resume);
        await _runner.RunAsync(ImportSaga.Definition, operation, work, new StepNames(notices), cancellation);
        return await provider.FindAsync(plan.Machine.Id, CancellationToken.None) ?? plan.Machine;
    }

    /// <summary>The open import of the same file under the same name; an open import of another file keeps its name to itself.</summary>
    private SagaRecord? FindSame(ImportRequest request)
    {
        var path = Path.GetFullPath(request.Path);
        var name = ImportInput.NameFor(request);
        if (store.Sagas.FindReserving(name) is not { } open || open.Kind != ImportSaga.Definition.Kind)
            return null;
        if (open.Source == path)
            return open;
        throw new IaaSException(ErrorKind.AlreadyExists, "VmNameReserved",
            $"The name '{name}' is reserved by an import of {open.Source} that has not ended.",
            $"Resume-IaaSOperation {open.Id} or Undo-IaaSOperation {open.Id} ends it; or give another name.", name);
    }

    private ImportPlan Load(Guid operation)
    {
        var record = store.Sagas.Find(operation)
            ?? throw new IaaSException(ErrorKind.NotFound, "OperationNotFound", $"There is no operation {operation}.",
                "Get-IaaSOperation shows those there are.", operation);
        if (!record.IsOpen)
        {
            throw new IaaSException(ErrorKind.InvalidState, "OperationHasEnded", $"The import of '{record.VmName}' has ended already.",
                "Nothing is left to do; Get-IaaSVm shows the machines there are.", operation);
        }

        return JsonSerializer.Deserialize(record.Parameters, CoreJson.Default.ImportPlan)!;
    }

    private IaaSException BeingWorkedOn(Guid operation) => new(ErrorKind.Busy, "OperationIsRunning",
        $"Operation {operation} is being worked on by {store.Locks.DescribeHolder(SagaRunner.LockName(operation)) ?? "another process"} at this moment.",
        "Wait for that to end; Get-IaaSOperation shows it.", operation);

    private sealed class StepNames(IProgress<Notice> notices) : IProgress<string>
    {
        public void Report(string value) => notices.Report(Notice.Step(value));
    }
}
