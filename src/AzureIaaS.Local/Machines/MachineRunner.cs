using AzureIaaS.Hosts;
using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>Starts and stops machines. Every change is written before and after it is made, so that whoever comes next can tell how far it came.</summary>
internal sealed class MachineRunner(LocalServices services)
{
    private const long LeastRoom = 4 << 20;
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);

    private IHypervisor Hypervisor => services.Hypervisor;

    public async Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (!MustDo(owned.Machine, MachineRequest.Start, notices))
            return owned.Machine;
        await StartAsync(owned, services.Places.NeedOf(owned.Machine, options), attempt: 0, notices, cancellation);
        return owned.Machine;
    }

    /// <summary>Starts a machine that is owned: gives it a place and runs it. If that fails, it is as it was before.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="need">What it needs of its host.</param>
    /// <param name="attempt">How often it has been brought back, this time included; 0 for a start by hand.</param>
    /// <param name="notices">Receives steps and details.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task StartAsync(OwnedMachine owned, PlacementNeed need, int attempt, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var machine = owned.Machine;
        services.Layout.Create();
        Hypervisor.Check(machine);
        CheckDisks(owned);
        notices.Report(Notice.Step($"Starting {machine.Name}"));
        var (former, formerReason, formerNotes, formerHost) = (machine.State, machine.StateReason, owned.Notes, machine.Host);
        var start = owned.Notes with { Process = null, Heal = null, Check = null, HealAttempts = attempt, ConsoleStart = ConsoleLog.Length(owned.Files.Console) };
        var placement = await services.Places.ClaimAsync(owned, need, () =>
        {
            if (attempt == 0)
                machine.PreferredHost = machine.Host;
            owned.Change(MachineState.Starting, null, start);
        }, cancellation);
        notices.Report(Notice.Verbose($"{machine.Name} goes to {placement.Reason}"));
        try
        {
            await RunAsync(owned, notices, cancellation);
        }
        catch
        {
            var fact = await Hypervisor.ObserveAsync(owned.Files, owned.Notes.Process, search: true, CancellationToken.None);
            if (fact.Process is null || await Hypervisor.EndAsync(owned.Files, fact.Process))
            {
                machine.Host = formerHost;
                var memoryIsLost = former == MachineState.Suspended && owned.Notes.MemoryFile is null;
                owned.Change(
                    memoryIsLost ? MachineState.Deallocated : former,
                    memoryIsLost ? "Its memory was loaded and could not go on; its disk is as it was when it was suspended." : formerReason,
                    owned.Notes with { Process = null, Heal = formerNotes.Heal });
            }

            throw;
        }
    }

    public async Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var stopping = services.Store.Locks.TryAcquire(MachineKeeper.StopLockName(id));
        using (var owned = await services.Keeper.OwnAsync(id, cancellation))
        {
            if (!MustDo(owned.Machine, options.Force ? MachineRequest.ForceStop : MachineRequest.Stop, notices))
                return owned.Machine;
            notices.Report(Notice.Step($"Stopping {owned.Machine.Name}"));
            if (options.Force || owned.Fact.Process is null)
                return await PullPlugAsync(owned, options);
            owned.Change(MachineState.Stopping, null, owned.Notes with { Process = owned.Fact.Process, KeepsPlace = options.StayProvisioned });
            await Hypervisor.PowerDownAsync(owned.Files, cancellation);
        }

        return await WaitForShutdownAsync(id, options, notices, cancellation);
    }

    public async Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        if (!MustDo(owned.Machine, MachineRequest.Resume, notices))
            return owned.Machine;
        notices.Report(Notice.Step($"Resuming {owned.Machine.Name}"));
        if (owned.Machine.State == MachineState.Suspended)
        {
            await StartAsync(owned, services.Places.NeedOf(owned.Machine, new StartOptions()), attempt: 0, notices, cancellation);
            return owned.Machine;
        }

        // Asked before it goes on: each halt of a busy IDE or SATA disk is a chance for QEMU to report an error to the guest (docs/fabric.md).
        if (owned.Fact.Condition == ProcessCondition.DiskFull && services.Links.TroubleOf(owned.Machine) is { } trouble)
            throw LinkKeeper.Lost(owned.Machine, trouble);
        if (owned.Fact.Condition == ProcessCondition.DiskFull && new DriveInfo(owned.Files.Folder).AvailableFreeSpace < LeastRoom)
            throw DiskStillFull(owned);
        await Hypervisor.ContinueAsync(owned.Files, cancellation);

        // A guest whose disk is still full halts again with its next write.
        await Task.Delay(AskEvery, cancellation);
        var fact = await Hypervisor.ObserveAsync(owned.Files, owned.Notes.Process, search: false, cancellation);
        if (fact.Condition == ProcessCondition.DiskFull)
            throw DiskStillFull(owned);
        try
        {
            owned.Change(MachineState.Running, null, owned.Notes with { Process = fact.Process });
        }
        catch (IaaSException e) when (e.Kind == ErrorKind.NoCapacity)
        {
            throw DiskStillFull(owned);
        }

        return owned.Machine;
    }

    private static IaaSException DiskStillFull(OwnedMachine owned) => new(ErrorKind.NoCapacity, "DiskStillFull",
        $"{owned.Machine.Name}: the disk that holds {owned.Files.Folder} is still full; the machine stays paused or will be paused again.",
        "Make room on it, then resume again; nothing is lost.", owned.Machine.Name);

    /// <summary>The error for a request that a machine's state does not allow.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="decision">The decision.</param>
    public static IaaSException Denied(VirtualMachine machine, Decision decision) =>
        new(ErrorKind.InvalidState, "VmStateForbids", $"{machine.Name} {decision.Reason}.{(machine.StateReason is { } why ? " " + why : "")}", decision.Remedy, machine.Name);

    /// <summary>Whether a request has work to do; a refusal is thrown.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="notices">Receives why there is no work.</param>
    public static bool MustDo(VirtualMachine machine, MachineRequest request, IProgress<Notice> notices)
    {
        var decision = MachineLifecycle.Decide(machine.State, request);
        if (decision.Verdict == Verdict.Deny)
            throw Denied(machine, decision);
        if (decision.Verdict == Verdict.Ignore)
            notices.Report(Notice.Verbose($"{machine.Name} {decision.Reason}."));
        return decision.Verdict == Verdict.Do;
    }

    /// <summary>
    /// Runs a machine that has its place. Memory that was saved is used up before the guest goes on: were it loaded a second time, it would not fit
    /// the disk any more.
    /// </summary>
    private async Task RunAsync(OwnedMachine owned, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var memory = owned.Notes.MemoryFile;
        services.Networks.Ensure([owned.Machine], notices);
        var request = LaunchRequest.Of(owned.Machine, owned.Files, owned.Notes, incoming: memory is not null);
        await services.Links.RequireAsync(owned.Machine, request.Chains.SelectMany(c => c), notices, cancellation);
        var launched = await Hypervisor.LaunchAsync(request, notices, cancellation);
        owned.Write(owned.Notes with { Process = launched.Process, MachineType = launched.MachineType });
        if (memory is not null)
        {
            notices.Report(Notice.Step($"Loading the memory of {owned.Machine.Name}"));
            await Hypervisor.LoadMemoryAsync(owned.Files, memory, cancellation);
            owned.Write(owned.Notes with { MemoryFile = null });
        }

        await Hypervisor.ContinueAsync(owned.Files, CancellationToken.None);
        owned.Machine.Started = services.Time.GetUtcNow();
        owned.Change(MachineState.Running, null, owned.Notes);
        if (memory == owned.Files.SuspendedMemory)
            File.Delete(memory);
    }

    private static void CheckDisks(OwnedMachine owned)
    {
        var machine = owned.Machine;
        foreach (var layer in machine.Disks.Select(owned.Notes.TreeOf).SelectMany(t => t.Chain(t.Active)).Where(l => !l.IsServed && !File.Exists(l.File)))
        {
            throw new IaaSException(ErrorKind.NotFound, "DiskMissing", $"{machine.Name}: its disk {layer.File} is missing.",
                "Put the file back, or remove the machine and import it again.", machine.Name);
        }
    }

    private async Task<VirtualMachine> PullPlugAsync(OwnedMachine owned, StopOptions options)
    {
        if (owned.Fact.Process is { } process && !await Hypervisor.EndAsync(owned.Files, process))
        {
            throw new IaaSException(ErrorKind.Failed, "ProcessWillNotEnd", $"{owned.Machine.Name}: its process {process.Id} was killed and does not go.",
                "It waits for the system, most often for a disk or share that does not answer; mend that, then try again.", owned.Machine.Name);
        }

        owned.Change(options.StayProvisioned && owned.Machine.Host is not null ? MachineState.Stopped : MachineState.Deallocated, null,
            owned.Notes with { Process = null, Heal = null, HealAttempts = 0, MemoryFile = null });
        File.Delete(owned.Files.SuspendedMemory);
        return owned.Machine;
    }

    /// <summary>Waits without owning the machine, so that another shell can pull the plug meanwhile.</summary>
    private async Task<VirtualMachine> WaitForShutdownAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var start = services.Time.GetTimestamp();
        var pressAfter = TimeSpan.FromSeconds(2);
        while (true)
        {
            try
            {
                await Task.Delay(AskEvery, services.Time, cancellation);
            }
            catch (OperationCanceledException)
            {
                using var left = await services.Keeper.OwnAsync(id, CancellationToken.None);
                GiveUp(left);
                throw;
            }

            var elapsed = services.Time.GetElapsedTime(start);
            using var owned = await services.Keeper.OwnAsync(id, cancellation);
            if (!owned.Machine.State.IsActive())
                return Finished(owned, options);
            if (elapsed < options.Timeout)
            {
                // A guest that was not listening yet, or was busy, has missed the button: it is pressed again, ever more rarely.
                if (elapsed >= pressAfter && owned.Fact.Condition == ProcessCondition.Running)
                {
                    pressAfter = 2 * elapsed;
                    await Hypervisor.PowerDownAsync(owned.Files, cancellation);
                }

                notices.Report(Notice.Step($"Waiting for {owned.Machine.Name} to shut down", elapsed / options.Timeout));
                continue;
            }

            GiveUp(owned);
            throw new IaaSException(ErrorKind.Timeout, "ShutdownTimeout",
                $"{owned.Machine.Name} was asked to shut down and still runs after {options.Timeout.TotalSeconds:0} s.",
                "Its guest may ignore the power button or need longer: look at its console, wait with a longer -Timeout, or pull the plug with -Force.", owned.Machine.Name);
        }
    }

    private static VirtualMachine Finished(OwnedMachine owned, StopOptions options)
    {
        if (!options.StayProvisioned && owned.Machine.State == MachineState.Stopped)
            owned.Change(MachineState.Deallocated, null, owned.Notes);
        return owned.Machine;
    }

    private static void GiveUp(OwnedMachine owned)
    {
        if (owned.Machine.State == MachineState.Stopping)
            owned.Change(MachineState.Running, "It was asked to shut down, and nobody waits for it any more.", owned.Notes with { Process = owned.Fact.Process });
    }
}
