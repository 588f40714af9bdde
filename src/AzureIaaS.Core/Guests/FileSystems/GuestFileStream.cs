namespace AzureIaaS.Guests.FileSystems;

/// <summary>A guest's file as a stream, read ahead.</summary>
/// <param name="file">The file.</param>
internal sealed class GuestFileStream(GuestFile file) : Stream
{
    private readonly byte[] _ahead = new byte[128 << 10];
    private long _aheadAt;
    private int _aheadLength;
    private long _position;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => file.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new IOException("A stream has no place before its start.");
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_position >= file.Length || buffer.IsEmpty)
            return 0;
        if (_position < _aheadAt || _position >= _aheadAt + _aheadLength)
        {
            (_aheadAt, _aheadLength) = (_position, 0);
            var length = (int)Math.Min(_ahead.Length, file.Length - _position);
            file.Read(_position, _ahead.AsSpan(0, length));
            _aheadLength = length;
        }

        var bytes = _ahead.AsSpan((int)(_position - _aheadAt), (int)Math.Min(buffer.Length, _aheadAt + _aheadLength - _position));
        bytes.CopyTo(buffer);
        _position += bytes.Length;
        return bytes.Length;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) =>
        Position = offset + origin switch { SeekOrigin.Current => _position, SeekOrigin.End => file.Length, _ => 0 };

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
