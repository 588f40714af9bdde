namespace AzureIaaS.Disks.Writing;

/// <summary>
/// Makes a disk image of a format. Blocks of 4 MiB come in order, all zeros left out; what can be done with each by itself (compression) is
/// done by several threads, what depends on the order by one at a time.
/// </summary>
internal abstract class DiskWriter(OutputFile file) : IDisposable
{
    /// <summary>Whether packing costs more than writing, so that more threads help.</summary>
    public virtual bool IsCompressing => false;

    /// <summary>The file.</summary>
    protected OutputFile File { get; } = file;

    /// <summary>Prepares a block; called by several threads.</summary>
    /// <param name="block">The block's bytes; not all zeros.</param>
    /// <param name="packed">The thread's own place for what comes out.</param>
    public virtual void Pack(ReadOnlySpan<byte> block, PackedUnits packed)
    {
    }

    /// <summary>Writes a block; called in the blocks' order, by one thread at a time.</summary>
    /// <param name="offset">Where the block is on the disk, in bytes.</param>
    /// <param name="block">Its bytes.</param>
    /// <param name="packed">What <see cref="Pack"/> made of it.</param>
    public abstract void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed);

    /// <summary>Writes the tables, when all blocks are written, and gives the file its name.</summary>
    public void Finish()
    {
        WriteTables();
        File.Publish();
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();

    /// <summary>Whether bytes are all zeros.</summary>
    /// <param name="bytes">The bytes.</param>
    protected internal static bool IsZero(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept((byte)0);

    /// <summary>Writes what describes the blocks.</summary>
    protected abstract void WriteTables();

    /// <summary>Writes bytes without the runs of zeros in them, which stay holes of the file.</summary>
    /// <param name="offset">Where in the file.</param>
    /// <param name="bytes">The bytes.</param>
    protected void WriteSparse(long offset, ReadOnlySpan<byte> bytes)
    {
        const int granule = 64 << 10;
        var start = 0;
        for (var at = 0; at < bytes.Length; at += granule)
        {
            var length = Math.Min(granule, bytes.Length - at);
            if (!IsZero(bytes.Slice(at, length)))
                continue;
            if (at > start)
                File.Write(offset + start, bytes[start..at]);
            start = at + length;
        }

        if (start < bytes.Length)
            File.Write(offset + start, bytes[start..]);
    }
}
