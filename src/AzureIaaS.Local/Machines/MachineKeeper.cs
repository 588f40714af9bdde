using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>Who owns a machine for the length of a change, knows what is true of it, and writes it down.</summary>
internal sealed class MachineKeeper(IStateStore store, FabricLayout layout, IHypervisor hypervisor, PlaceKeeper places, TimeProvider time)
{
    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookWithin = TimeSpan.FromMilliseconds(300);

    private long _changes;

    /// <summary>Grows with every machine that this process writes down; what others write shows in the store's version.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>Finishes or undoes what was cut off while it was changing a machine; set by whoever knows how.</summary>
    public Func<OwnedMachine, CancellationToken, Task>? Recover { get; set; }

    /// <summary>Why the image of a linked machine cannot be read; null while it can. Set by whoever knows.</summary>
    public Func<VirtualMachine, string?>? LinkTrouble { get; set; }

    /// <summary>Called when a machine was found that has to be brought back: the watcher should know.</summary>
    public Action? NeedsHealing { get; set; }

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
            var owned = new OwnedMachine(owner, store.Machines, stored, layout, Note);
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
    public async Task<VirtualMachine> LookAsync(StoredMachine stored, CancellationToken cancellation) =>
        await LookAsync(stored, LookWithin, cancellation) ?? LookFromOutside(store.Machines.Find(stored.Machine.Id) ?? stored);

    /// <summary>The same, for those who would rather look again later than wait.</summary>
    /// <param name="stored">The machine as noted.</param>
    /// <param name="within">How long to wait for whoever is changing it.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The machine; null when somebody is changing it.</returns>
    public async Task<VirtualMachine?> LookAsync(StoredMachine stored, TimeSpan within, CancellationToken cancellation)
    {
        var machine = stored.Machine;
        var notes = MachineNotes.Of(stored);
        if (!machine.State.IsActive() && notes.Process is null && notes.Operation is null)
            return Whole(machine);
        if (machine.State == MachineState.Healing && notes.Process is null && notes.Operation is null)
        {
            NeedsHealing?.Invoke();
            return machine;
        }

        var owner = await store.Locks.AcquireAsync(LockName(machine.Id), within, cancellation);
        if (owner is null)
            return null;
        using var owned = new OwnedMachine(owner, store.Machines, store.Machines.Find(machine.Id) ?? stored, layout, Note);
        await EstablishAsync(owned, cancellation);
        return owned.Machine;
    }

    /// <summary>The lock that shows that somebody waits for a machine to shut down.</summary>
    /// <param name="id">The machine's id.</param>
    public static string StopLockName(Guid id) => $"stop-{id:N}";

    private void Note(VirtualMachine machine)
    {
        Interlocked.Increment(ref _changes);
        places.Note(machine);
    }

    private static string LockName(Guid id) => $"machine-{id:N}";

    private async Task EstablishAsync(OwnedMachine owned, CancellationToken cancellation)
    {
        if (owned.Notes.Operation is not null && Recover is { } recover)
            await recover(owned, cancellation);
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
        if (fact.Condition == ProcessCondition.DiskFull && LinkTrouble?.Invoke(owned.Machine) is { } trouble)
            truth = truth with { Reason = $"It waits for an image that it runs on: {trouble} Resume it when the image is back: nothing is lost." };
        await ApplyAsync(owned, truth, fact);
    }

    private async Task ApplyAsync(OwnedMachine owned, Reconciled truth, ProcessFact fact)
    {
        if (truth.Action == ProcessAction.Continue)
            await hypervisor.ContinueAsync(owned.Files, CancellationToken.None);
        if (truth.Action == ProcessAction.End && fact.Process is { } process && !await hypervisor.EndAsync(owned.Files, process))
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

        if (truth.State == MachineState.Deallocated && owned.Machine.State == MachineState.Stopping && owned.Notes.KeepsPlace)
            truth = truth with { State = MachineState.Stopped };
        var remaining = truth.Action == ProcessAction.End ? null : fact.Process;
        var changed = owned.Machine.State != truth.State || owned.Machine.StateReason != truth.Reason || owned.Notes.Process != remaining;
        try
        {
            if (changed)
                owned.Change(truth.State, truth.Reason, NotesFor(owned, truth, remaining));
        }
        catch (IaaSException e) when (e.Kind == ErrorKind.NoCapacity)
        {
            // It is true without room to write it down: that the disk is full may be the very reason to look.
        }

        if (truth.State == MachineState.Healing)
            NeedsHealing?.Invoke();
    }

    private MachineNotes NotesFor(OwnedMachine owned, Reconciled truth, Processes.ProcessIdentity? process)
    {
        var notes = owned.Notes with { Process = process };
        return truth.State == MachineState.Healing && notes.Heal is null
            ? notes with { Heal = new HealNote(truth.Reason!, time.GetUtcNow(), owned.Machine.Host, HostLost: false, owned.Machine.BootVerified) }
            : notes;
    }

    private VirtualMachine LookFromOutside(StoredMachine stored)
    {
        var machine = stored.Machine;
        var notes = MachineNotes.Of(stored);
        if (machine.State is MachineState.Running or MachineState.Paused && notes.Process is { } process && !hypervisor.IsAlive(layout.Machine(machine.Id, notes.Slot), process))
        {
            machine.State = MachineState.Unknown;
            machine.StateReason = $"Its process {process.Id} has ended, and somebody is seeing to it at this moment.";
        }

        return machine;
    }

    private VirtualMachine Whole(VirtualMachine machine)
    {
        var folder = layout.Machine(machine.Id).Folder;
        if (!Directory.Exists(folder))
        {
            machine.State = MachineState.Failed;
            machine.StateReason = $"Its folder {folder} is missing. Put it back, or Remove-IaaSVm to forget the machine.";
        }

        return machine;
    }
}
