namespace AzureIaaS.Local.Machines;

/// <summary>
/// Every machine as it was last written, read anew only where that has changed: with ten thousand machines, reading all of them at every change
/// of one would take all the time there is. What it shows is shared, and must not be changed. For one thread at a time.
/// </summary>
internal sealed class MachinePicture(IMachineStore store)
{
    /// <summary>As many are read singly; to read more, it is faster to read all.</summary>
    private const int Few = 500;

    private Dictionary<Guid, StoredMachine> _machines = [];

    /// <summary>Brings the picture up to date.</summary>
    /// <returns>All machines, in no order.</returns>
    public IReadOnlyCollection<StoredMachine> Refresh()
    {
        var generations = store.Generations();
        var changed = generations.Where(g => _machines.GetValueOrDefault(g.Key)?.Generation != g.Value).Select(g => g.Key).ToList();
        if (changed.Count > Few)
        {
            _machines = store.List().ToDictionary(m => m.Machine.Id);
            return _machines.Values;
        }

        foreach (var id in changed)
        {
            if (store.Find(id) is { } now)
                _machines[id] = now;
        }

        foreach (var id in _machines.Keys.Where(id => !generations.ContainsKey(id)).ToList())
            _machines.Remove(id);
        return _machines.Values;
    }
}
