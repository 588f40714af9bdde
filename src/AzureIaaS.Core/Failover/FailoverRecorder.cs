using System.Runtime.InteropServices;
using AzureIaaS.Providers;

namespace AzureIaaS.Failover;

/// <summary>Writes a failover's report while it happens: each step with its time, each check with its result.</summary>
public sealed class FailoverRecorder : IProgress<string>
{
    private readonly TimeProvider _time;
    private readonly long _started;
    private FailoverStep? _step;
    private long _stepStarted;

    /// <summary>Begins a report.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="trigger">What set it off.</param>
    /// <param name="time">The clock.</param>
    /// <param name="started">When it began, if that was before now.</param>
    public FailoverRecorder(VirtualMachine machine, FailoverKind kind, string trigger, TimeProvider time, DateTimeOffset? started = null)
    {
        var now = time.GetUtcNow();
        var ago = started is { } s && s < now ? now - s : TimeSpan.Zero;
        _time = time;
        _started = time.GetTimestamp() - (long)(ago.TotalSeconds * time.TimestampFrequency);
        Report = new FailoverReport
        {
            Id = Guid.NewGuid(),
            VmId = machine.Id,
            VmName = machine.Name,
            Kind = kind,
            Trigger = trigger,
            InitiatedBy = $"{Environment.UserName}@{Environment.MachineName}",
            Started = now - ago,
            SourceHost = machine.Host,
            Outcome = FailoverOutcome.NotRun,
            Versions = new Dictionary<string, string>
            {
                ["AzureIaaS"] = typeof(FailoverRecorder).Assembly.GetName().Version?.ToString(3) ?? "",
                ["OS"] = RuntimeInformation.OSDescription,
            },
        };
    }

    /// <summary>The report so far.</summary>
    public FailoverReport Report { get; }

    /// <summary>How long ago the failover began.</summary>
    public TimeSpan Elapsed => _time.GetElapsedTime(_started);

    /// <summary>Begins a step; the one before has succeeded.</summary>
    /// <param name="name">The step's name.</param>
    public void Begin(string name)
    {
        Finish(FailoverOutcome.Succeeded, null);
        _step = new FailoverStep { Name = name, Started = _time.GetUtcNow() };
        _stepStarted = _time.GetTimestamp();
        Report.Steps.Add(_step);
    }

    /// <summary>Says something about the step under way.</summary>
    /// <param name="detail">What there is to say.</param>
    public void Detail(string detail)
    {
        if (_step is not null)
            _step.Detail = detail;
    }

    /// <summary>Goes on with a report whose recorder died.</summary>
    /// <param name="report">The report.</param>
    /// <param name="time">The clock.</param>
    public FailoverRecorder(FailoverReport report, TimeProvider time)
    {
        _time = time;
        _started = time.GetTimestamp() - (long)((time.GetUtcNow() - report.Started).TotalSeconds * time.TimestampFrequency);
        Report = report;
    }

    /// <summary>Notes the checks that are to be made.</summary>
    /// <param name="checks">The checks.</param>
    public void Expect(IReadOnlyList<FailoverCheck> checks)
    {
        foreach (var check in checks)
            Report.Checks.Add(new FailoverCheckResult { Name = check.Name, Outcome = FailoverOutcome.NotRun, Recipe = check.Recipe });
    }

    /// <summary>Runs the checks that were noted one after another and records them; after one that fails, the others are not run.</summary>
    /// <param name="checks">The checks, as noted; null for one that cannot be made any more.</param>
    /// <param name="machine">The machine to check.</param>
    /// <param name="provider">Where it lives.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Whether all succeeded.</returns>
    public async Task<bool> CheckAsync(IReadOnlyList<FailoverCheck?> checks, VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
    {
        Begin("check");
        var good = true;
        foreach (var (check, result) in checks.Zip(Report.Checks))
        {
            if (!good || check is null)
                continue;
            try
            {
                (good, result.Detail) = await check.RunAsync(machine, provider, cancellation);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                (good, result.Detail) = (false, e.Message);
            }

            result.After = Elapsed;
            result.Outcome = good ? FailoverOutcome.Succeeded : FailoverOutcome.Failed;
        }

        if (good)
            Report.Rto = Elapsed;
        Finish(good ? FailoverOutcome.Succeeded : FailoverOutcome.Failed, null);
        return good;
    }

    /// <summary>Ends the report.</summary>
    /// <param name="error">Why it failed; null when it did not.</param>
    public FailoverReport End(string? error)
    {
        Finish(error is null ? FailoverOutcome.Succeeded : FailoverOutcome.Failed, error);
        Report.Ended = _time.GetUtcNow();
        var failed = Report.Checks.FirstOrDefault(c => c.Outcome == FailoverOutcome.Failed);
        Report.Error = error ?? (failed is null ? null : $"The check {failed.Name} failed: {failed.Detail}");
        Report.Outcome = Report.Error is null ? FailoverOutcome.Succeeded : FailoverOutcome.Failed;
        return Report;
    }

    void IProgress<string>.Report(string value) => Begin(value);

    private void Finish(FailoverOutcome outcome, string? detail)
    {
        if (_step is null)
            return;
        _step.Duration = _time.GetElapsedTime(_stepStarted);
        _step.Outcome = outcome;
        _step.Detail ??= detail;
        _step = null;
    }
}
