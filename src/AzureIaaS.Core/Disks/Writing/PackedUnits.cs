namespace AzureIaaS.Disks.Writing;

/// <summary>The units of one block, each compressed by itself, one behind the other in a buffer that a thread uses again and again.</summary>
internal sealed class PackedUnits : Stream
{
    private readonly List<Range> _units = [];
    private byte[] _bytes = new byte[1 << 20];
    private int _length;

    /// <summary>How many units there are, empty ones included.</summary>
    public int Count => _units.Count;

    /// <summary>A unit's compressed bytes; nothing for one that is all zeros.</summary>
    /// <param name="index">The unit.</param>
    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(_units[index]);

    /// <summary>Forgets all units.</summary>
    public void Clear()
    {
        _units.Clear();
        _length = 0;
    }

    /// <summary>Compresses a block's units by deflate.</summary>
    /// <param name="block">The block.</param>
    /// <param name="unitSize">The size of a unit in bytes; the last is filled up with zeros.</param>
    /// <param name="zlib">Whether with a zlib header and checksum (RFC 1950) or bare (RFC 1951).</param>
    /// <param name="level">How hard to try, in zlib's numbers; noise is not tried at all, but stored.</param>
    public void Deflate(ReadOnlySpan<byte> block, int unitSize, bool zlib, int level)
    {
        Clear();
        for (var at = 0; at < block.Length; at += unitSize)
        {
            var start = _length;
            var unit = block.Slice(at, Math.Min(unitSize, block.Length - at));
            if (!DiskWriter.IsZero(unit))
            {
                using var deflating = Noise.Is(unit) ? Deflater.Storing(this, zlib) : Deflater.To(this, zlib, level);
                deflating.Write(unit);
                if (unit.Length < unitSize)
                    deflating.Write(new byte[unitSize - unit.Length]);
            }

            _units.Add(start.._length);
        }
    }

    /// <summary>Compresses a block's units by zstd.</summary>
    /// <param name="block">The block.</param>
    /// <param name="unitSize">The size of a unit in bytes; the last is filled up with zeros.</param>
    /// <param name="level">How hard to try, in zstd's numbers.</param>
    public void Zstandard(ReadOnlySpan<byte> block, int unitSize, int level)
    {
        Clear();
        for (var at = 0; at < block.Length; at += unitSize)
        {
            var start = _length;
            var unit = block.Slice(at, Math.Min(unitSize, block.Length - at));
            if (!DiskWriter.IsZero(unit))
            {
                if (unit.Length < unitSize)
                    unit = (byte[])[.. unit, .. new byte[unitSize - unit.Length]];
                Reserve(Maps.Zstd.Bound(unitSize));
                _length += Maps.Zstd.Deflate(unit, _bytes.AsSpan(_length), level);
            }

            _units.Add(start.._length);
        }
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Reserve(buffer.Length);
        buffer.CopyTo(_bytes.AsSpan(_length));
        _length += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Reserve(int count)
    {
        if (_length > _bytes.Length - count)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
    }
}
