using System.Management.Automation;
using AzureIaaS.Providers;

namespace AzureIaaS.PowerShell;

/// <summary>A cmdlet's work that goes on while the shell does something else (-AsJob).</summary>
public sealed class IaaSJob : Job, IOutput
{
    private readonly CancellationTokenSource _stop = new();
    private readonly string _activity;
    private SemaphoreSlim? _slots;
    private int _failures;

    internal IaaSJob(string command, string activity)
        : base(command, activity)
    {
        _activity = activity;
        PSJobTypeName = nameof(IaaSJob);
        SetJobState(JobState.Running);
    }

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count + Error.Count + Warning.Count + Verbose.Count + Progress.Count > 0;

    /// <inheritdoc/>
    public override string Location => Environment.MachineName;

    /// <inheritdoc/>
    public override string StatusMessage => JobStateInfo.State.ToString();

    internal CancellationToken Cancellation => _stop.Token;

    /// <inheritdoc/>
    public override void StopJob()
    {
        SetJobState(JobState.Stopping);
        _stop.Cancel();
    }

    void IOutput.Write(object value) => Output.Add(PSObject.AsPSObject(value));

    void IOutput.Error(ErrorRecord error)
    {
        Interlocked.Increment(ref _failures);
        Error.Add(error);
    }

    void IProgress<Notice>.Report(Notice value)
    {
        switch (value.Kind)
        {
            case NoticeKind.Warning:
                Warning.Add(new WarningRecord(value.Text));
                break;
            case NoticeKind.Verbose:
                Verbose.Add(new VerboseRecord(value.Text));
                break;
            default:
                Progress.Add(IaaSCmdlet.ProgressOf(_activity, value));
                break;
        }
    }

    /// <summary>Runs a piece of work when fewer than so many run.</summary>
    internal async Task Limit(int parallelism, Func<Task> work)
    {
        _slots ??= new SemaphoreSlim(parallelism);
        await _slots.WaitAsync(CancellationToken.None);
        try
        {
            await Task.Run(work);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Ends the job when its work has ended.</summary>
    internal void Run(IReadOnlyList<Task> work, IDisposable owned) => _ = Task.WhenAll(work).ContinueWith(
        _ =>
        {
            owned.Dispose();
            SetJobState(_stop.IsCancellationRequested ? JobState.Stopped : _failures > 0 ? JobState.Failed : JobState.Completed);
        },
        TaskScheduler.Default);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
            _slots?.Dispose();
        }

        base.Dispose(disposing);
    }
}
