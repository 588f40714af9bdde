namespace AzureIaaS.Providers;

/// <summary>Where the blocks of a copied disk go: a sparse file, or the pages of a managed disk. What is never written reads as zeros.</summary>
public interface IDiskTarget : IAsyncDisposable
{
    /// <summary>What this target asks of whoever copies to it.</summary>
    DiskTargetTraits Traits => DiskTargetTraits.None;

    /// <summary>Hears of a piece that a former attempt has written and that is right, for targets that keep account of what they hold.</summary>
    /// <param name="offset">Where on the disk, in bytes.</param>
    /// <param name="length">How many bytes.</param>
    void Keep(long offset, int length)
    {
    }

    /// <summary>Writes a piece; several threads may write different pieces at once, and a piece may be written again.</summary>
    /// <param name="offset">Where on the disk, in bytes.</param>
    /// <param name="data">The bytes.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">There is no room, or the device failed.</exception>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation);

    /// <summary>Reads back what a former attempt has written, to check it.</summary>
    /// <param name="offset">Where on the disk, in bytes.</param>
    /// <param name="buffer">What to fill, wholly; what was never written is zeros.</param>
    /// <param name="cancellation">Stops it.</param>
    ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation);

    /// <summary>Returns when everything written would survive the loss of power.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    ValueTask FlushAsync(CancellationToken cancellation);
}
