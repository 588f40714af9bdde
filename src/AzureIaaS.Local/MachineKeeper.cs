using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Providers;

namespace AzureIaaS.Local;

/// <summary>Who owns a machine for the length of a change, knows what is true of it, and writes it down.</summary>
internal sealed class MachineKeeper(IStateStore store, FabricLayout layout, IHypervisor hypervisor)
{
    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookWithin = TimeSpan.FromMilliseconds(300);

    /// <summary>Takes a machine into ownership, with its truth established first.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    /// <exception cref="IaaSException">There is no such machine, or somebody else has kept it for too long.</exception>
    public async Task<OwnedMachine> OwnAsync(Guid id, CancellationToken cancellation)
    {
        var owner = await store.Locks.AcquireAsync(LockName(id), OwnWithin, cancellation)
            ?? throw new IaaSException(ErrorKind.Busy, "VmBusy", $"Machine {store.Machines.Find(id)?.Machine.Name ?? id.ToString()} is being changed by {store.Locks.DescribeHolder(LockName(id)) ?? "another process"}.",
                "Wait for that to end, then try again.", id);
        try
        {
            var stored = store.Machines.Find(id)
                ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id} any more.", "Get-IaaSVm shows those there are.", id);
            var owned = new OwnedMachine(owner, store.Machines, stored, layout.Machine(id));
            await EstablishAsync(owned, cancellation);
            return owned;
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>What is true of a machine, as far as it can be found out without disturbing whoever is changing it.</summary>
    /// <param name="stored">The machine as noted.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<VirtualMachine> LookAsync(StoredMachine stored, CancellationToken cancellation)
    {
        var machine = stored.Machine;
        var files = layout.Machine(machine.Id);
        if (!machine.State.IsActive() && MachineNotes.Of(stored).Process is null)
            return Whole(machine, files);
        var owner = await store.Locks.AcquireAsync(LockName(machine.Id), LookWithin, cancellation);
        if (owner is null)
            return LookFromOutside(store.Machines.Find(machine.Id) ?? stored, files);
        using var owned = new OwnedMachine(owner, store.Machines, store.Machines.Find(machine.Id) ?? stored, files);
        try
        {
            await EstablishAsync(owned, cancellation);
        }
        catch (IaaSException e) when (e.Kind == ErrorKind.NoCapacity)
        {
            // What is true can be shown without room to write it down: that the disk is full may be the very reason to look.
        }

        return owned.Machine;
    }

    /// <summary>The lock that shows that somebody waits for a machine to shut down.</summary>
    /// <param name="id">The machine's id.</param>
    public static string StopLockName(Guid id) => $"stop-{id:N}";

    private static string LockName(Guid id) => $"machine-{id:N}";

    private async Task EstablishAsync(OwnedMachine owned, CancellationToken cancellation)
    {
        var notes = owned.Notes;
        if (!owned.Machine.State.IsActive() && notes.Process is null)
            return;
        var isBeingStopped = false;
        if (owned.Machine.State == MachineState.Stopping)
        {
            using var nobody = store.Locks.TryAcquire(StopLockName(owned.Machine.Id));
            isBeingStopped = nobody is null;
        }

        var search = owned.Machine.State == MachineState.Starting || notes.Process is null;
        var fact = await hypervisor.ObserveAsync(owned.Files, notes.Process, search, cancellation);
        owned.Fact = fact;
        if (isBeingStopped && fact.Condition == ProcessCondition.Running)
            return;
        var truth = MachineReconciler.Reconcile(owned.Machine.State, owned.Machine.StateReason, fact, notes.Process?.Id, owned.Files.Folder);
        await ApplyAsync(owned, truth, fact);
    }

    private async Task ApplyAsync(OwnedMachine owned, Reconciled truth, ProcessFact fact)
    {
        if (truth.EndProcess && fact.Process is { } process && !await hypervisor.EndAsync(owned.Files, process))
        {
            owned.Machine.State = MachineState.Unknown;
            owned.Machine.StateReason = $"Its process {process.Id} is to be ended and does not go; the system's disk may be blocked.";
            return;
        }

        if (truth.State == MachineState.Unknown)
        {
            // Shown, and not written: it says something of this moment only.
            owned.Machine.State = truth.State;
            owned.Machine.StateReason = truth.Reason;
            return;
        }

        var remaining = truth.EndProcess ? null : fact.Process;
        if (owned.Machine.State == truth.State && owned.Machine.StateReason == truth.Reason && owned.Notes.Process == remaining)
            return;
        owned.Change(truth.State, truth.Reason, remaining);
    }

    private VirtualMachine LookFromOutside(StoredMachine stored, MachineFiles files)
    {
        var machine = stored.Machine;
        if (machine.State is MachineState.Running or MachineState.Paused
            && MachineNotes.Of(stored).Process is { } process && !hypervisor.IsAlive(files, process))
        {
            machine.State = MachineState.Unknown;
            machine.StateReason = $"Its process {process.Id} has ended, and somebody is seeing to it at this moment.";
        }

        return machine;
    }

    private static VirtualMachine Whole(VirtualMachine machine, MachineFiles files)
    {
        if (!Directory.Exists(files.Folder))
        {
            machine.State = MachineState.Failed;
            machine.StateReason = $"Its folder {files.Folder} is missing. Put it back, or Remove-IaaSVm to forget the machine.";
        }

        return machine;
    }
}

/// <summary>A machine that is this process's own to change until it is disposed.</summary>
internal sealed class OwnedMachine(IDisposable owner, IMachineStore store, StoredMachine stored, MachineFiles files) : IDisposable
{
    private StoredMachine _stored = stored;

    /// <summary>The machine.</summary>
    public VirtualMachine Machine => _stored.Machine;

    /// <summary>Its files.</summary>
    public MachineFiles Files => files;

    /// <summary>The provider's notes about it.</summary>
    public MachineNotes Notes { get; private set; } = MachineNotes.Of(stored);

    /// <summary>What its process was seen doing when it was taken.</summary>
    public ProcessFact Fact { get; set; } = ProcessFact.None;

    /// <summary>Writes a new state down, with its process.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reason">Why; null where that needs no explanation.</param>
    /// <param name="process">Its process; null for none.</param>
    public void Change(MachineState state, string? reason, Processes.ProcessIdentity? process)
    {
        Machine.State = state;
        Machine.StateReason = reason;
        Write(Notes with { Process = process });
    }

    /// <summary>Writes the machine down as it is, with new notes.</summary>
    /// <param name="notes">The notes.</param>
    public void Write(MachineNotes notes)
    {
        Notes = notes;
        Machine.ProcessId = notes.Process?.Id;
        if (notes.Process is null)
            (Machine.Started, Machine.BootVerified, Machine.BootEvidence) = (null, false, null);
        _stored = store.Update(_stored with { ProviderData = notes.ToJson() });
    }

    public void Dispose() => owner.Dispose();
}
