using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>Failovers of one machine, each with its report. What could not even begin is thrown; what fails later is in the report.</summary>
internal sealed class FailoverService(LocalServices services, MachineMover mover, HostKeeper hosts, Rehearsals rehearsals, IVmProvider provider) : IFailoverProvider
{
    public Placement PreviewFailover(Guid id, FailoverOptions options)
    {
        var machine = services.Store.Machines.Find(id)?.Machine
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);
        var decision = MachineLifecycle.Decide(machine.State, RequestOf(options.Kind));
        if (decision.Verdict == Verdict.Deny)
            return new Placement(null, $"{machine.Name} {decision.Reason}. {decision.Remedy}");
        var need = PlacementNeed.Of(machine) with { Avoid = options.Kind == FailoverKind.Test ? null : machine.Host, Only = options.TargetHost };
        return services.Places.Choose(options.Kind == FailoverKind.Test ? need with { Id = Guid.Empty, AvailabilitySet = null } : need);
    }

    public async Task<FailoverReport> FailOverAsync(Guid id, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await provider.FindAsync(id, cancellation)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);

        // One that is just being started or moved, by another failover perhaps, is waited for and judged then.
        if (options.Kind != FailoverKind.Unplanned || machine.State is not (MachineState.Starting or MachineState.Moving))
            MachineRunner.MustDo(machine, RequestOf(options.Kind), notices);
        options = options with { Checks = options.Checks is { Count: > 0 } asked ? asked : [options.Kind == FailoverKind.Test ? new SignOfLifeCheck() : new ProcessCheck()] };
        var recorder = new FailoverRecorder(machine, options.Kind, "command", services.Time);
        recorder.Expect(options.Checks);
        using var atWork = services.Store.Locks.TryAcquire(CutOffFailovers.LockName(recorder.Report.Id));
        services.Store.Reports.Save(recorder.Report);   // so that it is known of, whatever becomes of this process
        var error = default(string);
        try
        {
            var after = options.Kind switch
            {
                FailoverKind.Planned => await PlannedAsync(machine, options, recorder, notices, cancellation),
                FailoverKind.Unplanned => await UnplannedAsync(machine, options, recorder, notices, cancellation),
                _ => await rehearsals.RehearseAsync(machine, options, recorder, provider, notices, cancellation),
            };
            if (after is not null)
            {
                using var endpoint = options.Checks.Count > 0 ? await services.Networks.OpenEndpointAsync(after, options.EndpointPort, cancellation) : null;
                await recorder.CheckAsync(options.Checks, after, provider, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            Save(recorder, "It was interrupted.");
            throw;
        }
        catch (IaaSException e)
        {
            error = $"{e.Message} {e.Remedy}";
        }
        catch (Exception e)
        {
            Save(recorder, e.Message);
            throw;
        }

        return Save(recorder, error);
    }

    private static MachineRequest RequestOf(FailoverKind kind) => kind switch
    {
        FailoverKind.Planned => MachineRequest.Migrate,
        FailoverKind.Unplanned => MachineRequest.FailOver,
        _ => MachineRequest.Rehearse,
    };

    private async Task<VirtualMachine> PlannedAsync(VirtualMachine machine, FailoverOptions options, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        (recorder.Report.RecoveryPoint, recorder.Report.Rpo, recorder.Report.RpoStatement) =
            ("live", TimeSpan.Zero, "The guest's memory and disks went over as they were; nothing can have been lost.");
        try
        {
            return await mover.MoveAsync(machine.Id, options.TargetHost, options.MigrationTimeout, notices, recorder, cancellation);
        }
        catch (IaaSException e) when (options.AllowRestart && e.Kind is ErrorKind.Timeout or ErrorKind.Failed)
        {
            notices.Report(Notice.Warning($"{machine.Name} could not be moved live ({e.Message}) and is restarted elsewhere, as -AllowRestart says."));
            recorder.Detail(e.Message);
        }

        recorder.Begin("shut down");
        await provider.StopAsync(machine.Id, new StopOptions(), notices, cancellation);
        recorder.Begin("start elsewhere");
        (recorder.Report.RecoveryPoint, recorder.Report.RpoStatement) = ("clean shutdown", "The guest shut down cleanly before it was started elsewhere; nothing can have been lost.");
        using var owned = await services.Keeper.OwnAsync(machine.Id, cancellation);
        var need = PlacementNeed.Of(owned.Machine) with { Avoid = options.TargetHost is null ? machine.Host : null, Only = options.TargetHost };
        await services.Runner.StartAsync(owned, need, attempt: 0, notices, cancellation);
        recorder.Report.TargetHost = owned.Machine.Host;
        return owned.Machine;
    }

    private async Task<VirtualMachine> UnplannedAsync(VirtualMachine machine, FailoverOptions options, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        (recorder.Report.RecoveryPoint, recorder.Report.Rpo, recorder.Report.RpoStatement) = ("disk at the moment of the loss", TimeSpan.Zero,
            "It goes on with its own disk: what the guest had flushed is there, and nothing else was lost than what was in its memory.");
        using var owned = await services.Keeper.OwnAsync(machine.Id, cancellation);
        MachineRunner.MustDo(owned.Machine, MachineRequest.FailOver, notices);
        var from = owned.Machine.Host ?? owned.Notes.Heal?.Host;
        recorder.Report.SourceHost = from;

        // Before the process is killed: a machine that nobody has room for is better left where it is.
        var need = PlacementNeed.Of(owned.Machine) with { Avoid = from, Only = options.TargetHost };
        if (services.Places.Choose(need) is { Host: null } nowhere)
            throw new IaaSException(ErrorKind.NoCapacity, "NoHostFits", nowhere.Reason, "Make room, or add a host with New-IaaSHost.", machine.Name);
        recorder.Begin("fence");
        await hosts.FenceAsync(owned, $"Its host {from} was given up by hand.");
        recorder.Begin("start elsewhere");
        await services.Runner.StartAsync(owned, need, attempt: 0, notices, cancellation);
        recorder.Report.TargetHost = owned.Machine.Host;
        return owned.Machine;
    }

    private FailoverReport Save(FailoverRecorder recorder, string? error)
    {
        foreach (var (name, version) in services.Hypervisor.Versions)
            recorder.Report.Versions[name] = version;
        var report = recorder.End(error);
        services.Store.Reports.Save(report);
        return report;
    }
}
