namespace AzureIaaS.Disks.Nbd;

/// <summary>A disk as an NBD server offers it: read-only.</summary>
/// <param name="Name">The export's name.</param>
/// <param name="Length">The size of the disk in bytes.</param>
/// <param name="Read">Fills a buffer from a place on the disk. Called by several threads at once; what it throws as <see cref="IaaSException"/> or <see cref="IOException"/> becomes an error of that request alone.</param>
public sealed record NbdExport(string Name, long Length, NbdRead Read);

/// <summary>Reads from an exported disk.</summary>
/// <param name="offset">Where to start, in bytes; with the buffer's length within the disk.</param>
/// <param name="buffer">What to fill, wholly.</param>
public delegate void NbdRead(long offset, Span<byte> buffer);
