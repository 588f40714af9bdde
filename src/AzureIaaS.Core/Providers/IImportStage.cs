using AzureIaaS.Disks;

namespace AzureIaaS.Providers;

/// <summary>Where an import builds a machine's disks before anyone can see it. Opened again, it still holds what a former attempt left.</summary>
public interface IImportStage
{
    /// <summary>Opens a disk for writing; made when it is not there.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="resume">Whether what a former attempt has written is kept; otherwise the disk starts anew.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<IDiskTarget> OpenDiskAsync(VirtualDisk disk, bool resume, CancellationToken cancellation);

    /// <summary>Opens the journal of a disk's copy, after the disk itself.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="resume">Whether a former attempt's records are kept; otherwise it starts empty.</param>
    ICopyJournal OpenJournal(VirtualDisk disk, bool resume);

    /// <summary>Keeps the digests of a disk's blocks beside it, and its journal no longer.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="blockDigests">All blocks' digests in order; empty when none were computed.</param>
    /// <param name="cancellation">Stops it.</param>
    Task FinishAsync(VirtualDisk disk, ReadOnlyMemory<byte> blockDigests, CancellationToken cancellation);

    /// <summary>The digests that <see cref="FinishAsync"/> kept; null while the disk's copy has not ended, empty when there are none.</summary>
    /// <param name="disk">The disk.</param>
    byte[]? FinishedDigests(VirtualDisk disk);

    /// <summary>Removes the stage with all that is on it.</summary>
    Task DiscardAsync();
}
