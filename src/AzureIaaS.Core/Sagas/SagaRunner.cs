namespace AzureIaaS.Sagas;

/// <summary>
/// Runs a saga forward, unwinds it after a failure, and goes on with either where its log ends. Who calls it holds the operation's lock.
/// A cancelled saga stays where it is, and so does one whose trouble is only passing: it can be resumed or undone later.
/// </summary>
public class SagaRunner(ISagaStore store, TimeProvider time)
{
    /// <summary>The lock that whoever works on an operation holds.</summary>
    /// <param name="operation">The operation's id.</param>
    public static string LockName(Guid operation) => $"operation-{operation:N}";

    /// <summary>Brings an operation to its end: done, or undone when a step fails.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="saga">The saga.</param>
    /// <param name="operation">The operation's id; it has been created in the store.</param>
    /// <param name="work">What the steps work on.</param>
    /// <param name="progress">Receives the name of each step as it begins.</param>
    /// <param name="cancellation">Stops it between or within steps.</param>
    /// <exception cref="IaaSException">
    /// A step failed, and all before it has been undone; or an undo failed, or a step from which there is no way back, and the operation stays open.
    /// </exception>
    public async Task RunAsync<T>(Saga<T> saga, Guid operation, T work, IProgress<string>? progress, CancellationToken cancellation)
    {
        var log = Replay(saga, operation);
        Exception? failure = null;
        while (log.Phase == SagaPhase.Forward)
            failure = await StepAsync(saga, operation, work, log, progress, cancellation);
        while (log.Phase == SagaPhase.Unwinding)
            await UndoStepAsync(saga, operation, work, log, progress);
        store.Close(operation);
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Gives an operation up: whatever it has done is undone; where there is no way back, it is finished instead.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="saga">The saga.</param>
    /// <param name="operation">The operation's id.</param>
    /// <param name="work">What the steps work on.</param>
    /// <param name="progress">Receives the name of each step as its undo begins.</param>
    /// <exception cref="IaaSException">An undo failed; the operation stays open and can be undone again.</exception>
    public async Task UndoAsync<T>(Saga<T> saga, Guid operation, T work, IProgress<string>? progress)
    {
        var log = Replay(saga, operation);
        if (log.Phase == SagaPhase.Forward && saga.IsPastUndo?.Invoke(work) == true)
        {
            await RunAsync(saga, operation, work, progress, CancellationToken.None);
            return;
        }

        if (log.Phase == SagaPhase.Forward)
            Write(operation, log, "", SagaEventKind.Abandoned);
        while (log.Phase == SagaPhase.Unwinding)
            await UndoStepAsync(saga, operation, work, log, progress);
        store.Close(operation);
    }

    /// <summary>Replays an operation's log.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="saga">The saga.</param>
    /// <param name="operation">The operation's id.</param>
    /// <exception cref="IaaSException">The operation is not of this saga and version, or its log is damaged.</exception>
    public SagaLog Replay<T>(Saga<T> saga, Guid operation)
    {
        var record = store.Find(operation)
            ?? throw new IaaSException(ErrorKind.NotFound, "OperationNotFound", $"There is no operation {operation}.", "Get-IaaSOperation lists them.", operation);
        if (record.Kind != saga.Kind || record.Version != saga.Version)
        {
            throw new IaaSException(ErrorKind.NotSupported, "OperationOfOtherVersion",
                $"Operation {operation} is '{record.Kind}' version {record.Version}; this program has '{saga.Kind}' version {saga.Version}.",
                "Finish it with the version of AzureIaaS that began it.", operation);
        }

        return new SagaLog([.. saga.Steps.Select(s => s.Name)], store.Events(operation));
    }

    /// <summary>Does a step's work; overridden to see what a saga does when a step fails, half succeeds or is repeated.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="step">The step.</param>
    /// <param name="work">What it works on.</param>
    /// <param name="cancellation">Stops it.</param>
    protected virtual Task DoAsync<T>(SagaStep<T> step, T work, CancellationToken cancellation) => step.Do(work, cancellation);

    /// <summary>Undoes a step that has an undo.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="step">The step.</param>
    /// <param name="work">What it works on.</param>
    protected virtual Task UndoAsync<T>(SagaStep<T> step, T work) => step.Undo!(work, CancellationToken.None);

    private async Task<Exception?> StepAsync<T>(
        Saga<T> saga, Guid operation, T work, SagaLog log, IProgress<string>? progress, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var step = saga.Steps[log.Position];
        Write(operation, log, step.Name, SagaEventKind.Started);
        progress?.Report(step.Name);
        try
        {
            await DoAsync(step, work, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (IaaSException e) when (e.IsPassing)
        {
            throw;
        }
        catch (Exception e) when (saga.IsPastUndo?.Invoke(work) != true)
        {
            // Whatever it was, what came before must be undone; it is thrown again when that is over.
            Write(operation, log, step.Name, SagaEventKind.Failed, e.Message);
            return e;
        }

        Write(operation, log, step.Name, SagaEventKind.Succeeded);
        return null;
    }

    private async Task UndoStepAsync<T>(Saga<T> saga, Guid operation, T work, SagaLog log, IProgress<string>? progress)
    {
        var step = saga.Steps[log.Position];
        Write(operation, log, step.Name, SagaEventKind.UndoStarted);
        try
        {
            if (step.Undo is not null)
            {
                progress?.Report("undo " + step.Name);
                await UndoAsync(step, work);
            }
        }
        catch (Exception e)
        {
            Write(operation, log, step.Name, SagaEventKind.UndoFailed, e.Message);
            throw new IaaSException(ErrorKind.Failed, "UndoFailed",
                $"Undoing step '{step.Name}' of operation {operation} failed: {e.Message}",
                $"Remove the cause, then Undo-IaaSOperation {operation} to end it.", operation, e);
        }

        Write(operation, log, step.Name, SagaEventKind.Undone);
    }

    private void Write(Guid operation, SagaLog log, string step, SagaEventKind kind, string? detail = null)
    {
        var e = new SagaEvent(log.Events.Count, step, kind, time.GetUtcNow(), detail);
        log.Append(e);
        store.Append(operation, e);
    }
}
