namespace AzureIaaS.Disks;

/// <summary>
/// A virtual disk as its format presents it: a length, bytes that can be read anywhere, and the runs that hold data.
/// Opened for reading only; all members may be used by several threads at once.
/// </summary>
public abstract class DiskImage : IDisposable
{
    /// <summary>Remembers what every image has.</summary>
    /// <param name="format">The format that opened it.</param>
    /// <param name="path">The file that was named to open it.</param>
    protected DiskImage(DiskFormat format, string path)
    {
        Format = format;
        Path = path;
    }

    /// <summary>The format of the image.</summary>
    public DiskFormat Format { get; }

    /// <summary>The file that was named to open it.</summary>
    public string Path { get; }

    /// <summary>The kind within its format, in the specification's word: <c>fixed</c>, <c>dynamic</c>, <c>streamOptimized</c>, <c>v3</c>.</summary>
    public abstract string Variant { get; }

    /// <summary>The size of the virtual disk in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>The size of a logical sector in bytes: 512 or 4096. It travels to the virtual device.</summary>
    public virtual int LogicalSectorSize => 512;

    /// <summary>How many bytes are best read at once: small for plain files, larger where neighbouring pieces are decompressed together.</summary>
    public virtual int PreferredRead => 512 << 10;

    /// <summary>Whether reading costs the processor more than moving bytes, so that a second thread helps.</summary>
    public virtual bool IsCompressed => false;

    /// <summary>The image that shows where this one holds nothing; null for a whole disk.</summary>
    public virtual DiskImage? Parent => null;

    /// <summary>Every file the image is made of, its parents' too, the named one first.</summary>
    public virtual IReadOnlyList<string> Files => [Path];

    /// <summary>Anything else worth knowing, by name: creator, block size, adapter type.</summary>
    public virtual IReadOnlyDictionary<string, string> Details => EmptyDetails;

    /// <summary>What is odd about the image and was accepted deliberately, in sentences.</summary>
    public virtual IReadOnlyList<string> Warnings => [];

    private static readonly Dictionary<string, string> EmptyDetails = [];

    /// <summary>Reads from the virtual disk.</summary>
    /// <param name="offset">Where to start, in bytes; with the buffer's length it stays within <see cref="Length"/>.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the virtual disk.</exception>
    /// <exception cref="DiskImageException">The image is damaged there, or its file cannot be read.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - buffer.Length);
        if (buffer.Length > 0)
            ReadCore(offset, buffer);
    }

    /// <summary>Lists the runs of a range in order, without gaps, neighbours of one kind merged.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="length">How many bytes; the range stays within <see cref="Length"/>.</param>
    /// <returns>The runs, found as they are enumerated, so that a huge disk costs no memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the virtual disk.</exception>
    /// <exception cref="DiskImageException">The image's allocation tables are damaged; thrown while enumerating.</exception>
    public IEnumerable<DiskExtent> GetExtents(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return length == 0 ? [] : Merge(ExtentsCore(offset, length));
    }

    /// <summary>Lists the runs of the whole disk.</summary>
    public IEnumerable<DiskExtent> GetExtents() => GetExtents(0, Length);

    /// <summary>Looks through all of the tables, and says everything that is wrong with them.</summary>
    /// <param name="cancellation">Stops it.</param>
    internal virtual IEnumerable<string> FindTableFaults(CancellationToken cancellation) => [];

    /// <summary>Reads; the range has been checked and is not empty.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    protected abstract void ReadCore(long offset, Span<byte> buffer);

    /// <summary>Lists runs that together cover the range exactly, in order; the range has been checked and is not empty.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="length">How many bytes, at least one.</param>
    protected abstract IEnumerable<DiskExtent> ExtentsCore(long offset, long length);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the image's files.</summary>
    /// <param name="disposing">Whether it is called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);

    private static IEnumerable<DiskExtent> Merge(IEnumerable<DiskExtent> extents)
    {
        DiskExtent run = default;
        foreach (var next in extents)
        {
            if (run.Length > 0 && next.Kind == run.Kind && next.Start == run.End)
            {
                run = run with { Length = run.Length + next.Length };
                continue;
            }

            if (run.Length > 0)
                yield return run;
            run = next;
        }

        if (run.Length > 0)
            yield return run;
    }
}
