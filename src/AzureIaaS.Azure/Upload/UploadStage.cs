using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// The stage of an import to Azure: managed disks that are being uploaded, and beside them, on this computer, what has been sent so far. Nothing
/// of it is a machine before the import marks its disk as one.
/// </summary>
/// <param name="disks">The disks of the group.</param>
/// <param name="open">Opens the pages of a disk.</param>
/// <param name="plan">The import.</param>
/// <param name="operation">Its id.</param>
/// <param name="location">The region.</param>
/// <param name="folder">Where this computer keeps its notes.</param>
/// <param name="notices">Receives steps.</param>
internal sealed class UploadStage(
    ManagedDisks disks, Func<ManagedDiskResource, TimeSpan, PageBlob> open, ImportPlan plan, Guid operation, string location, string folder, IProgress<Notice> notices)
    : IPassStage
{
    private readonly HashSet<string> _fresh = [];

    public async Task<IDiskTarget> OpenDiskAsync(VirtualDisk disk, bool resume, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var name = AzureNames.Disk(plan.Machine.Name, disk.Name);
        var found = await disks.FindAsync(name, cancellation);
        if (found is not null)
            CheckOurs(found, operation);
        if (found is not null && resume && IsTheOne(found, disk) && await TryOpenAsync(found, cancellation) is { } opened)
        {
            await UnmarkPassAsync(found, cancellation);
            return TargetOf(opened, disk);
        }

        if (found is not null)
            await disks.RemoveAsync(found, notices, cancellation);
        var created = await disks.CreateAsync(name, AzureMapping.DiskForUpload(plan.Machine, disk, operation, location), notices, cancellation);
        File.WriteAllText(NoteOf(disk), created.Data.UniqueId);
        _fresh.Add(disk.Name);
        foreach (var former in new[] { DigestsOf(disk), JournalOf(disk), TouchedOf(disk) })
            File.Delete(former);
        return TargetOf(await OpenAsync(created, cancellation), disk);
    }

    public ICopyJournal OpenJournal(VirtualDisk disk, bool resume) =>
        new FileCopyJournal(JournalOf(disk), DiskDigest.BlockCount(disk.Length), resume && !_fresh.Contains(disk.Name));

    public async Task FinishAsync(VirtualDisk disk, ReadOnlyMemory<byte> blockDigests, CancellationToken cancellation)
    {
        // Noted before access ends: from here on the disk is whole, and cannot be opened for writing again.
        var digests = DigestsOf(disk);
        await File.WriteAllBytesAsync(digests + ".new", blockDigests.ToArray(), cancellation);
        File.Move(digests + ".new", digests, overwrite: true);
        if (!plan.IsStaged)
            await CloseAsync(disk, cancellation);   // between passes a disk stays open; whoever has closed it cannot write to it again
        File.Delete(JournalOf(disk));
        File.Delete(TouchedOf(disk));
    }

    public byte[]? FinishedDigests(VirtualDisk disk) => File.Exists(DigestsOf(disk)) && !File.Exists(TouchedOf(disk)) ? File.ReadAllBytes(DigestsOf(disk)) : null;

    /// <summary>
    /// What the disk holds: what the last whole pass has left, zeros before the first; but for blocks that a pass which was cut off has begun to write, of which
    /// only those are known that it has finished.
    /// </summary>
    public byte[]? BeginPass(VirtualDisk disk)
    {
        var known = File.Exists(DigestsOf(disk)) ? File.ReadAllBytes(DigestsOf(disk)) : Zeros(disk.Length);
        using var journal = new FileCopyJournal(JournalOf(disk), DiskDigest.BlockCount(disk.Length), resume: true);
        foreach (var block in TouchedBlocks.Read(TouchedOf(disk)))
        {
            var digest = known.AsSpan((int)(block * DiskDigest.HashSize), DiskDigest.HashSize);
            if (!journal.TryGet(block, digest))
                digest.Clear();   // the digest of nothing
        }

        return known;
    }

    public async Task EndPassAsync(DateTimeOffset moment, CancellationToken cancellation)
    {
        var boot = await NeededAsync(plan.Machine.Disks[0], cancellation);
        var tags = AzureNames.MachineTags(plan.Machine).Where(t => t.Key != AzureNames.NameTag).Append(new(AzureNames.StagedTag, moment.ToString("O", System.Globalization.CultureInfo.InvariantCulture)));
        await disks.TagAsync(boot, tags, notices, cancellation);
    }

    public async Task<DateTimeOffset?> FindLastPassAsync(CancellationToken cancellation) =>
        StagedImports.MomentOf((await disks.FindAsync(AzureNames.Disk(plan.Machine.Name, plan.Machine.Disks[0].Name), cancellation))?.Data);

    public async Task DiscardAsync()
    {
        foreach (var disk in plan.Machine.Disks)
        {
            var found = await disks.FindAsync(AzureNames.Disk(plan.Machine.Name, disk.Name), CancellationToken.None);
            if (found is not null && AzureNames.IdIn(found.Data.Tags, AzureNames.ImportTag) == operation)
                await disks.RemoveAsync(found, notices, CancellationToken.None);
        }

        Forget();
    }

    /// <summary>Ends access to all disks whose upload is over but for that, and marks the first one as a machine's.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task PublishAsync(CancellationToken cancellation)
    {
        foreach (var disk in plan.Machine.Disks)
            await CloseAsync(disk, cancellation);
        var boot = await NeededAsync(plan.Machine.Disks[0], cancellation);
        await disks.TagAsync(boot, AzureNames.MachineTags(plan.Machine), notices, cancellation);
        Forget();
    }

    /// <summary>Refuses a thing in Azure that another import, or somebody else, has made.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="operation">The import that may use it; null for none.</param>
    /// <exception cref="IaaSException">It is not this import's.</exception>
    public static void CheckOurs(ManagedDiskResource disk, Guid? operation)
    {
        var owner = AzureNames.IdIn(disk.Data.Tags, AzureNames.ImportTag);
        if (owner is { } known && known == operation)
            return;
        throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken",
            owner is null
                ? $"There is a disk called '{disk.Id.Name}' in {disk.Id.ResourceGroupName} already, and it was not made by an import of this module."
                : $"There is a disk called '{disk.Id.Name}' in {disk.Id.ResourceGroupName} already; import {owner} has made it.",
            owner is null
                ? "It is left alone. Give this machine another name with -Name."
                : "If that import was cut off, Resume-IaaSOperation or Undo-IaaSOperation ends it where it was begun, and Get-IaaSOrphan shows what it left; or give this machine another name with -Name.",
            disk.Id.Name);
    }

    private TimeSpan Lifetime => File.Exists(OnceNote) ? SasAccess.LongLifetime : SasAccess.DefaultLifetime;

    private string OnceNote => Path.Combine(folder, "access-once");

    private string NoteOf(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".azure");

    private string JournalOf(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".journal");

    private string TouchedOf(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".touched");

    private string DigestsOf(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".digests");

    /// <summary>Whether it is the very disk that the journal is about, still waiting for its pages: somebody may have made it anew.</summary>
    private bool IsTheOne(ManagedDiskResource found, VirtualDisk disk) =>
        ManagedDisks.IsUploading(found.Data) && File.Exists(NoteOf(disk)) && File.ReadAllText(NoteOf(disk)) == found.Data.UniqueId;

    /// <summary>
    /// Opens a disk once more. Whether Azure gives access again to a disk whose upload has begun is nowhere written; where it does not, the upload
    /// begins anew, with access that lasts as long as an upload may take.
    /// </summary>
    private async Task<PageBlob?> TryOpenAsync(ManagedDiskResource found, CancellationToken cancellation)
    {
        try
        {
            return await OpenAsync(found, cancellation);
        }
        catch (IaaSException e) when (e.Kind is ErrorKind.InvalidState or ErrorKind.Failed && e.InnerException is global::Azure.RequestFailedException { Status: 400 or 409 })
        {
            await File.WriteAllTextAsync(OnceNote, e.ErrorId, cancellation);
            notices.Report(Notice.Warning($"{found.Id.Name}: Azure does not give access to it again ({e.ErrorId}), so its upload begins anew."));
            return null;
        }
    }

    /// <summary>Opens a disk's pages, with access to them: who has none hears of it before the source is read.</summary>
    private async Task<PageBlob> OpenAsync(ManagedDiskResource disk, CancellationToken cancellation)
    {
        var blob = open(disk, Lifetime);
        try
        {
            await blob.OpenAsync(cancellation);
            return blob;
        }
        catch
        {
            blob.Dispose();
            throw;
        }
    }

    private PageTarget TargetOf(PageBlob blob, VirtualDisk disk) => new(blob, disk, plan.Machine.Id, notices, plan.IsStaged ? new TouchedBlocks(TouchedOf(disk)) : null);

    private static byte[] Zeros(long length)
    {
        var digests = new byte[DiskDigest.BlockCount(length) * DiskDigest.HashSize];
        for (long block = 0; block < DiskDigest.BlockCount(length); block++)
            DiskDigest.ZeroBlock(DiskDigest.BlockLength(length, block)).CopyTo(digests.AsSpan((int)(block * DiskDigest.HashSize)));
        return digests;
    }

    /// <summary>From the first write of a pass to its end, the disks are of no one moment, and no machine can be made of them.</summary>
    private async Task UnmarkPassAsync(ManagedDiskResource disk, CancellationToken cancellation)
    {
        if (disk.Data.Tags.ContainsKey(AzureNames.StagedTag))
            await disks.UntagAsync(disk, AzureNames.StagedTag, notices, cancellation);
    }

    private async Task CloseAsync(VirtualDisk disk, CancellationToken cancellation)
    {
        var found = await NeededAsync(disk, cancellation);
        if (ManagedDisks.IsUploading(found.Data))
            await disks.RevokeAsync(found, notices, cancellation);
    }

    private async Task<ManagedDiskResource> NeededAsync(VirtualDisk disk, CancellationToken cancellation)
    {
        var name = AzureNames.Disk(plan.Machine.Name, disk.Name);
        var found = await disks.FindAsync(name, cancellation)
            ?? throw new IaaSException(ErrorKind.InvalidData, "StageMissing", $"The disk '{name}' that was uploaded is no longer in Azure.", "Undo-IaaSOperation, then import the machine again.", name);
        CheckOurs(found, operation);
        return found;
    }

    private void Forget()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
