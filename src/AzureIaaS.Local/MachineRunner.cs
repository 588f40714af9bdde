using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local;

/// <summary>Starts and stops machines. Every change is written before and after it is made, so that whoever comes next can tell how far it came.</summary>
internal sealed class MachineRunner(IStateStore store, FabricLayout layout, IHypervisor hypervisor, MachineKeeper keeper, TimeProvider time)
{
    private const string MemoryLock = "memory";
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MemoryWithin = TimeSpan.FromSeconds(30);

    public async Task<VirtualMachine> StartAsync(Guid id, StartOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await keeper.OwnAsync(id, cancellation);
        var machine = owned.Machine;
        if (!MustDo(machine, MachineRequest.Start, notices))
            return machine;
        layout.Create();
        hypervisor.Check(machine);
        CheckDisks(machine);
        notices.Report(Notice.Step($"Starting {machine.Name}"));
        var (former, formerReason) = (machine.State, machine.StateReason);
        await ClaimMemoryAsync(owned, options, cancellation);
        try
        {
            owned.Write(owned.Notes with { ConsoleStart = ConsoleLog.Length(owned.Files.Console) });
            var launched = await hypervisor.LaunchAsync(machine, owned.Files, owned.Notes.MachineType, notices, cancellation);
            owned.Write(owned.Notes with { Process = launched.Process, MachineType = launched.MachineType });
            await hypervisor.ContinueAsync(owned.Files, cancellation);
            machine.Started = time.GetUtcNow();
            owned.Change(MachineState.Running, null, launched.Process);
            return machine;
        }
        catch
        {
            await TakeDownAsync(owned, former, formerReason);
            throw;
        }
    }

    public async Task<VirtualMachine> StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var stopping = store.Locks.TryAcquire(MachineKeeper.StopLockName(id));
        using (var owned = await keeper.OwnAsync(id, cancellation))
        {
            if (!MustDo(owned.Machine, options.Force ? MachineRequest.ForceStop : MachineRequest.Stop, notices))
                return owned.Machine;
            notices.Report(Notice.Step($"Stopping {owned.Machine.Name}"));
            if (options.Force || owned.Fact.Process is null)
                return await PullPlugAsync(owned, options);
            owned.Change(MachineState.Stopping, null, owned.Fact.Process);
            await hypervisor.PowerDownAsync(owned.Files, cancellation);
        }

        return await WaitForShutdownAsync(id, options, notices, cancellation);
    }

    public async Task<VirtualMachine> ResumeAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await keeper.OwnAsync(id, cancellation);
        if (!MustDo(owned.Machine, MachineRequest.Resume, notices))
            return owned.Machine;
        notices.Report(Notice.Step($"Resuming {owned.Machine.Name}"));
        await hypervisor.ContinueAsync(owned.Files, cancellation);

        // A guest whose disk is still full halts again with its next write.
        await Task.Delay(AskEvery, cancellation);
        var fact = await hypervisor.ObserveAsync(owned.Files, owned.Notes.Process, search: false, cancellation);
        if (fact.Condition == ProcessCondition.DiskFull)
        {
            throw new IaaSException(ErrorKind.NoCapacity, "DiskStillFull", $"{owned.Machine.Name}: the disk that holds {owned.Files.Folder} is still full; the machine stays paused.",
                "Make room on it, then resume again; nothing is lost.", owned.Machine.Name);
        }

        owned.Change(MachineState.Running, null, fact.Process);
        return owned.Machine;
    }

    /// <summary>The error for a request that a machine's state does not allow.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="decision">The decision.</param>
    public static IaaSException Denied(VirtualMachine machine, Decision decision) =>
        new(ErrorKind.InvalidState, "VmStateForbids", $"{machine.Name} {decision.Reason}.{(machine.StateReason is { } why ? " " + why : "")}", decision.Remedy, machine.Name);

    private static bool MustDo(VirtualMachine machine, MachineRequest request, IProgress<Notice> notices)
    {
        var decision = MachineLifecycle.Decide(machine.State, request);
        if (decision.Verdict == Verdict.Deny)
            throw Denied(machine, decision);
        if (decision.Verdict == Verdict.Ignore)
            notices.Report(Notice.Verbose($"{machine.Name} {decision.Reason}."));
        return decision.Verdict == Verdict.Do;
    }

    private static void CheckDisks(VirtualMachine machine)
    {
        if (machine.Disks.FirstOrDefault(d => !File.Exists(d.Path)) is { } missing)
        {
            throw new IaaSException(ErrorKind.NotFound, "DiskMissing", $"{machine.Name}: its disk {missing.Path} is missing.",
                "Put the file back, or remove the machine and import it again.", machine.Name);
        }
    }

    /// <summary>
    /// Marks the machine as starting if its memory fits. One machine at a time: two that fit singly may not fit together. What running guests were
    /// promised and have not touched yet counts as taken.
    /// </summary>
    private async Task ClaimMemoryAsync(OwnedMachine owned, StartOptions options, CancellationToken cancellation)
    {
        using var turn = await store.Locks.AcquireAsync(MemoryLock, MemoryWithin, cancellation);
        if (!options.Overcommit && hypervisor.UsesMemory)
        {
            var promised = store.Machines.List().Where(s => s.Machine.State.IsActive() && s.Machine.Id != owned.Machine.Id)
                .Sum(s => Math.Max(0, s.Machine.Memory - (s.Machine.ProcessId is { } pid ? ProcessTable.ResidentMemory(pid) : 0)));
            var free = HostMemory.Available() - promised;
            if (owned.Machine.Memory > free)
            {
                throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughMemory",
                    $"{owned.Machine.Name} needs {ByteSize.Format(owned.Machine.Memory)} of memory, and this computer has {ByteSize.Format(Math.Max(0, free))} left.",
                    "Stop another machine, give this one less memory, or insist with -Overcommit.", owned.Machine.Name);
            }
        }

        owned.Change(MachineState.Starting, null, null);
    }

    private async Task TakeDownAsync(OwnedMachine owned, MachineState former, string? reason)
    {
        var fact = await hypervisor.ObserveAsync(owned.Files, owned.Notes.Process, search: true, CancellationToken.None);
        if (fact.Process is null || await hypervisor.EndAsync(owned.Files, fact.Process))
            owned.Change(former, reason, null);
    }

    private async Task<VirtualMachine> PullPlugAsync(OwnedMachine owned, StopOptions options)
    {
        if (owned.Fact.Process is { } process && !await hypervisor.EndAsync(owned.Files, process))
        {
            throw new IaaSException(ErrorKind.Failed, "ProcessWillNotEnd", $"{owned.Machine.Name}: its process {process.Id} was killed and does not go.",
                "It waits for the system, most often for a disk or share that does not answer; mend that, then try again.", owned.Machine.Name);
        }

        owned.Change(options.StayProvisioned ? MachineState.Stopped : MachineState.Deallocated, null, null);
        return owned.Machine;
    }

    /// <summary>Waits without owning the machine, so that another shell can pull the plug meanwhile.</summary>
    private async Task<VirtualMachine> WaitForShutdownAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var pressAfter = TimeSpan.FromSeconds(2);
        while (true)
        {
            try
            {
                await Task.Delay(AskEvery, time, cancellation);
            }
            catch (OperationCanceledException)
            {
                using var left = await keeper.OwnAsync(id, CancellationToken.None);
                GiveUp(left);
                throw;
            }

            var elapsed = time.GetElapsedTime(start);
            using var owned = await keeper.OwnAsync(id, cancellation);
            if (!owned.Machine.State.IsActive())
                return Finished(owned, options);
            if (elapsed < options.Timeout)
            {
                // A guest that was not listening yet, or was busy, has missed the button: it is pressed again, ever more rarely.
                if (elapsed >= pressAfter && owned.Fact.Condition == ProcessCondition.Running)
                {
                    pressAfter = 2 * elapsed;
                    await hypervisor.PowerDownAsync(owned.Files, cancellation);
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
        if (options.StayProvisioned && owned.Machine.State == MachineState.Deallocated)
            owned.Change(MachineState.Stopped, null, null);
        return owned.Machine;
    }

    private static void GiveUp(OwnedMachine owned)
    {
        if (owned.Machine.State == MachineState.Stopping)
            owned.Change(MachineState.Running, "It was asked to shut down, and nobody waits for it any more.", owned.Fact.Process);
    }
}
