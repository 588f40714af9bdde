using Azure;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Failover;

/// <summary>Failovers of one machine, each with its report. What could not even begin is thrown; what fails later is in the report.</summary>
internal sealed class FailoverService(
    ArmConnection connection, IStateStore store, Checkpoints checkpoints, Rehearsals rehearsals, ZoneFailover zones, IVmProvider provider)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Where a failover would take a machine, as far as that can be said without asking.</summary>
    /// <param name="options">How it would be done.</param>
    public static Placement Preview(FailoverOptions options) => options.Kind switch
    {
        FailoverKind.Planned => new Placement(null, "another node of its region, by redeployment"),
        FailoverKind.Test => new Placement(options.TargetHost, $"a clone in a network of its own{(options.TargetHost is { } to ? IsZone(to) ? $", in zone {to}" : $", in region {to}" : "")}"),
        _ => new Placement(options.TargetHost, options.TargetHost switch
        {
            null => "another zone of its region, from its last checkpoint",
            { } to when IsZone(to) => $"zone {to} of its region, from its last checkpoint",
            { } to => $"region {to}, from the last checkpoint there is of it",
        }),
    };

    /// <summary>Fails a machine over.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="options">How.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<FailoverReport> FailOverAsync(Guid id, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = await provider.FindAsync(id, cancellation)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);
        MachineRunner.MayDo(machine, options.Kind switch { FailoverKind.Planned => MachineRequest.Migrate, FailoverKind.Test => MachineRequest.Rehearse, _ => MachineRequest.FailOver });
        CheckTarget(connection.RegionOf(machine), machine, options);
        options = options with { Checks = options.Checks is { Count: > 0 } asked ? asked : [options.Kind == FailoverKind.Test ? new SignOfLifeCheck() : new ProcessCheck()] };
        var begin = await PrepareAsync(machine, options, notices, cancellation);
        var recorder = new FailoverRecorder(machine, options.Kind, "command", connection.Time);
        recorder.Expect(options.Checks);
        recorder.Report.SourceHost = recorder.Report.TargetHost = PlaceOf(connection, machine);
        store.Reports.Save(recorder.Report);   // so that it is known of, whatever becomes of this process
        string? error = null;
        try
        {
            await begin(recorder, cancellation);
            if (options.Kind != FailoverKind.Test)
                await recorder.CheckAsync(options.Checks, (await provider.FindAsync(id, cancellation))!, provider, cancellation);
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

    /// <summary>Writes down that a failover was cut off, where nobody has yet.</summary>
    /// <param name="store">What remembers it.</param>
    /// <param name="report">The report's id.</param>
    /// <param name="time">The clock.</param>
    public static void EndCutOff(IStateStore store, Guid report, TimeProvider time)
    {
        if (store.Reports.Find(report) is { Outcome: FailoverOutcome.NotRun } open)
            store.Reports.Save(new FailoverRecorder(open, time).End("It was cut off, and has been ended since."));
    }

    /// <summary>Where a machine is, as reports say it.</summary>
    /// <param name="connection">The way to Azure.</param>
    /// <param name="machine">The machine.</param>
    public static string PlaceOf(ArmConnection connection, VirtualMachine machine) =>
        machine.Zone is { Length: > 0 } zone ? $"{connection.RegionOf(machine)} zone {zone}" : connection.RegionOf(machine);

    private static bool IsZone(string target) => target is "1" or "2" or "3";

    private static void CheckTarget(string region, VirtualMachine machine, FailoverOptions options)
    {
        if (options.TargetHost is not { } target)
            return;
        if (options.Kind == FailoverKind.Planned)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure chooses the node that a machine is redeployed to.",
                "Leave -TargetHost out; -Kind Unplanned goes to a zone.", target);
        }

        if (target.Equals(region, StringComparison.OrdinalIgnoreCase))
            throw new IaaSException(ErrorKind.InvalidArgument, "SameRegion", $"{machine.Name} is in {region} already.", "Name another region, or a zone with -TargetHost 1, 2 or 3.", target);

        if (machine.AvailabilitySet is { Length: > 0 } set && options.Kind == FailoverKind.Unplanned && IsZone(target))
        {
            throw new IaaSException(ErrorKind.InvalidState, "ZoneAndSet", $"{machine.Name} is in availability set {set}, and in Azure such machines are in no zone.",
                "Leave -TargetHost out: it comes back anywhere in the region.", machine.Name);
        }
    }

    /// <summary>Does what can be refused, and gives the rest.</summary>
    private async Task<Func<FailoverRecorder, CancellationToken, Task>> PrepareAsync(
        VirtualMachine machine, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (options.Kind == FailoverKind.Planned)
            return (r, c) => RedeployAsync(machine, r, notices, c);
        var region = options.TargetHost is { } to && !IsZone(to) ? to.ToLowerInvariant() : null;
        var size = await SizeInAsync(machine, region, options.Kind, cancellation);
        if (options.Kind == FailoverKind.Test)
            return (r, c) => rehearsals.RehearseAsync(machine, region, options, r, provider, notices, c);
        var home = connection.RegionOf(machine);
        // What lies there already needs nothing of a region that may be gone.
        var checkpoint = (region is null ? null : await checkpoints.LastAsync(machine, region, cancellation)) ?? await checkpoints.LastAsync(machine, home, cancellation)
            ?? throw new IaaSException(ErrorKind.InvalidState, "NoCheckpoint", $"{machine.Name} has no checkpoint that it could come back from.",
                "Checkpoint-IaaSVm takes one; a runbook that does so every hour bounds what can be lost to an hour.", machine.Name);
        if (region is not null)
            return (r, c) => ComeBackAsync(machine, checkpoint, null, region, r, notices, c);
        var zone = options.TargetHost ?? (machine.Zone is { } own ? size?.Zones.FirstOrDefault(z => z != own)
            ?? throw new IaaSException(ErrorKind.NoCapacity, "NoOtherZone", $"No other zone of {home} offers size {machine.Size}.", "Choose another size with Set-IaaSVm -Size.", machine.Name) : null);
        return (r, c) => ComeBackAsync(machine, checkpoint, zone, null, r, notices, c);
    }

    /// <summary>The machine's size where it goes; refused where that has none, or no room for it.</summary>
    private async Task<VmSize?> SizeInAsync(VirtualMachine machine, string? region, FailoverKind kind, CancellationToken cancellation)
    {
        var catalog = new SizeCatalog(connection);
        var sizes = await catalog.ListAsync(region ?? connection.RegionOf(machine), cancellation);
        var size = sizes.Find(s => s.Name.Equals(machine.Size, StringComparison.OrdinalIgnoreCase));
        if (region is not null && size is null)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "SizeNotInRegion", sizes.Count == 0 ? $"There is no region '{region}' for this subscription." : $"{region} does not offer size {machine.Size}.",
                "Name another region with -TargetHost: az account list-locations shows them; or change the machine's size before, with Set-IaaSVm -Size.", machine.Name);
        }

        // A rehearsal's clone runs beside the machine, so both count; another region has a quota of its own.
        if (size is not null && (kind == FailoverKind.Test || region is not null))
            await catalog.CheckQuotaAsync(size, region ?? connection.RegionOf(machine), cancellation);
        return size;
    }

    private async Task RedeployAsync(VirtualMachine machine, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        (recorder.Report.RecoveryPoint, recorder.Report.Rpo, recorder.Report.RpoStatement) = ("disk at the moment of the redeployment", TimeSpan.Zero,
            "Azure restarts the guest on another node from its own disks: what it had flushed is there; what was in its memory or on a temporary disk is not.");
        recorder.Begin("redeploy");
        var vm = connection.Client.GetVirtualMachineResource(connection.IdOf("Microsoft.Compute/virtualMachines", machine.Name));
        await _operations.RunAsync(async () => await vm.RedeployAsync(WaitUntil.Started, cancellation), $"Redeploying {machine.Name}", notices, cancellation);
    }

    private async Task ComeBackAsync(
        VirtualMachine machine, VmCheckpoint checkpoint, string? zone, string? region, FailoverRecorder recorder, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var lost = connection.Time.GetUtcNow() - checkpoint.Created;
        (recorder.Report.RecoveryPoint, recorder.Report.Rpo) = (checkpoint.Created.ToString("O", System.Globalization.CultureInfo.InvariantCulture), lost);
        recorder.Report.RpoStatement = $"It goes on from its checkpoint '{checkpoint.Name}'; what was written in the {lost.TotalMinutes:0} minutes since is on its former disks, which Get-IaaSOrphan shows.";
        recorder.Report.TargetHost = region ?? (zone is null ? connection.RegionOf(machine) : $"{connection.RegionOf(machine)} zone {zone}");
        if (region is not null)
            WarnOfRegion(machine, checkpoint, region, notices);
        await zones.RunAsync(machine, checkpoint, zone, region, recorder, notices, cancellation);
    }

    /// <summary>Says what does not come along.</summary>
    private static void WarnOfRegion(VirtualMachine machine, VmCheckpoint checkpoint, string region, IProgress<Notice> notices)
    {
        if (machine.Checkpoints.LastOrDefault() is { } last && last.Id != checkpoint.Id)
            notices.Report(Notice.Warning($"{machine.Name} goes on from checkpoint '{checkpoint.Name}', which is in {region}; '{last.Name}' is younger and has not been copied there."));
        if (machine.AvailabilitySet is { Length: > 0 } set)
            notices.Report(Notice.Warning($"{machine.Name} leaves availability set {set}, which belongs to its former region."));
        if (machine.NetworkAdapters.Any(a => a.PublicIPAddress is not null))
            notices.Report(Notice.Warning($"{machine.Name} loses its public address, which belongs to its former region; Join-IaaSNetwork -PublicIP gives it another."));
        if (machine.PublishedPorts.Count > 0)
        {
            var ports = string.Join(", ", machine.PublishedPorts.Select(p => $"{p.Port}{(p.Udp ? "/udp" : "")}"));
            notices.Report(Notice.Warning(
                $"{machine.Name}'s published ports ({ports}) are closed: its network in {region} lets nobody in. Once it has a public address there, Start-IaaSVm -PublishPort opens them again."));
        }
    }

    private FailoverReport Save(FailoverRecorder recorder, string? error)
    {
        var report = recorder.End(error);
        store.Reports.Save(report);
        return report;
    }
}
