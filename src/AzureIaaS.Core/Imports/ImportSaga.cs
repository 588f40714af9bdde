using AzureIaaS.Appliances;
using AzureIaaS.Disks;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Imports;

/// <summary>What the steps of an import work on.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Operation">The operation's id.</param>
/// <param name="Provider">Where the machine goes.</param>
/// <param name="Store">What remembers it.</param>
/// <param name="Notices">Receives progress.</param>
/// <param name="Resume">Whether a former attempt's work is taken up.</param>
public sealed record ImportWork(
    ImportPlan Plan, Guid Operation, IVmProvider Provider, IMachineStore Store, IProgress<Notice> Notices, bool Resume);

/// <summary>
/// An import, step by step: copy the disks to a stage, make the stage the machine's place, publish. The name has been reserved with the
/// operation itself. Publishing ends the operation in the same transaction, so a published machine is never undone.
/// </summary>
public static class ImportSaga
{
    /// <summary>The saga.</summary>
    public static Saga<ImportWork> Definition { get; } = new("Import", 1,
    [
        SagaStep.OwningUndo<ImportWork>("stage", (w, _) => w.Provider.OpenStage(w.Operation, w.Notices).DiscardAsync()),
        new("copy", CopyAsync),
        SagaStep.OwningUndo<ImportWork>("place", (w, _) => w.Provider.UndefineAsync(w.Plan.Machine.Id)),
        new("define", (w, c) => w.Provider.DefineAsync(w.Plan.Machine, w.Operation, c)),
        new("publish", (w, _) => Finish(() => w.Store.Publish(w.Plan.Machine, w.Operation))),
    ]);

    private static Task Finish(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static async Task CopyAsync(ImportWork work, CancellationToken cancellation)
    {
        var stage = work.Provider.OpenStage(work.Operation, work.Notices);
        if (work.Plan.IsLinked)
        {
            foreach (var disk in work.Plan.Machine.Disks)
                ((ILinkStage)stage).Link(disk);
            return;
        }

        foreach (var (disk, source) in work.Plan.Machine.Disks.Zip(work.Plan.Sources))
        {
            if (stage.FinishedDigests(disk) is { } finished)
                disk.Digest = finished.Length == 0 ? null : DiskDigest.Describe(finished);
            else
                disk.Digest = await CopyDiskAsync(work, stage, disk, source, cancellation);
        }
    }

    private static async Task<string?> CopyDiskAsync(
        ImportWork work, IImportStage stage, VirtualDisk disk, ImageInfo source, CancellationToken cancellation)
    {
        var resume = work.Resume && !work.Plan.SkipDigest;
        var options = new DiskOpenOptions
        {
            Format = source.Format,
            Root = work.Plan.Root ?? ImportRoot.For(source.Path),
            ExternalReferences = [.. work.Plan.ExternalReferences],
            Snapshot = work.Plan.Snapshot,
        };
        if (source.ManifestDigest is { } manifest)
        {
            work.Notices.Report(Notice.Step($"Comparing {SourcePath.FileName(source.Path)} with its manifest"));
            OvfManifest.Verify(source.Path, manifest, cancellation);
        }

        using var image = DiskFormat.OpenImage(source.Path, options);
        await using var target = await stage.OpenDiskAsync(disk, resume, cancellation);
        var journal = work.Plan.SkipDigest ? null : stage.OpenJournal(disk, resume);
        using var journalOwner = journal as IDisposable;
        var text = $"Copying {SourcePath.FileName(source.Path)} ({source.Format}, {ByteSize.Format(source.Length)})";
        var progress = new CopyProgress(work.Notices, text, disk.Length);
        var isThere = IsCloned(image, disk, target);
        if (isThere)
            work.Notices.Report(Notice.Verbose($"{disk.Name} shares its blocks with {source.Path} until one of them is written."));
        var copyOptions = new DiskCopyOptions { Digest = !work.Plan.SkipDigest, Journal = journal, IsThere = isThere };
        var result = await DiskCopy.RunAsync(PaddedImage.For(image, disk.Length, target.Traits.Alignment), target, copyOptions, progress, cancellation);
        if (result.BytesVerified > 0)
            work.Notices.Report(Notice.Verbose($"{ByteSize.Format(result.BytesVerified)} of {disk.Name} had been copied before and are right."));
        work.Notices.Report(Notice.Step($"Completing {disk.Name}"));
        await target.FlushAsync(cancellation);
        CheckUnchanged(source);
        await stage.FinishAsync(disk, result.BlockDigests, cancellation);
        return result.Digest;
    }

    /// <summary>Whether the file system could make the disk of a raw image without copying. A journal is of no use then, and does no harm.</summary>
    private static bool IsCloned(DiskImage image, VirtualDisk disk, IDiskTarget target) =>
        target is ICloneTarget clone && image.Length == disk.Length && SharedBlocks.CanBeOf(image) && clone.TryClone(image.Path);

    /// <summary>A source that changed while it was read would be a disk that never existed.</summary>
    /// <param name="source">The image as it was when the plan was made.</param>
    /// <exception cref="IaaSException">A file of it has another size or time.</exception>
    internal static void CheckUnchanged(ImageInfo source) => CheckUnchanged(source.Files);

    /// <summary>The same, for files.</summary>
    /// <param name="files">The files as they were.</param>
    /// <exception cref="IaaSException">One has another size or time.</exception>
    public static void CheckUnchanged(IEnumerable<ImageFile> files)
    {
        foreach (var was in files)
        {
            var now = ImageFile.Find(was.Path);
            if (now?.IsSame(was) == true)
                continue;
            throw new IaaSException(ErrorKind.InvalidData, "SourceChanged",
                now is null
                    ? $"{was.Path}: the image is no longer there."
                    : $"{was.Path}: the image has changed since its import began (then {was.Length:N0} bytes, written {was.LastWrite:u}; now {now.Length:N0}, {now.LastWrite:u}).",
                "Make sure nothing writes to the image (shut its machine down, or import from a snapshot), then import it again.", was.Path);
        }
    }
}
