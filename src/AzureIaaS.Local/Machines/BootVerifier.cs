using System.Collections.Concurrent;
using AzureIaaS.Failover;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>
/// Looks out for the first sign of life of every machine that has just been started, whether somebody waits for it or not, and completes with it
/// the report of a machine that was brought back: that its process runs is not yet a recovery.
/// </summary>
internal sealed class BootVerifier(LocalServices services, MachineWaiter waiter)
{
    private const int MostAtOnce = 64;

    /// <summary>How long after its start a guest's first sign of life is waited for.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<Guid, Task> _pending = new();

    /// <summary>Begins to look out for those that need it and for which nobody does yet.</summary>
    /// <param name="machines">The machines that run.</param>
    /// <param name="notices">Receives what is seen.</param>
    /// <param name="cancellation">Stops it.</param>
    public void Follow(IEnumerable<StoredMachine> machines, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var machine in machines.Select(m => m.Machine).Where(m => m is { State: MachineState.Running, BootVerified: false, RehearsalOf: null }))
        {
            if (_pending.Count < MostAtOnce && Remaining(machine) > TimeSpan.Zero && !_pending.ContainsKey(machine.Id))
                _pending[machine.Id] = VerifyAsync(machine, notices, cancellation);
        }
    }

    /// <summary>Writes down that a guest lives, or that no sign of it was seen, and completes the report that waits for that.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="services">Where the reports are.</param>
    /// <param name="evidence">What was seen; null when nothing was in time.</param>
    public static void Settle(OwnedMachine owned, LocalServices services, string? evidence)
    {
        var check = owned.Notes.Check;
        owned.Write(owned.Notes with { Check = null });
        if (check is null || services.Store.Reports.Find(check.Report) is not { } report)
            return;
        var result = new FailoverCheckResult { Name = "SignOfLife", After = services.Time.GetUtcNow() - report.Started, Outcome = FailoverOutcome.Succeeded, Detail = evidence };
        report.Checks.Add(result);
        if (evidence is not null)
        {
            report.Rto = result.After;
        }
        else
        {
            result.Outcome = check.Expected ? FailoverOutcome.Failed : FailoverOutcome.NotRun;
            result.Detail = check.Expected
                ? $"Its guest gave a sign of life before, and none within {Limit.TotalMinutes:0} minutes after."
                : "Its guest has never given a sign of life that could be seen, so that there was nothing to wait for.";
            if (check.Expected)
                (report.Outcome, report.Error, report.Rto) = (FailoverOutcome.Failed, $"The check SignOfLife failed: {result.Detail}", null);
        }

        services.Store.Reports.Save(report);
    }

    private TimeSpan Remaining(VirtualMachine machine) => (machine.Started ?? DateTimeOffset.MinValue) - services.Time.GetUtcNow() + Limit;

    private async Task VerifyAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await Task.Yield();
        try
        {
            var options = new WaitOptions { For = WaitFor.SignOfLife, Timeout = Remaining(machine) };
            var result = await waiter.WaitAsync(machine.Id, options, SilentNotices.Instance, cancellation);
            if (result.Seen)
                return;
            using var owned = await services.Keeper.OwnAsync(machine.Id, cancellation);
            if (owned.Machine is { State: MachineState.Running, BootVerified: false } && owned.Machine.Started == machine.Started)
                Settle(owned, services, null);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Verbose($"{machine.Name}: its first sign of life could not be waited for: {e.Message}"));
        }
        catch (OperationCanceledException)
        {
            // Whoever watches next goes on.
        }
        finally
        {
            _pending.TryRemove(machine.Id, out _);
        }
    }
}
