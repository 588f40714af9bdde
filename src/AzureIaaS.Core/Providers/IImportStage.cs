using AzureIaaS.Disks;

namespace AzureIaaS.Providers;

/// <summary>Where an import builds a machine's disks before anyone can see it. Opened again, it still holds what a former attempt left.</summary>
public interface IImportStage
{
    /// <summary>Opens a disk for writing; made when it is not there.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="resume">Whether what a former attempt has written is kept; otherwise the disk starts anew.</param>
    IDiskTarget OpenDisk(VirtualDisk disk, bool resume);

    /// <summary>Opens the journal of a disk's copy.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="resume">Whether a former attempt's records are kept; otherwise it starts empty.</param>
    ICopyJournal OpenJournal(VirtualDisk disk, bool resume);

    /// <summary>Keeps the digests of a disk's blocks beside it, and its journal no longer.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="blockDigests">All blocks' digests in order; empty when none were computed.</param>
    void Finish(VirtualDisk disk, ReadOnlySpan<byte> blockDigests);

    /// <summary>The digests that <see cref="Finish"/> kept; null while the disk's copy has not ended, empty when there are none.</summary>
    /// <param name="disk">The disk.</param>
    byte[]? FinishedDigests(VirtualDisk disk);

    /// <summary>Removes the stage with all that is on it.</summary>
    void Discard();
}
