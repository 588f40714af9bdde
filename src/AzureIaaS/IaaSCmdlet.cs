using System.Collections.Concurrent;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell;

/// <summary>
/// What every cmdlet has: a context, cancellation, and work that runs on other threads while this one, the only one that may write to the
/// pipeline, writes what they post. One machine's failure is an error record; the next machine has its turn.
/// </summary>
public abstract class IaaSCmdlet : PSCmdlet, IDisposable
{
    private const int ProgressActivity = 0x1AA5;

    private readonly CancellationTokenSource _stop = new();
    private readonly BlockingCollection<Action> _queue = [];
    private readonly Dictionary<string, IaaSSession> _sessions = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Task> _running = [];
    private SessionOwner? _jobSessions;
    private IaaSJob? _job;
    private PipelineOutput? _output;

    /// <summary>The context to work in, instead of the current one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public virtual string? Context { get; set; }

    /// <summary>Cancelled when the pipeline is stopped.</summary>
    private protected CancellationToken Cancellation => _job?.Cancellation ?? _stop.Token;

    /// <summary>Where results go.</summary>
    private protected IOutput Output => _job is { } job ? job : _output ??= new PipelineOutput(this);

    /// <summary>How many pieces of work run at once.</summary>
    private protected virtual int Parallelism => 1;

    /// <summary>Whether the work goes on in a job.</summary>
    private protected virtual bool InJob => false;

    /// <inheritdoc/>
    protected override void StopProcessing() => _stop.Cancel();

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (!InJob)
            return;
        _job = new IaaSJob(MyInvocation.Line, MyInvocation.MyCommand.Name);
        _jobSessions = new SessionOwner(_sessions);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_job is { } job)
        {
            job.Run(_running, _jobSessions!);
            JobRepository.Add(job);
            WriteObject(job);
            return;
        }

        while (_running.Count > 0)
            DrainUntil(Task.WhenAny(_running));
        Drain();
        if (_output is { HasProgress: true })
            WriteProgress(new ProgressRecord(ProgressActivity, MyInvocation.MyCommand.Name, "done") { RecordType = ProgressRecordType.Completed });
    }

    /// <summary>
    /// The session of a context; opened when first asked for, closed with the cmdlet or its job. On the pipeline's thread, for the current
    /// context is the runspace's.
    /// </summary>
    /// <param name="name">The context's name; null for the one that was given, or the current one.</param>
    private protected IaaSSession Session(string? name = null) => SessionOf(CurrentContext.Find(Context ?? name));

    /// <summary>The session of a context that has been found already.</summary>
    /// <param name="context">The context.</param>
    private protected IaaSSession SessionOf(IaaSContext context)
    {
        lock (_sessions)
        {
            if (!_sessions.TryGetValue(context.Name, out var session))
                _sessions[context.Name] = session = CurrentContext.Open(context);
            return session;
        }
    }

    /// <summary>Does something whose failure is an error record, not the end of the command. On the pipeline's thread.</summary>
    /// <param name="target">What it is about.</param>
    /// <param name="work">The work.</param>
    private protected void Try(object? target, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (IsReportable(e))
        {
            WriteError(ErrorRecords.For(e, target));
        }
    }

    /// <summary>Runs work on another thread and waits for it, writing meanwhile what it posts.</summary>
    /// <param name="work">The work.</param>
    private protected T Await<T>(Func<CancellationToken, Task<T>> work)
    {
        var task = Task.Run(() => work(_stop.Token));
        DrainUntil(task);
        Drain();
        if (_stop.IsCancellationRequested)
            throw new PipelineStoppedException();
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Begins a piece of work; no more of them run at once than allowed. Its failure is an error record.</summary>
    /// <param name="target">What it is about.</param>
    /// <param name="work">The work.</param>
    private protected void Begin(object target, Func<CancellationToken, Task> work)
    {
        if (_job is { } job)
        {
            _running.Add(job.Limit(Parallelism, () => ReportAsync(target, work)));
            return;
        }

        while (_running.Count >= Parallelism)
            DrainUntil(Task.WhenAny(_running));
        _running.Add(Task.Run(() => ReportAsync(target, work)));
        Drain();
        if (Parallelism == 1)
            DrainUntil(_running[0]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the cmdlet has opened.</summary>
    /// <param name="disposing">Whether it is called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _stop.Cancel();
        // Work that was stopped still leaves its machine in order; its session stays open so long.
        Task.WaitAll([.. _running.Where(_ => _job is null)], TimeSpan.FromSeconds(30));
        if (_job is null)
            new SessionOwner(_sessions).Dispose();
        _queue.Dispose();
        _stop.Dispose();
    }

    private static bool IsReportable(Exception e) => e is not (PipelineStoppedException or FlowControlException);

    private async Task ReportAsync(object target, Func<CancellationToken, Task> work)
    {
        try
        {
            await work(Cancellation);
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            // Stopped by the user, who knows.
        }
        catch (Exception e)
        {
            Output.Error(ErrorRecords.For(e, target));
        }
    }

    private void DrainUntil(Task task)
    {
        // Its end wakes this thread as a posted action does: waiting by turns cost a watcher at rest three per cent of a core.
        _ = task.ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (!task.IsCompleted)
            Run(Next());
        _running.RemoveAll(t => t.IsCompleted);
    }

    private Action Next()
    {
        try
        {
            return _queue.Take(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    private void Wake()
    {
        try
        {
            _queue.Add(static () => { });
        }
        catch (ObjectDisposedException)
        {
            // The command was stopped and did not wait for the task's end.
        }
    }

    private void Drain()
    {
        while (_queue.TryTake(out var action))
            Run(action);
    }

    private static void Run(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is PipelineStoppedException or FlowControlException)
        {
            ExceptionDispatchInfo.Throw(e);
        }
    }

    /// <summary>Posts to the pipeline's thread.</summary>
    private sealed class PipelineOutput(IaaSCmdlet cmdlet) : IOutput
    {
        public bool HasProgress { get; private set; }

        public void Write(object value) => Post(() => cmdlet.WriteObject(value));

        public void Error(ErrorRecord error) => Post(() => cmdlet.WriteError(error));

        public void Report(Notice value) => Post(() =>
        {
            switch (value.Kind)
            {
                case NoticeKind.Warning:
                    cmdlet.WriteWarning(value.Text);
                    break;
                case NoticeKind.Verbose:
                    cmdlet.WriteVerbose(value.Text);
                    break;
                default:
                    HasProgress = true;
                    cmdlet.WriteProgress(ProgressOf(cmdlet.MyInvocation.MyCommand.Name, value));
                    break;
            }
        });

        private void Post(Action action)
        {
            if (!cmdlet._stop.IsCancellationRequested)
                cmdlet._queue.Add(action);
        }
    }

    /// <summary>A step as a progress record.</summary>
    /// <param name="activity">The command.</param>
    /// <param name="step">The step.</param>
    internal static ProgressRecord ProgressOf(string activity, Notice step) =>
        new(ProgressActivity, activity, step.Text) { PercentComplete = step.Fraction is { } fraction ? (int)(fraction * 100) : -1 };
}

/// <summary>Closes sessions when whoever used them has ended.</summary>
internal sealed class SessionOwner(Dictionary<string, IaaSSession> sessions) : IDisposable
{
    public void Dispose()
    {
        lock (sessions)
        {
            foreach (var session in sessions.Values)
                session.Dispose();
            sessions.Clear();
        }
    }
}
