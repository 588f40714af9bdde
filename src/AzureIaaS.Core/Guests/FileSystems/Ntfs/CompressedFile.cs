namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>A file that NTFS compressed: each unit of clusters is either there as it is, or shorter and compressed, or not there and zeros.</summary>
internal sealed class CompressedFile : GuestFile
{
    private readonly RunFile _clusters;
    private readonly List<FileRun> _runs;
    private readonly byte[] _unit;
    private long _current = -1;

    /// <summary>Opens one.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="length">The file's length in bytes.</param>
    /// <param name="unitSize">The length of a unit in bytes.</param>
    /// <param name="runs">Its runs.</param>
    public CompressedFile(Volume volume, long length, int unitSize, List<FileRun> runs)
        : base(length)
    {
        _runs = [.. runs.OrderBy(r => r.Start)];
        _clusters = new RunFile(volume, (length + unitSize - 1) / unitSize * unitSize, _runs);
        _unit = new byte[unitSize];
    }

    /// <inheritdoc/>
    protected override void ReadCore(long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, _unit.Length);
            if (_current != index)
            {
                _current = -1;
                Load(index);
                _current = index;
            }

            var part = _unit.AsSpan((int)within);
            part = part[..Math.Min(part.Length, buffer.Length)];
            part.CopyTo(buffer);
            buffer = buffer[part.Length..];
            offset += part.Length;
        }
    }

    private void Load(long index)
    {
        var (start, end) = (index * _unit.Length, (index + 1) * _unit.Length);
        var there = Covered(start, end);
        if (there == 0 || there == _unit.Length)
        {
            _clusters.Read(start, _unit);
            return;
        }

        var packed = new byte[there];
        _clusters.Read(start, packed);
        Lznt1.Inflate(packed, _unit);
    }

    /// <summary>How many bytes of a unit lie on the volume, from its start on.</summary>
    private int Covered(long start, long end)
    {
        var at = start;
        var (low, high) = (0, _runs.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_runs[middle].End <= start)
                low = middle + 1;
            else
                high = middle;
        }

        for (; low < _runs.Count && at < end && _runs[low].Start <= at; low++)
            at = Math.Min(end, _runs[low].End);
        return (int)(at - start);
    }
}
