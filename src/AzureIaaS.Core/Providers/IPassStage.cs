namespace AzureIaaS.Providers;

/// <summary>A stage on which disks can be brought up to date any number of times before they become a machine's.</summary>
public interface IPassStage : IImportStage
{
    /// <summary>Notes, so that it outlives any death, that a disk is being changed; <see cref="IImportStage.FinishAsync"/> ends that.</summary>
    /// <param name="disk">The disk.</param>
    /// <returns>The digests of its blocks as the last whole pass has left them; null when the first pass begins, or the last was cut off.</returns>
    byte[]? BeginPass(VirtualDisk disk);

    /// <summary>Takes note that a pass has brought all disks to one state.</summary>
    /// <param name="moment">When the pass began: what was written before is there.</param>
    /// <param name="cancellation">Stops it.</param>
    Task EndPassAsync(DateTimeOffset moment, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>The moment of the last whole pass; null where none is whole, or none is known.</summary>
    /// <param name="cancellation">Stops it.</param>
    Task<DateTimeOffset?> FindLastPassAsync(CancellationToken cancellation) => Task.FromResult<DateTimeOffset?>(null);
}
