namespace AzureIaaS.Local.Machines;

/// <summary>
/// Every machine as it was last written, read anew only where that has changed: with ten thousand machines, reading all of them at every change
/// of one would take all the time there is. What it shows is shared, and must not be changed. For one thread at a time.
/// </summary>
internal sealed class MachinePicture(IMachineStore store)
{
    private readonly Dictionary<Guid, StoredMachine> _machines = [];
    private long _change = -1;

    /// <summary>All machines, in no order.</summary>
    public IReadOnlyCollection<StoredMachine> All => _machines.Values;

    /// <summary>Brings the picture up to date.</summary>
    /// <returns>What has changed.</returns>
    public MachineChanges Refresh()
    {
        var changes = store.ChangesSince(_change);
        _change = changes.Change;
        foreach (var machine in changes.Written)
            _machines[machine.Machine.Id] = machine;
        foreach (var id in changes.Removed)
            _machines.Remove(id);
        return changes;
    }
}
