using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;

namespace AzureIaaS.Local.Machines;

/// <summary>A machine that is this process's own to change until it is disposed.</summary>
internal sealed class OwnedMachine : IDisposable
{
    private readonly IDisposable _owner;
    private readonly IMachineStore _store;
    private readonly FabricLayout _layout;
    private readonly Action<VirtualMachine> _changed;
    private StoredMachine _stored;

    public OwnedMachine(IDisposable owner, IMachineStore store, StoredMachine stored, FabricLayout layout, Action<VirtualMachine> changed)
    {
        _owner = owner;
        _store = store;
        _layout = layout;
        _changed = changed;
        _stored = stored;
        Notes = MachineNotes.Of(stored);
    }

    /// <summary>The machine.</summary>
    public VirtualMachine Machine => _stored.Machine;

    /// <summary>The provider's notes about it.</summary>
    public MachineNotes Notes { get; private set; }

    /// <summary>Its files, with the sockets of its process.</summary>
    public MachineFiles Files => _layout.Machine(Machine.Id, Notes.Slot);

    /// <summary>Its files, with the sockets that its process has not.</summary>
    public MachineFiles OtherFiles => _layout.Machine(Machine.Id, 1 - Notes.Slot);

    /// <summary>What its process was seen doing when it was taken.</summary>
    public ProcessFact Fact { get; set; } = ProcessFact.None;

    /// <summary>What the migration did that was made while it is owned; null when there was none.</summary>
    public MigrationResult? LastMigration { get; set; }

    /// <summary>Writes a new state down, with new notes.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reason">Why; null where that needs no explanation.</param>
    /// <param name="notes">The notes.</param>
    public void Change(MachineState state, string? reason, MachineNotes notes)
    {
        Machine.State = state;
        Machine.StateReason = reason;
        Write(notes);
    }

    /// <summary>Writes the machine down as it is, with new notes.</summary>
    /// <param name="notes">The notes.</param>
    public void Write(MachineNotes notes)
    {
        Notes = notes;
        Machine.ProcessId = notes.Process?.Id;
        if (notes.Process is null)
            (Machine.Started, Machine.BootVerified, Machine.BootEvidence) = (null, false, null);
        if (Machine.State is MachineState.Deallocated or MachineState.Failed or MachineState.Suspended)
            Machine.Host = null;   // its place is free for others
        try
        {
            _stored = _store.Update(_stored with { ProviderData = notes.ToJson() });
        }
        catch (IaaSException) when (_store.Find(Machine.Id) is { } before)
        {
            // What could not be written is not so, and must not be written with the next change either.
            _stored = before;
            Notes = MachineNotes.Of(before);
            throw;
        }

        _changed(Machine);
    }

    public void Dispose() => _owner.Dispose();
}
