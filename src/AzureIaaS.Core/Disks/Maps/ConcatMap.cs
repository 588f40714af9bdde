namespace AzureIaaS.Disks.Maps;

/// <summary>Several maps in a row: the extents of a disk that is kept in pieces.</summary>
internal sealed class ConcatMap : BlockMap
{
    private readonly BlockMap[] _parts;
    private readonly long[] _starts;

    /// <summary>Puts maps in a row.</summary>
    /// <param name="parts">The maps in order; at least one, none empty, and together no longer than a number can say.</param>
    public ConcatMap(IEnumerable<BlockMap> parts)
    {
        _parts = [.. parts];
        _starts = new long[_parts.Length];
        for (var i = 0; i < _parts.Length; i++)
        {
            _starts[i] = Length;
            Length = checked(Length + _parts[i].Length);
        }
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override bool HasPacked => _parts.Any(p => p.HasPacked);

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> buffer)
    {
        for (var i = PartAt(offset); !buffer.IsEmpty; i++)
        {
            var within = offset - _starts[i];
            var length = (int)Math.Min(buffer.Length, _parts[i].Length - within);
            _parts[i].Read(within, buffer[..length]);
            buffer = buffer[length..];
            offset += length;
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<DiskExtent> Extents(long offset, long length)
    {
        var end = offset + length;
        for (var i = PartAt(offset); offset < end; i++)
        {
            var within = offset - _starts[i];
            var part = Math.Min(end - offset, _parts[i].Length - within);
            foreach (var extent in _parts[i].Extents(within, part))
                yield return extent with { Start = extent.Start + _starts[i] };
            offset += part;
        }
    }

    /// <inheritdoc/>
    public override void Verify()
    {
        foreach (var part in _parts)
            part.Verify();
    }

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(CancellationToken cancellation) => _parts.SelectMany(p => p.FindFaults(cancellation));

    private int PartAt(long offset)
    {
        var found = Array.BinarySearch(_starts, offset);
        return found >= 0 ? found : ~found - 1;
    }
}
