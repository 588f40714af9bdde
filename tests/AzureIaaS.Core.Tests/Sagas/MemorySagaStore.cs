using AzureIaaS.Sagas;

namespace AzureIaaS.Tests.Sagas;

/// <summary>A store that keeps its word and nothing else, and can be told to die after an event.</summary>
internal sealed class MemorySagaStore : ISagaStore
{
    private readonly Dictionary<Guid, SagaRecord> _records = [];
    private readonly Dictionary<Guid, List<SagaEvent>> _events = [];

    /// <summary>How many more events are taken before the process "dies"; null for ever.</summary>
    public int? DiesAfter { get; set; }

    public void Create(SagaRecord record, bool reserveName)
    {
        _records[record.Id] = record;
        _events[record.Id] = [];
    }

    public void Append(Guid operation, SagaEvent e)
    {
        if (DiesAfter == 0)
            throw new ProcessDied();
        _events[operation].Add(e);
        if (--DiesAfter == 0)
            throw new ProcessDied();
    }

    public void Close(Guid operation) => _records[operation] = _records[operation] with { IsOpen = false };

    public IReadOnlyList<SagaRecord> List(bool includeClosed) => [.. _records.Values.Where(r => includeClosed || r.IsOpen)];

    public SagaRecord? Find(Guid operation) => _records.GetValueOrDefault(operation);

    public SagaRecord? FindReserving(string vmName) => _records.Values.FirstOrDefault(r => r.IsOpen && r.VmName == vmName);

    public IReadOnlyList<SagaEvent> Events(Guid operation) => _events[operation];
}

/// <summary>Stands for kill -9: nothing after it happens.</summary>
internal sealed class ProcessDied : Exception;
