using System.Globalization;
using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>
/// Brings machines back: on their host once, then elsewhere, then not any more, with a sentence. A machine whose host is lost goes elsewhere at
/// once. Attempts count from when it last ran well; a machine that nobody has room for waits, and that does not count.
/// </summary>
internal sealed class Healer(LocalServices services)
{
    /// <summary>The first attempt is on its host, the second elsewhere.</summary>
    private const int MostAttempts = 2;

    /// <summary>A machine that has run so long ran well.</summary>
    public static readonly TimeSpan RanWell = TimeSpan.FromMinutes(1);

    /// <summary>Brings a machine back, if it has to be.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="notices">Receives what is done.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Whether it waits for room, and is to be asked for again after a while.</returns>
    public async Task<bool> HealAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (owned.Machine.State != MachineState.Healing || owned.Fact.Process is not null)
            return false;   // somebody was faster, or it was stopped by hand in the same second
        var heal = owned.Notes.Heal ?? new HealNote(owned.Machine.StateReason ?? "It ended unexpectedly.", services.Time.GetUtcNow(), owned.Machine.Host, HostLost: false);
        var recorder = new FailoverRecorder(owned.Machine, FailoverKind.Unplanned, heal.Reason, services.Time, heal.Since);
        recorder.Report.SourceHost = heal.Host;
        recorder.Begin("detect");
        recorder.Report.Steps[^1].Started = heal.Since;
        while (owned.Notes.HealAttempts < MostAttempts)
        {
            var attempt = owned.Notes.HealAttempts + 1;
            try
            {
                recorder.Begin(string.Create(CultureInfo.InvariantCulture, $"start (attempt {attempt})"));
                await StartAsync(owned, heal, attempt, notices, cancellation);
                Report(owned, recorder, heal);
                notices.Report(Notice.Verbose($"{owned.Machine.Name} runs again on {owned.Machine.Host}, {recorder.Elapsed.TotalSeconds:0.0} s after: {heal.Reason}"));
                return false;
            }
            catch (IaaSException e) when (e.Kind is ErrorKind.NoCapacity or ErrorKind.Busy)
            {
                Wait(owned, heal, e.Message);
                return true;
            }
            catch (IaaSException e)
            {
                recorder.Detail(e.Message);
                notices.Report(Notice.Verbose($"{owned.Machine.Name}: attempt {attempt} to bring it back failed: {e.Message}"));
                owned.Change(MachineState.Healing, heal.Reason, owned.Notes with { Process = null, Heal = heal, HealAttempts = attempt });
            }
        }

        GiveUp(owned, recorder, heal);
        return false;
    }

    private async Task StartAsync(OwnedMachine owned, HealNote heal, int attempt, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var need = PlacementNeed.Of(owned.Machine);
        var home = heal.Host is { } host && services.Store.Hosts.Find(host)?.State == HostState.Up ? host : null;
        if (!heal.HostLost && attempt == 1 && home is not null)
            need = need with { Only = home };
        else if (services.Places.Choose(need with { Avoid = heal.Host }).Host is not null)
            need = need with { Avoid = heal.Host };   // elsewhere; at home again only where there is no elsewhere, and home is up again
        await services.Runner.StartAsync(owned, need, attempt, notices, cancellation);
    }

    private void Report(OwnedMachine owned, FailoverRecorder recorder, HealNote heal)
    {
        recorder.Report.TargetHost = owned.Machine.Host;
        recorder.Report.RecoveryPoint = "disk at the moment of the loss";
        recorder.Report.Rpo = TimeSpan.Zero;
        recorder.Report.RpoStatement = "It goes on with its own disk: what the guest had flushed is there, and nothing else was lost than what was in its memory.";
        recorder.Report.Checks.Add(new FailoverCheckResult { Name = "Process", Outcome = FailoverOutcome.Succeeded, After = recorder.Elapsed, Detail = $"process {owned.Notes.Process?.Id}" });
        recorder.Report.Rto = recorder.Elapsed;
        Save(recorder, null);
        owned.Write(owned.Notes with { Check = new HealCheck(recorder.Report.Id, heal.GaveSign) });
    }

    private static void Wait(OwnedMachine owned, HealNote heal, string why)
    {
        var reason = $"{heal.Reason} It waits to be brought back: {why}";
        if (owned.Machine.StateReason == reason && owned.Machine.State == MachineState.Healing && owned.Machine.Host is null)
            return;
        owned.Machine.Host = null;
        owned.Change(MachineState.Healing, reason, owned.Notes with { Process = null, Heal = heal });
    }

    private void GiveUp(OwnedMachine owned, FailoverRecorder recorder, HealNote heal)
    {
        var reason = $"{heal.Reason} It was brought back {MostAttempts} times, on its host and elsewhere, and did not stay up. See its console and qemu.log; Start-IaaSVm tries again.";
        owned.Change(MachineState.Failed, reason, owned.Notes with { Process = null, Heal = null });
        Save(recorder, reason);
    }

    private void Save(FailoverRecorder recorder, string? error)
    {
        foreach (var (name, version) in services.Hypervisor.Versions)
            recorder.Report.Versions[name] = version;
        services.Store.Reports.Save(recorder.End(error));
    }
}
