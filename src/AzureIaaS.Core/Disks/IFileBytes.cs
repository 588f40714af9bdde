namespace AzureIaaS.Disks;

/// <summary>Bytes that are read like those of a file, and come from elsewhere. Any number of threads may read at once.</summary>
internal interface IFileBytes : IDisposable
{
    /// <summary>How many there are.</summary>
    long Length { get; }

    /// <summary>Fills the buffer; the range lies within the length.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="DiskImageException">They cannot be read, or are damaged.</exception>
    void Read(long offset, Span<byte> buffer);
}
