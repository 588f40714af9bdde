using AzureIaaS.Disks;
using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>What a pass of a staged import has done.</summary>
public sealed class StagedPass
{
    /// <summary>The operation that it belongs to; completing that makes the machine.</summary>
    public Guid Operation { get; set; }

    /// <summary>The name that the machine will have.</summary>
    public string Name { get; set; } = "";

    /// <summary>The file that is imported.</summary>
    public string Path { get; set; } = "";

    /// <summary>How many bytes were read of the images.</summary>
    public long BytesRead { get; set; }

    /// <summary>How many blocks of 4 MiB were not as they were; in a first pass all that hold data.</summary>
    public long BlocksChanged { get; set; }

    /// <summary>How many bytes were written.</summary>
    public long BytesWritten { get; set; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>Whether the images changed while they were read; the next pass brings what was missed.</summary>
    public bool ChangedMeanwhile { get; set; }

    /// <summary>The machine's name and what has changed.</summary>
    public override string ToString() => $"{Name}: {BlocksChanged} blocks changed";
}

/// <summary>Makes the passes of a staged import.</summary>
internal static class StagedImport
{
    /// <summary>Makes a pass over all disks.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="operation">The operation's id.</param>
    /// <param name="provider">Where the machine goes.</param>
    /// <param name="isLast">Whether nothing may change any more.</param>
    /// <param name="time">The clock.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it; the next pass goes on from what is there.</param>
    /// <exception cref="IaaSException">A disk has another size than it had, or, in the last pass, has changed while it was read.</exception>
    public static async Task<StagedPass> PassAsync(
        ImportPlan plan, Guid operation, IVmProvider provider, bool isLast, TimeProvider time, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var (start, moment) = (time.GetTimestamp(), time.GetUtcNow());
        var stage = (IPassStage)provider.OpenStage(operation, notices);
        var pass = new StagedPass { Operation = operation, Name = plan.Machine.Name, Path = plan.Machine.Origin?.Path ?? "" };
        var before = plan.Sources.SelectMany(s => s.Files).Select(f => ImageFile.Find(f.Path) ?? throw Gone(f.Path)).ToList();
        foreach (var (disk, source) in plan.Machine.Disks.Zip(plan.Sources))
            Add(pass, await RefreshAsync(plan, stage, disk, source, notices, cancellation));
        pass.ChangedMeanwhile = HasChanged(before, isLast);
        await stage.EndPassAsync(moment, cancellation);
        pass.Elapsed = time.GetElapsedTime(start);
        return pass;
    }

    private static IaaSException Gone(string path) => new(ErrorKind.NotFound, "SourceGone", $"{path}: the image is no longer there.",
        "Put it back, then make the pass again; what former passes have brought stays.", path);

    private static void Add(StagedPass pass, DiskRefreshResult result)
    {
        pass.BytesRead += result.BytesRead;
        pass.BlocksChanged += result.BlocksChanged;
        pass.BytesWritten += result.BytesWritten;
    }

    private static bool HasChanged(List<ImageFile> before, bool isLast)
    {
        try
        {
            ImportSaga.CheckUnchanged(before);
            return false;
        }
        catch (IaaSException) when (!isLast)
        {
            return true;
        }
    }

    private static async Task<DiskRefreshResult> RefreshAsync(
        ImportPlan plan, IPassStage stage, VirtualDisk disk, ImageInfo source, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var image = DiskFormat.OpenImage(source.Path, new DiskOpenOptions
        {
            Format = source.Format, Root = plan.Root ?? ImportRoot.For(source.Path), ExternalReferences = [.. plan.ExternalReferences], Snapshot = plan.Snapshot,
        });
        if (image.Length != source.Length)
        {
            throw new IaaSException(ErrorKind.InvalidData, "SourceResized", $"{source.Path}: the disk has {image.Length:N0} bytes, and had {source.Length:N0} when its import was staged.",
                "Undo-IaaSOperation gives the staged import up; then stage it anew.", source.Path);
        }

        await using var target = await stage.OpenDiskAsync(disk, resume: true, cancellation);
        var known = stage.BeginPass(disk);
        var text = $"{(known is null ? "Copying" : "Comparing")} {SourcePath.FileName(source.Path)} ({source.Format}, {ByteSize.Format(source.Length)})";
        // A target that keeps what it was given need not be read back after an interruption, if it is known what that was.
        var journal = target.Traits.KeepsWrites ? stage.OpenJournal(disk, resume: true) : null;
        using var journalOwner = journal as IDisposable;
        var padded = PaddedImage.For(image, disk.Length, target.Traits.Alignment);
        var result = await DiskRefresh.RunAsync(padded, target, known, new CopyProgress(notices, text, disk.Length), cancellation, journal);
        await target.FlushAsync(cancellation);
        await stage.FinishAsync(disk, result.BlockDigests, cancellation);
        return result;
    }
}
