using System.Text.Json;
using AzureIaaS.Disks;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Imports;

/// <summary>Imports: plans them, runs them, and takes up or gives up those that were cut off.</summary>
public sealed class ImportService(IVmProvider provider, IStateStore store, TimeProvider time)
{
    private const string HasEnded = "OperationHasEnded";

    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(2);

    private readonly SagaRunner _runner = new(store.Sagas, time);

    /// <summary>Plans an import; every refusal happens here, and nothing is changed.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">Something stands in the way.</exception>
    public async Task<(Guid Operation, ImportPlan Plan)> PlanAsync(ImportRequest request, CancellationToken cancellation)
    {
        var (operation, plan) = await MakePlanAsync(request, cancellation);
        if (provider.DescribePlace().Judged is { } target)
        {
            foreach (var warning in PlannedGuest.FindWarnings(plan, target, cancellation))
                plan.Warnings.Add(warning);
        }

        return (operation, plan);
    }

    private async Task<(Guid Operation, ImportPlan Plan)> MakePlanAsync(ImportRequest request, CancellationToken cancellation)
    {
        if (request.Linked && provider is not ILinkProvider)
        {
            throw new IaaSException(ErrorKind.NotSupported, "LinkNotSupported", $"{provider.Name} cannot run a machine on an image that stays where it is.",
                "Import it without -Linked.", request.Path);
        }

        var place = provider.DescribePlace();
        if (request.Staged && !place.TakesPasses)
        {
            throw new IaaSException(ErrorKind.NotSupported, "StageNotSupported", $"{provider.Name} cannot take a machine in passes.",
                "Import it without -Stage, once nothing writes to it.", request.Path);
        }

        request = ImportFolder.Resolve(request);
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
        notices.Report(Notice.Step($"Looking at {SourcePath.FileName(request.Path)}"));
        request = ImportFolder.Resolve(request);
        if (FindSame(request) is { } same)
        {
            try
            {
                return await TakeUpAsync(same, notices, cancellation);
            }
            catch (IaaSException e) when (e.ErrorId == HasEnded)
            {
                // Between two looks: whoever ended it has made the machine, or given it up, and the plan finds which.
            }
        }

        var (operation, plan) = await Task.Run(() => MakePlanAsync(request, cancellation), cancellation);
        foreach (var warning in plan.Warnings)
            notices.Report(Notice.Warning(warning));
        using var owner = store.Locks.TryAcquire(SagaRunner.LockName(operation)) ?? throw BeingWorkedOn(operation);
        var parameters = JsonSerializer.Serialize(plan, CoreJson.Default.ImportPlan);
        var record = new SagaRecord(operation, ImportSaga.Definition.Kind, ImportSaga.Definition.Version, plan.Machine.Name,
            plan.Machine.Origin!.Path, parameters, time.GetUtcNow());
        store.Sagas.Create(record, reserveName: true);
        return await BesideReviewAsync(plan, notices, () => RunAsync(plan, operation, resume: false, notices, cancellation), cancellation);
    }

    /// <summary>Does the long work, and meanwhile looks the guest over: that costs a part of a second, which a copy should not wait for.</summary>
    private async Task<T> BesideReviewAsync<T>(ImportPlan plan, IProgress<Notice> notices, Func<Task<T>> work, CancellationToken cancellation)
    {
        if (provider.DescribePlace().Judged is not { } target)
            return await work();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var looking = Task.Run(() => PlannedGuest.FindWarnings(plan, target, stop.Token), CancellationToken.None);
        try
        {
            var done = await work();
            foreach (var warning in await looking)
                notices.Report(Notice.Warning(warning));
            return done;
        }
        finally
        {
            await stop.CancelAsync();
            await looking.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);   // it holds the images open
        }
    }

    private async Task<VirtualMachine> TakeUpAsync(SagaRecord same, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (Load(same.Id).IsStaged)
        {
            throw new IaaSException(ErrorKind.InvalidState, "ImportIsStaged", $"An import of {same.Source} as '{same.VmName}' is staged.",
                $"Complete-IaaSVmImport {same.VmName} makes the machine; Undo-IaaSOperation {same.Id} gives it up.", same.VmName);
        }

        notices.Report(Notice.Verbose($"An import of this file was cut off at {same.Created.ToLocalTime():g}; it is taken up."));
        return await ResumeAsync(same.Id, notices, cancellation);
    }

    /// <summary>
    /// Makes a pass of a staged import: the first copies, each further one brings what has changed. The source may run on; there is no machine until
    /// <see cref="CompleteAsync"/>.
    /// </summary>
    /// <param name="request">What is to be imported; the same again makes the next pass.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; the next pass goes on from what is there.</param>
    /// <exception cref="IaaSException">Something stands in the way; what former passes have brought stays.</exception>
    public async Task<StagedPass> StageAsync(ImportRequest request, IProgress<Notice> notices, CancellationToken cancellation)
    {
        notices.Report(Notice.Step($"Looking at {SourcePath.FileName(request.Path)}"));
        request = ImportFolder.Resolve(request);
        var operation = FindSame(request)?.Id;
        var plan = operation is { } open ? LoadStaged(open) : null;
        if (plan is null)
        {
            (operation, plan) = await Task.Run(() => MakePlanAsync(request with { Staged = true }, cancellation), cancellation);
            foreach (var warning in plan.Warnings)
                notices.Report(Notice.Warning(warning));
        }

        using var owner = await OwnAsync(operation!.Value, cancellation);
        var isFirst = store.Sagas.Find(operation.Value) is null;
        if (isFirst)
        {
            store.Sagas.Create(new SagaRecord(operation.Value, ImportSaga.Definition.Kind, ImportSaga.Definition.Version, plan.Machine.Name, plan.Machine.Origin!.Path,
                JsonSerializer.Serialize(plan, CoreJson.Default.ImportPlan), time.GetUtcNow()), reserveName: true);
        }

        Task<StagedPass> PassAsync() => StagedImport.PassAsync(plan, operation.Value, provider, isLast: false, time, notices, cancellation);
        return isFirst ? await BesideReviewAsync(plan, notices, PassAsync, cancellation) : await PassAsync();
    }

    /// <summary>Completes a staged import: a last pass, in which nothing may change, and then the machine.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be completed again.</param>
    /// <exception cref="IaaSException">It is no staged import, or its source still changes; what the passes have brought stays.</exception>
    public async Task<VirtualMachine> CompleteAsync(Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owner = await OwnAsync(operation, cancellation);
        var plan = LoadStaged(operation);
        var log = _runner.Replay(ImportSaga.Definition, operation);
        if (log.Position <= 1)
        {
            var pass = await StagedImport.PassAsync(plan, operation, provider, isLast: true, time, notices, cancellation);
            notices.Report(Notice.Verbose($"The last pass brought {pass.BlocksChanged} changed blocks, {ByteSize.Format(pass.BytesWritten)}, in {pass.Elapsed.TotalSeconds:0.0} s."));
        }

        return await RunAsync(plan, operation, resume: true, notices, cancellation);
    }

    /// <summary>
    /// Makes the machine of a staged import whose source is lost: as the last whole pass has left it, with a report that says what is lost. Where the place itself
    /// knows of staged imports, one that another computer has staged too.
    /// </summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be done again.</param>
    /// <exception cref="IaaSException">There is none of that name, or no pass of it is whole.</exception>
    public async Task<VirtualMachine> CompleteLostAsync(string name, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var adopter = provider as IStageAdopter;
        var operation = adopter is not null && store.Sagas.FindReserving(name) is not { } ? (Guid?)null : FindStaged(name);
        using var owner = operation is { } own ? await OwnAsync(own, cancellation) : null;
        var plan = operation is { } known ? LoadStaged(known) : null;
        var moment = plan is null ? await adopter!.FindStagedAsync(name, cancellation) : await WholePassAsync(plan, operation!.Value, notices, cancellation);
        var recorder = new FailoverRecorder(plan?.Machine ?? new VirtualMachine { Name = name }, FailoverKind.Unplanned, "command", time);
        recorder.Begin("complete");
        var machine = plan is null ? await adopter!.AdoptStagedAsync(name, notices, cancellation) : await RunAsync(plan, operation!.Value, resume: true, notices, cancellation);
        var report = recorder.Report;
        (report.VmId, report.SourceHost, report.TargetHost) = (machine.Id, machine.Origin?.Path, provider.DescribePlace().Location);
        report.Rpo = time.GetUtcNow() - moment;
        report.RecoveryPoint = moment?.ToString("O", System.Globalization.CultureInfo.InvariantCulture) ?? "the last whole pass";
        report.RpoStatement = moment is { } then
            ? $"It is as its source was at {then.ToLocalTime():g}, when the last whole pass began; what was written in the {(time.GetUtcNow() - then).TotalMinutes:0} minutes since is lost with the source."
            : "It is as its source was when the last whole pass began; when that was, is not known here.";
        store.Reports.Save(recorder.End(null));
        notices.Report(Notice.Warning($"{name}: {report.RpoStatement} Start-IaaSVm starts it."));
        return machine;
    }

    private async Task<DateTimeOffset?> WholePassAsync(ImportPlan plan, Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var stage = (IPassStage)provider.OpenStage(operation, notices);
        if (_runner.Replay(ImportSaga.Definition, operation).Position > 1 || plan.Machine.Disks.All(d => stage.FinishedDigests(d) is not null))
            return await stage.FindLastPassAsync(cancellation);
        throw new IaaSException(ErrorKind.InvalidState, "PassNotWhole", $"The last pass of the staged import of '{plan.Machine.Name}' was cut off, so its disks are of no one moment.",
            "Where the source still is, Import-IaaSVm -Stage finishes the pass; otherwise Undo-IaaSOperation gives the import up.", plan.Machine.Name);
    }

    /// <summary>Finds the staged import of a machine.</summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <exception cref="IaaSException">There is none of that name.</exception>
    public Guid FindStaged(string name) => store.Sagas.FindReserving(name) is { } record && IsStaged(record) ? record.Id
        : throw new IaaSException(ErrorKind.NotFound, "StagedImportNotFound", $"There is no staged import called '{name}'.",
            "Get-IaaSOperation shows those there are; Import-IaaSVm -Stage begins one.", name);

    /// <summary>Whether an operation is an import in passes.</summary>
    /// <param name="record">The operation.</param>
    internal static bool IsStaged(SagaRecord record) => record.Kind == ImportSaga.Definition.Kind
        && JsonSerializer.Deserialize(record.Parameters, CoreJson.Default.ImportPlan) is { IsStaged: true };

    private ImportPlan LoadStaged(Guid operation)
    {
        var plan = Load(operation);
        return plan.IsStaged ? plan : throw new IaaSException(ErrorKind.InvalidState, "NotStaged", $"The import of '{plan.Machine.Name}' is none in passes; it was cut off.",
            $"Resume-IaaSOperation {operation} finishes it.", operation);
    }

    /// <summary>Goes on with an import that was cut off.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be resumed again.</param>
    /// <exception cref="IaaSException">It has ended, somebody works on it, or its source has changed.</exception>
    public async Task<VirtualMachine> ResumeAsync(Guid operation, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (Load(operation).IsStaged)
            return await CompleteAsync(operation, notices, cancellation);
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
        var plan = Load(operation);
        var work = new ImportWork(plan, operation, provider, store.Machines, notices, Resume: false);
        if (plan.IsStaged)
            await provider.OpenStage(operation, notices).DiscardAsync();   // passes are made before the saga's first step
        await _runner.UndoAsync(ImportSaga.Definition, operation, work, new StepNames(notices));
    }

    private async Task<VirtualMachine> RunAsync(ImportPlan plan, Guid operation, bool resume, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var work = new ImportWork(plan, operation, provider, store.Machines, notices, resume);
        await _runner.RunAsync(ImportSaga.Definition, operation, work, new StepNames(notices), cancellation);
        if (plan.IsLinked)
        {
            ((ILinkProvider)provider).EnsureLink(plan.Machine.Id, notices);
            notices.Report(Notice.Warning($"{plan.Machine.Name} runs on {string.Join(", ", plan.Sources.Select(s => s.Path))} until that has been copied: leave it where it is, as it is. Wait-IaaSVm -For Flattened waits for that."));
        }

        return await provider.FindAsync(plan.Machine.Id, CancellationToken.None) ?? plan.Machine;
    }

    /// <summary>The open import of the same file under the same name; an open import of another file keeps its name to itself.</summary>
    private SagaRecord? FindSame(ImportRequest request)
    {
        var path = SourcePath.Full(request.Path);
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
            throw new IaaSException(ErrorKind.InvalidState, HasEnded, $"The import of '{record.VmName}' has ended already.",
                "Nothing is left to do; Get-IaaSVm shows the machines there are.", operation);
        }

        return JsonSerializer.Deserialize(record.Parameters, CoreJson.Default.ImportPlan)!;
    }

    /// <summary>Whoever looks at an operation holds its lock for a moment.</summary>
    private async Task<IDisposable> OwnAsync(Guid operation, CancellationToken cancellation) =>
        await store.Locks.AcquireAsync(SagaRunner.LockName(operation), OwnWithin, cancellation) ?? throw BeingWorkedOn(operation);

    private IaaSException BeingWorkedOn(Guid operation) => new(ErrorKind.Busy, "OperationIsRunning",
        $"Operation {operation} is being worked on by {store.Locks.DescribeHolder(SagaRunner.LockName(operation)) ?? "another process"} at this moment.",
        "Wait for that to end; Get-IaaSOperation shows it.", operation);

    private sealed class StepNames(IProgress<Notice> notices) : IProgress<string>
    {
        public void Report(string value) => notices.Report(Notice.Step(value));
    }
}
