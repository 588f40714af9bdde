using AzureIaaS.Imports;

namespace AzureIaaS.Providers;

/// <summary>A provider that must be reached before it can be used.</summary>
public interface IConnectable
{
    /// <summary>Makes sure that the context's place can be reached and used, and completes what the context leaves out.</summary>
    /// <param name="notices">Receives steps, and what the user is to do to sign in.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It cannot be reached, or access is refused; the message says what is missing.</exception>
    Task ConnectAsync(IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider whose machines others can make and remove too: it, not the store, knows which there are.</summary>
public interface IMachineDirectory
{
    /// <summary>The id of a machine.</summary>
    /// <param name="name">The whole name, in any case of letters.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Its id; null when there is none of that name.</returns>
    Task<Guid?> FindIdAsync(string name, CancellationToken cancellation);
}

/// <summary>A provider that can say beforehand what it would refuse at the end.</summary>
public interface IImportReviewer
{
    /// <summary>Looks over an import before any of it is done, and chooses what was left to the provider. Changes nothing but the plan.</summary>
    /// <param name="plan">The import.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">The place would refuse it; the message says why.</exception>
    Task ReviewAsync(ImportPlan plan, CancellationToken cancellation);
}

/// <summary>A provider that itself knows of staged imports: any computer can make machines of them, when the one that staged them is lost.</summary>
public interface IStageAdopter
{
    /// <summary>The moment of the last whole pass of a staged import; null where there is none of that name, or no pass of it is whole.</summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<DateTimeOffset?> FindStagedAsync(string name, CancellationToken cancellation);

    /// <summary>Makes the machine of a staged import as its last whole pass has left it. Repeating it finishes it.</summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="IaaSException">There is none of that name, or no pass of it is whole.</exception>
    Task<VirtualMachine> AdoptStagedAsync(string name, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A provider that keeps checkpoints in other regions too, where they outlive the loss of their own.</summary>
public interface ICheckpointCopier
{
    /// <summary>
    /// Keeps the state of a machine, and copies it to another region; it is removed with the checkpoint. One of that name whose copy was cut off is not taken again:
    /// its copy goes on.
    /// </summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="name">The checkpoint's name.</param>
    /// <param name="memory">Whether its memory is kept too.</param>
    /// <param name="region">The region.</param>
    /// <param name="notices">Receives progress and warnings.</param>
    /// <param name="cancellation">Stops waiting; the same again goes on.</param>
    /// <exception cref="IaaSException">There is no such region, or the machine has a checkpoint of that name that is there already.</exception>
    Task<VmCheckpoint> CreateCopiedCheckpointAsync(Guid id, string name, bool memory, string region, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>Something that a machine or an import has left behind, and that nothing uses any more.</summary>
public sealed class Orphan
{
    /// <summary>Its full name in the cloud.</summary>
    public string Id { get; set; } = "";

    /// <summary>Its name.</summary>
    public string Name { get; set; } = "";

    /// <summary>What it is: <c>Disk</c>, <c>NetworkInterface</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>The machine that it was made for.</summary>
    public Guid? VmId { get; set; }

    /// <summary>The import that made it; it may still be running on another computer.</summary>
    public Guid? Operation { get; set; }

    /// <summary>Its size in bytes; null for what has none.</summary>
    public long? Length { get; set; }

    /// <summary>Why it counts as left behind, as a sentence.</summary>
    public string Reason { get; set; } = "";

    /// <summary>The name of the context.</summary>
    public string Context { get; set; } = "";

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}

/// <summary>A provider in which something can be left behind that costs money.</summary>
public interface IOrphanProvider
{
    /// <summary>What was left behind by machines and imports of ours. What is not ours is never listed.</summary>
    /// <param name="cancellation">Stops it.</param>
    Task<IReadOnlyList<Orphan>> ListOrphansAsync(CancellationToken cancellation);

    /// <summary>Removes one; it is looked at once more before, and left alone if it is in use by then.</summary>
    /// <param name="id">Its full name in the cloud.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    Task RemoveOrphanAsync(string id, IProgress<Notice> notices, CancellationToken cancellation);
}
