using AzureIaaS.Azure.Failover;
using AzureIaaS.Failover;
using AzureIaaS.Hosts;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Azure;

/// <summary>What keeps states of machines, and fails them over.</summary>
internal sealed partial class AzureProvider : ICheckpointProvider, ICheckpointCopier, IFailoverProvider, IOperationProvider
{
    public Task<VmCheckpoint> CreateCheckpointAsync(Guid id, string name, bool memory, IProgress<Notice> notices, CancellationToken cancellation) =>
        _checkpoints.CreateAsync(id, name, memory, notices, cancellation);

    public async Task<VirtualMachine> RestoreCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await _checkpoints.RestoreAsync(id, checkpoint, notices, cancellation);
        return await AfterAsync(id, cancellation);
    }

    public Task RemoveCheckpointAsync(Guid id, Guid checkpoint, IProgress<Notice> notices, CancellationToken cancellation) =>
        _checkpoints.RemoveAsync(id, checkpoint, notices, cancellation);

    public Task<VmCheckpoint> CreateCopiedCheckpointAsync(Guid id, string name, bool memory, string region, IProgress<Notice> notices, CancellationToken cancellation) =>
        _copies.CreateAsync(id, name, memory, region.ToLowerInvariant(), notices, cancellation);

    public Placement PreviewFailover(Guid id, FailoverOptions options) => FailoverService.Preview(options);

    public Task<FailoverReport> FailOverAsync(Guid id, FailoverOptions options, IProgress<Notice> notices, CancellationToken cancellation) =>
        _failovers.FailOverAsync(id, options, notices, cancellation);

    public bool Owns(string kind) => kind is Rehearsals.Kind or Rehearsals.RegionKind or ZoneFailover.Kind or ZoneFailover.RegionKind or CheckpointCopies.Kind;

    public async Task EndOperationAsync(Guid operation, bool undo, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owner = _store.Locks.TryAcquire(SagaRunner.LockName(operation))
            ?? throw new IaaSException(ErrorKind.Busy, "OperationIsRunning", $"Operation {operation} is being worked on.", "Wait for that to end; Get-IaaSOperation shows it.", operation);
        var record = _store.Sagas.Find(operation)!;
        if (record.Kind is Rehearsals.Kind or Rehearsals.RegionKind)
            await _rehearsals.UndoAsync(record);
        else if (record.Kind == CheckpointCopies.Kind && undo)
            await _copies.UndoAsync(record, notices);
        else if (record.Kind == CheckpointCopies.Kind)
            await _copies.EndAsync(record, notices, cancellation);
        else
            await _zones.EndAsync(record, cancellation);
    }
}
