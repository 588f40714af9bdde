namespace AzureIaaS;

/// <summary>What has changed of the machines since a state.</summary>
/// <param name="Change">The number of the state that is known now.</param>
/// <param name="Written">The machines that were added or written since.</param>
/// <param name="Removed">The ids of those that were removed since.</param>
public sealed record MachineChanges(long Change, IReadOnlyList<StoredMachine> Written, IReadOnlyList<Guid> Removed);

/// <summary>Where machines are remembered. Every call is one transaction, and durable when it returns.</summary>
public interface IMachineStore
{
    /// <summary>All machines in the order of their names.</summary>
    IReadOnlyList<StoredMachine> List();

    /// <summary>The machines that have their place on a host, in the order of their names.</summary>
    /// <param name="host">The host's name, in any case of letters.</param>
    IReadOnlyList<StoredMachine> ListOn(string host);

    /// <summary>What has changed since a state that the caller knows, so that nobody has to read ten thousand machines for the sake of one.</summary>
    /// <param name="change">The number of that state, from an earlier answer; -1 for everything there is.</param>
    MachineChanges ChangesSince(long change);

    /// <summary>One machine; null when there is none of that id.</summary>
    /// <param name="id">The machine's id.</param>
    StoredMachine? Find(Guid id);

    /// <summary>One machine by name, in any case of letters; null when there is none.</summary>
    /// <param name="name">The whole name.</param>
    StoredMachine? Find(string name);

    /// <summary>
    /// Makes a machine visible under the name that its import has reserved, and ends that operation, all in one transaction.
    /// Repeating it changes nothing.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="operation">The operation that reserves its name.</param>
    /// <exception cref="IaaSException">The name belongs to another machine or operation.</exception>
    void Publish(VirtualMachine machine, Guid operation);

    /// <summary>Adds a machine that no import makes: a clone. Repeating it changes nothing.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="providerData">The provider's notes about it.</param>
    /// <exception cref="IaaSException">The name is taken.</exception>
    void Add(VirtualMachine machine, string providerData);

    /// <summary>Writes a machine that was read before.</summary>
    /// <param name="machine">The machine as changed, with the generation it was read with.</param>
    /// <returns>The machine with its new generation.</returns>
    /// <exception cref="IaaSException">Somebody else has written it since, or it is gone.</exception>
    StoredMachine Update(StoredMachine machine);

    /// <summary>Forgets a machine and frees its name. Repeating it changes nothing.</summary>
    /// <param name="id">The machine's id.</param>
    void Remove(Guid id);
}
