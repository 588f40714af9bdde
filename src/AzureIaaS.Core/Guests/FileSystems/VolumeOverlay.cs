namespace AzureIaaS.Guests.FileSystems;

/// <summary>What is laid over a volume, in memory, sector by sector: the volume itself is not written. Used by one thread.</summary>
/// <param name="volume">The volume.</param>
internal sealed class VolumeOverlay(Volume volume)
{
    private const int SectorSize = 512;
    private const int MaxSectors = 1 << 18;   // 128 MiB

    private readonly Dictionary<long, byte[]> _sectors = [];

    /// <summary>The volume with what lies over it.</summary>
    public Volume Over() => _sectors.Count == 0 ? volume : new Volume(volume.Length, Read);

    /// <summary>Lays bytes over the volume.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="FileSystemException">They lie beyond its end, or have become too many.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, SectorSize);
            var count = (int)Math.Min(SectorSize - within, bytes.Length);
            bytes[..count].CopyTo(SectorAt(index).AsSpan((int)within));
            bytes = bytes[count..];
            offset += count;
        }
    }

    /// <summary>Fills the buffer from the volume and what lies over it.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="FileSystemException">The range leaves the volume.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        volume.Read(offset, buffer);
        for (var at = 0L; at < buffer.Length;)
        {
            var (index, within) = Math.DivRem(offset + at, SectorSize);
            var count = (int)Math.Min(SectorSize - within, buffer.Length - at);
            if (_sectors.TryGetValue(index, out var sector))
                sector.AsSpan((int)within, count).CopyTo(buffer[(int)at..]);
            at += count;
        }
    }

    private byte[] SectorAt(long index)
    {
        if (_sectors.TryGetValue(index, out var known))
            return known;
        if (_sectors.Count == MaxSectors)
            throw new FileSystemException("its log has more in it than is read");
        return _sectors[index] = volume.Bytes(index * SectorSize, SectorSize);
    }
}
