using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>Takes machines to other hosts.</summary>
internal sealed class MachineMover(LocalServices services)
{
    /// <summary>How long a live migration may take.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);

    /// <summary>Takes a running machine to another host, live.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="to">The host; null to let placement choose.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="recorder">Receives the steps with their times; null when nobody wants them.</param>
    /// <param name="cancellation">Stops it; the machine goes on where it was.</param>
    public async Task<VirtualMachine> MoveAsync(
        Guid id, string? to, TimeSpan limit, IProgress<Notice> notices, FailoverRecorder? recorder, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        MachineRunner.MustDo(owned.Machine, MachineRequest.Migrate, notices);
        CheckTarget(owned.Machine, to);
        notices.Report(Notice.Step($"Moving {owned.Machine.Name}"));
        var work = new MachineWork<MovePlan>(owned, new MovePlan(owned.Machine.Host, to, owned.Notes.Slot, limit.TotalSeconds), services, notices);
        await MoveSaga.Definition.RunAsync(work, recorder, cancellation);
        if (recorder is not null)
        {
            recorder.Report.TargetHost = owned.Machine.Host;
            recorder.Report.Downtime = owned.LastMigration?.Downtime;
        }

        if (to is not null)
        {
            owned.Machine.PreferredHost = owned.Machine.Host;
            owned.Write(owned.Notes);
        }

        return owned.Machine;
    }

    /// <summary>Moves the place that a stopped machine keeps.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="to">The host; null to let placement choose.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    public async Task<VirtualMachine> MovePlaceAsync(Guid id, string? to, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        CheckTarget(owned.Machine, to);
        if (owned.Machine.State is MachineState.Deallocated or MachineState.Failed or MachineState.Suspended)
            throw MachineRunner.Denied(owned.Machine, MachineLifecycle.Decide(owned.Machine.State, MachineRequest.Migrate));   // it keeps no place
        var need = PlacementNeed.Of(owned.Machine) with { Avoid = to is null ? owned.Machine.Host : null, Only = to };
        await services.Places.ClaimAsync(owned, need, () => owned.Write(owned.Notes), cancellation);
        return owned.Machine;
    }

    private void CheckTarget(VirtualMachine machine, string? to)
    {
        if (to is null)
            return;
        if (services.Store.Hosts.Find(to) is not { } host)
            throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host '{to}'.", "Get-IaaSHost shows those there are.", to);
        if (string.Equals(machine.Host, host.Name, StringComparison.OrdinalIgnoreCase))
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmIsThereAlready", $"{machine.Name} is on {host.Name} already.",
                "Name another host, or none to let placement choose.", machine.Name);
        }
    }
}
