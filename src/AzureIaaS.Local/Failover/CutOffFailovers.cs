using AzureIaaS.Failover;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>
/// Ends the reports of failovers whose command died. What the command had begun is finished or undone by whoever owns the machine next; here it is
/// said how that came out, and those checks are made that another process can make.
/// </summary>
internal sealed class CutOffFailovers(LocalServices services, IVmProvider provider)
{
    /// <summary>The lock that whoever works on a failover holds.</summary>
    /// <param name="report">The report's id.</param>
    public static string LockName(Guid report) => $"failover-{report:N}";

    /// <summary>Ends those that can be ended now.</summary>
    /// <param name="notices">Receives what is done.</param>
    /// <param name="cancellation">Stops it; what is not ended is found again.</param>
    public async Task ReportAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        try
        {
            foreach (var open in services.Store.Reports.ListOpen())
            {
                using var owner = services.Store.Locks.TryAcquire(LockName(open.Id));
                if (owner is null || services.Store.Reports.Find(open.Id) is not { Outcome: FailoverOutcome.NotRun } report)
                    continue;
                if (await EndAsync(report, cancellation))
                    notices.Report(Notice.Verbose($"{report}, which was cut off, has {report.Outcome}. {report.Error}".TrimEnd()));
            }
        }
        catch (Exception e) when (e is IaaSException or OperationCanceledException)
        {
            notices.Report(Notice.Verbose($"The reports of failovers that were cut off are ended later: {e.Message}"));
        }
    }

    /// <returns>Whether it has ended; a machine that is on its way somewhere is asked again later.</returns>
    private async Task<bool> EndAsync(FailoverReport report, CancellationToken cancellation)
    {
        var recorder = new FailoverRecorder(report, services.Time);
        var machine = await provider.FindAsync(report.VmId, cancellation);
        string? error = null;
        if (report.Kind == FailoverKind.Test)
        {
            error = "It was cut off before its end. Its clone is discarded, and the machine was not disturbed.";
        }
        else if (machine is null)
        {
            error = "It was cut off, and the machine has been removed.";
        }
        else if (machine.State is MachineState.Healing or MachineState.Moving or MachineState.Starting or MachineState.Unknown)
        {
            return false;
        }
        else if (machine.State != MachineState.Running)
        {
            error = $"It was cut off, and the machine is {machine.State}. {machine.StateReason}".TrimEnd();
        }
        else
        {
            report.TargetHost = machine.Host;
            if (machine.Host == report.SourceHost)
                error = $"It was cut off, and undone: the machine runs on {machine.Host}, as before.";
            else
                await recorder.CheckAsync([.. report.Checks.Select(c => c.Recipe is { } recipe ? FailoverCheck.FromRecipe(recipe) : null)], machine, provider, cancellation);
        }

        foreach (var check in report.Checks.Where(c => c.Outcome == FailoverOutcome.NotRun))
            check.Detail = "The command that could make this check was cut off.";
        if (error is null && report.Checks.All(c => c.Outcome == FailoverOutcome.NotRun))
            (error, report.Rto) = ("It was cut off after the machine had come to its new host, and none of its checks could be made.", null);
        services.Store.Reports.Save(recorder.End(error));
        return true;
    }
}
