namespace AzureIaaS;

/// <summary>Where hosts are remembered. Every call is one transaction, and durable when it returns.</summary>
public interface IHostStore
{
    /// <summary>All hosts in the order of their names.</summary>
    IReadOnlyList<FabricHost> List();

    /// <summary>Grows with every change of a host.</summary>
    long Change { get; }

    /// <summary>One host by name, in any case of letters; null when there is none.</summary>
    /// <param name="name">The name.</param>
    FabricHost? Find(string name);

    /// <summary>Adds a host.</summary>
    /// <param name="host">The host.</param>
    /// <exception cref="IaaSException">There is one of that name.</exception>
    void Add(FabricHost host);

    /// <summary>Changes a host's state.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="state">The state.</param>
    /// <param name="reason">Why; null where that needs no explanation.</param>
    void SetState(string name, HostState state, string? reason);

    /// <summary>Removes a host. Repeating it changes nothing.</summary>
    /// <param name="name">Its name.</param>
    void Remove(string name);

    /// <summary>Adds the first hosts of a new fabric, if it never had any.</summary>
    /// <param name="hosts">The hosts.</param>
    void AddFirst(IReadOnlyList<FabricHost> hosts);
}
