namespace AzureIaaS.Sagas;

/// <summary>An operation as the store keeps it.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Kind">The saga's kind.</param>
/// <param name="Version">The saga's version.</param>
/// <param name="VmName">The machine's name; reserved for it while it is open and not yet published.</param>
/// <param name="Source">What it works from.</param>
/// <param name="Parameters">Its parameters as JSON.</param>
/// <param name="Created">When it was begun.</param>
public sealed record SagaRecord(Guid Id, string Kind, int Version, string VmName, string Source, string Parameters, DateTimeOffset Created)
{
    /// <summary>Whether it has not ended.</summary>
    public bool IsOpen { get; init; } = true;
}

/// <summary>Where sagas are logged. Every call is one transaction, and durable when it returns.</summary>
public interface ISagaStore
{
    /// <summary>Begins an operation, and reserves its machine's name when asked to.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="reserveName">Whether the machine's name must be free, and is reserved.</param>
    /// <exception cref="IaaSException">The name belongs to a machine or to another operation.</exception>
    void Create(SagaRecord record, bool reserveName);

    /// <summary>Adds an event to an operation's log.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="e">The event.</param>
    void Append(Guid operation, SagaEvent e);

    /// <summary>Ends an operation: it is no longer open, and a name it still reserves is free again.</summary>
    /// <param name="operation">The operation's id.</param>
    void Close(Guid operation);

    /// <summary>The operations that are open, oldest first; all that are remembered when asked for them.</summary>
    /// <param name="includeClosed">Whether those that have ended are wanted too.</param>
    IReadOnlyList<SagaRecord> List(bool includeClosed);

    /// <summary>One operation; null when there is none of that id.</summary>
    /// <param name="operation">The operation's id.</param>
    SagaRecord? Find(Guid operation);

    /// <summary>The open operation that reserves a machine's name; null when there is none.</summary>
    /// <param name="vmName">The name, in any case of letters.</param>
    SagaRecord? FindReserving(string vmName);

    /// <summary>An operation's log, in order.</summary>
    /// <param name="operation">The operation's id.</param>
    IReadOnlyList<SagaEvent> Events(Guid operation);
}
