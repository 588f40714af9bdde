using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>Stands for kill -9: nothing after it happens.</summary>
internal sealed class Died : Exception;

/// <summary>A log whose writer dies after so many lines.</summary>
internal sealed class MortalSagaStore(ISagaStore inner, int lines) : ISagaStore
{
    private int _left = lines;

    /// <summary>Whether the death has come.</summary>
    public bool IsDead { get; private set; }

    public void Append(Guid operation, SagaEvent e)
    {
        if (_left == 0)
            throw Die();
        inner.Append(operation, e);
        if (--_left == 0)
            throw Die();
    }

    public void Close(Guid operation)
    {
        if (_left <= 1)
            throw Die();
        inner.Close(operation);
    }

    public void Create(SagaRecord record, bool reserveName) => inner.Create(record, reserveName);

    public IReadOnlyList<SagaRecord> List(bool includeClosed) => inner.List(includeClosed);

    public SagaRecord? Find(Guid operation) => inner.Find(operation);

    public SagaRecord? FindReserving(string vmName) => inner.FindReserving(vmName);

    public IReadOnlyList<SagaEvent> Events(Guid operation) => inner.Events(operation);

    private Died Die()
    {
        IsDead = true;
        return new Died();
    }
}
