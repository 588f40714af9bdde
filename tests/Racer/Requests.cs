using AzureIaaS.Failover;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors.Simulated;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Racer;

/// <summary>Everything that can be asked of a machine, at random.</summary>
internal sealed class Requests(IaaSSession session, Guid machine, Random random) : IProgress<Notice>
{
    private static readonly ErrorKind[] Refusals =
        [ErrorKind.InvalidState, ErrorKind.Busy, ErrorKind.NotFound, ErrorKind.AlreadyExists, ErrorKind.NoCapacity, ErrorKind.Timeout, ErrorKind.Failed];

    private readonly Dictionary<string, (int Done, int Refused)> _counts = [];

    private IVmProvider Provider => session.Provider;

    /// <summary>Makes one request.</summary>
    /// <returns>What must not happen and did; null otherwise.</returns>
    public async Task<string?> MakeAsync()
    {
        var (name, make) = Choose();
        var counts = _counts.GetValueOrDefault(name);
        try
        {
            await make();
            _counts[name] = (counts.Done + 1, counts.Refused);
            return null;
        }
        catch (IaaSException e) when (Refusals.Contains(e.Kind) && !RanTwice(e))
        {
            _counts[name] = (counts.Done, counts.Refused + 1);
            return null;
        }
        catch (Exception e)
        {
            return $"{name}: {e}";
        }
    }

    public void Report(Notice value)
    {
        // What is said on the way is not looked at.
    }

    public override string ToString() => string.Join(", ", _counts.OrderBy(c => c.Key).Select(c => $"{c.Key} {c.Value.Done}/{c.Value.Done + c.Value.Refused}"));

    /// <summary>The hypervisor's own lock has refused a second process: it was the last line, and should never be met.</summary>
    private static bool RanTwice(Exception e) =>
        e is IaaSException { ErrorId: "SimulatedLockRefused" } || e.Message.Contains("\"write\" lock", StringComparison.Ordinal) || e.InnerException is { } inner && RanTwice(inner);

    private (string Name, Func<Task> Make) Choose() => random.Next(20) switch
    {
        < 5 => ("start", () => Provider.StartAsync(machine, new StartOptions(), this, CancellationToken.None)),
        < 7 => ("stop", () => Provider.StopAsync(machine, new StopOptions { Force = true, StayProvisioned = random.Next(2) == 0 }, this, CancellationToken.None)),
        < 10 => ("kill", KillAsync),
        < 12 => ("fail over", () => FailOverAsync(FailoverKind.Unplanned)),
        < 14 => ("move", () => FailOverAsync(FailoverKind.Planned)),
        14 => ("rehearse", () => FailOverAsync(FailoverKind.Test)),
        15 => ("suspend", () => ((ISuspendProvider)Provider).SuspendAsync(machine, this, CancellationToken.None)),
        16 => ("resume", () => Provider.ResumeAsync(machine, this, CancellationToken.None)),
        17 => ("checkpoint", () => ((ICheckpointProvider)Provider).CreateCheckpointAsync(machine, $"c{random.Next(3)}", random.Next(2) == 0, this, CancellationToken.None)),
        18 => ("forget", ForgetAsync),
        _ => ("look", () => Provider.ListAsync(CancellationToken.None)),
    };

    private async Task FailOverAsync(FailoverKind kind)
    {
        var options = new FailoverOptions { Kind = kind, Checks = [new ProcessCheck()] };
        var report = await ((IFailoverProvider)Provider).FailOverAsync(machine, options, this, CancellationToken.None);
        if (report.Error is { } error && (error.Contains("\"write\" lock", StringComparison.Ordinal) || error.Contains("simulated process runs already", StringComparison.Ordinal)))
            throw new InvalidOperationException(error);
        if (report.Outcome != FailoverOutcome.Succeeded)
            throw new IaaSException(ErrorKind.Failed, "FailoverFailed", report.Error ?? "It failed.", "");
    }

    private async Task ForgetAsync()
    {
        var found = await Provider.FindAsync(machine, CancellationToken.None);
        if (found!.Checkpoints.Where(c => !c.IsTemporary).OrderBy(_ => random.Next()).FirstOrDefault() is { } checkpoint)
            await ((ICheckpointProvider)Provider).RemoveCheckpointAsync(machine, checkpoint.Id, this, CancellationToken.None);
    }

    /// <summary>Its process dies at whatever moment this is.</summary>
    private async Task KillAsync()
    {
        var notes = MachineNotes.Of(session.Store.Machines.Find(machine)!);
        var simulated = SimulatedHypervisor.StateFile(new FabricLayout(session.Context.Path).Machine(machine, notes.Slot));
        if (File.Exists(simulated))
            File.Delete(simulated);
        else if (notes.Process is { } process)
            await ProcessTable.KillAsync(process, TimeSpan.FromSeconds(10));
    }
}
