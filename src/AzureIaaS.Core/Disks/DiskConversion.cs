using AzureIaaS.Disks.Writing;

namespace AzureIaaS.Disks;

/// <summary>What is to be made of an image.</summary>
public sealed record DiskConversionRequest
{
    /// <summary>The file to make.</summary>
    public required string Path { get; init; }

    /// <summary>What kind of image it is to be.</summary>
    public required WriteFormat Format { get; init; }

    /// <summary>Whether a file that is there may be replaced, at the moment the new one is whole.</summary>
    public bool Force { get; init; }

    /// <summary>
    /// Whether the new image must survive the loss of power as soon as it is made. A conversion leaves that to the system, as other copying tools do, unless
    /// it replaces a file: what it was made of is still there.
    /// </summary>
    public bool IsDurable { get; init; }

    /// <summary>How many threads work; 0 lets the conversion choose.</summary>
    public int Threads { get; init; }
}

/// <summary>
/// Makes an image of one format of an image of another: a block of 4 MiB at a time, zeros left out. Several threads read and compress blocks,
/// and write them in order. The file has its name only when it is whole.
/// </summary>
public static class DiskConversion
{
    /// <summary>Converts an image.</summary>
    /// <param name="source">The image.</param>
    /// <param name="request">What to make of it.</param>
    /// <param name="progress">Receives the position on the virtual disk up to which blocks have been taken, in bytes.</param>
    /// <param name="cancellation">Stops it; nothing is left behind.</param>
    /// <exception cref="DiskImageException">The source is damaged or cannot be read.</exception>
    /// <exception cref="IaaSException">The format cannot hold it, or the file cannot be made.</exception>
    public static async Task RunAsync(DiskImage source, DiskConversionRequest request, IProgress<long>? progress, CancellationToken cancellation)
    {
        var path = Path.GetFullPath(request.Path);
        if (source.Files.Contains(path, OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "TargetIsSource", $"{path}: the image cannot be converted into itself.",
                "Give the new image another name.", path);
        }

        var length = request.Format.LengthFor(source);
        using var file = OutputFile.Create(path, request.Force, request.IsDurable);
        using var writer = request.Format.Create(file, length, source.LogicalSectorSize);
        await WriteAsync(source, writer, request.Threads, progress, cancellation);
    }

    /// <summary>Writes an image's content by a writer, and lets that finish.</summary>
    /// <param name="source">The image.</param>
    /// <param name="writer">The writer.</param>
    /// <param name="threads">How many threads work; 0 to choose.</param>
    /// <param name="progress">Receives the position on the virtual disk.</param>
    /// <param name="cancellation">Stops it.</param>
    internal static async Task WriteAsync(DiskImage source, DiskWriter writer, int threads, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (writer is LinearWriter clone && SharedBlocks.CanBeOf(source) && clone.TryClone(source.Path))
            progress?.Report(source.Length);
        else if (writer is LinearWriter linear)
            await DiskCopy.RunAsync(source, linear, new DiskCopyOptions { Digest = false, Threads = threads }, progress, cancellation);
        else
            await RunAsync(source, writer, ThreadCount(source, writer, threads), progress, cancellation);
        cancellation.ThrowIfCancellationRequested();
        writer.Finish();
        progress?.Report(source.Length);
    }

    private static int ThreadCount(DiskImage source, DiskWriter writer, int wanted) =>
        wanted > 0 ? wanted : source.IsCompressed || writer.IsCompressing ? Math.Clamp(Environment.ProcessorCount, 1, 8) : 1;

    private static async Task RunAsync(DiskImage source, DiskWriter writer, int threads, IProgress<long>? progress, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var blocks = DiskCopy.DataBlocks(source).GetEnumerator();
        var underWay = Enumerable.Range(0, threads == 1 ? 1 : 2 * threads).Select(_ => new PackedBlock(source)).ToArray();
        var turns = new BlockTurns<PackedBlock>(underWay, (_, block) => block.Commit(writer));
        var gate = new object();
        long taken = 0;
        var workers = Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(Work, stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        try
        {
            await DiskCopy.WaitForAllAsync(workers);
        }
        finally
        {
            foreach (var block in underWay)
                block.Dispose();
        }

        void Work()
        {
            try
            {
                for (var block = turns.Take(); Take() is { } next; block = turns.Take())
                {
                    stop.Token.ThrowIfCancellationRequested();
                    block.Fill(next.Block, writer);
                    turns.HandIn(next.Number, block);
                }
            }
            catch
            {
                stop.Cancel();
                turns.Break();
                throw;
            }
        }

        (long Block, long Number)? Take()
        {
            lock (gate)
            {
                if (!blocks.MoveNext())
                    return null;
                progress?.Report(blocks.Current * DiskDigest.BlockSize);
                return (blocks.Current, taken++);
            }
        }
    }
}
