namespace AzureIaaS.Disks.Maps;

/// <summary>
/// Where the bytes of a virtual disk lie: what a format's tables say, made readable. Several threads may use one at once.
/// Maps compose: a later one may lay one over another (a differencing disk over its parent) or put several in a row.
/// </summary>
internal abstract class BlockMap
{
    /// <summary>The length of what is mapped, in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Whether compressed units were met by <see cref="Verify"/>: neighbours are then better read many at once.</summary>
    public virtual bool HasPacked => false;

    /// <summary>Fills the buffer; the range lies in the map and is not empty.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    public abstract void Read(long offset, Span<byte> buffer);

    /// <summary>Lists runs that cover the range exactly and in order; the range lies in the map and is not empty.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="length">How many bytes.</param>
    public abstract IEnumerable<DiskExtent> Extents(long offset, long length);

    /// <summary>Looks through the tables for places that cannot be, as far as that is quick; the rest is checked when it is reached.</summary>
    /// <exception cref="DiskImageException">A table points where no data can be.</exception>
    public virtual void Verify()
    {
    }

    /// <summary>Looks through all of the tables, and says everything that is wrong with them.</summary>
    /// <param name="cancellation">Stops it.</param>
    public virtual IEnumerable<string> FindFaults(CancellationToken cancellation) => [];
}
