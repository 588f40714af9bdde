namespace AzureIaaS.Disks.Gzip;

/// <summary>
/// The content of a gzip file, readable at any place without being unpacked anywhere: it is read through once, which verifies it and tells its
/// length, and places to go on from are noted on the way.
/// </summary>
internal sealed class GzipBytes : IFileBytes
{
    private const int PieceSize = 512 << 10;
    private const int PiecesKept = 32;
    private const int MaxPoints = 512;   // of 32 KiB
    private const long FirstSpacing = 128 << 10;

    private static readonly Dictionary<Key, Index> Indexes = [];

    private readonly DiskFile _file;
    private readonly Index _index;
    private readonly object _gate = new();
    private readonly Dictionary<long, (byte[] Bytes, long Used)> _pieces = [];
    private GzipReader? _reader;
    private byte[] _ahead = [];
    private long _uses;

    /// <summary>Reads a file through. Takes it over: it is closed with this, and by a failure.</summary>
    /// <param name="file">The compressed file.</param>
    /// <exception cref="DiskImageException">It is damaged, or ends too early.</exception>
    public GzipBytes(DiskFile file)
    {
        _file = file;
        try
        {
            _index = IndexOf(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public long Length => _index.Length;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var (number, within) = Math.DivRem(offset, PieceSize);
            ReadOnlySpan<byte> piece;
            lock (_gate)
                piece = PieceAt(number).AsSpan((int)within);
            piece = piece[..Math.Min(piece.Length, buffer.Length)];
            piece.CopyTo(buffer);
            buffer = buffer[piece.Length..];
            offset += piece.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private byte[] PieceAt(long number)
    {
        if (!_pieces.TryGetValue(number, out var known))
        {
            known.Bytes = ReadPiece(number * PieceSize);
            if (_pieces.Count >= PiecesKept)
                _pieces.Remove(_pieces.MinBy(p => p.Value.Used).Key);
        }

        _pieces[number] = (known.Bytes, ++_uses);
        return known.Bytes;
    }

    private byte[] ReadPiece(long offset)
    {
        var point = _index.Points.Last(p => p.Offset <= offset);
        if (_reader is null || _reader.Offset - _ahead.Length > offset || _reader.Offset < point.Offset)
            (_reader, _ahead) = (new GzipReader(_file, point), []);
        var at = _reader.Offset - _ahead.Length;
        var piece = new byte[Math.Min(PieceSize, Length - offset)];
        var filled = 0;
        ReadOnlySpan<byte> bytes = _ahead;
        while (true)
        {
            var skip = (int)Math.Clamp(offset + filled - at, 0, bytes.Length);
            var part = bytes[skip..][..Math.Min(bytes.Length - skip, piece.Length - filled)];
            part.CopyTo(piece.AsSpan(filled));
            filled += part.Length;
            if (filled == piece.Length)
            {
                _ahead = bytes[(skip + part.Length)..].ToArray();
                return piece;
            }

            at = _reader.Offset;
            bytes = _reader.Next();
            if (bytes.IsEmpty)
                throw DiskErrors.Truncated(_file.Path, _file.Length, piece.Length - filled, _file.Length);   // it was longer when it was read through
        }
    }

    /// <summary>The index of a file that is the same as when it was last read through is not made again.</summary>
    private static Index IndexOf(DiskFile file)
    {
        var key = new Key(file.Container, file.Start, file.Length, File.Exists(file.Container) ? File.GetLastWriteTimeUtc(file.Container) : null);
        lock (Indexes)
        {
            if (key.LastWrite is not null && Indexes.TryGetValue(key, out var known))
                return known;
        }

        var index = Index.Of(file);
        lock (Indexes)
        {
            if (Indexes.Count >= 4)
                Indexes.Clear();
            Indexes[key] = index;
        }

        return index;
    }

    private sealed record Key(string Path, long Start, long Length, DateTime? LastWrite);

    private sealed record Index(long Length, List<GzipPoint> Points)
    {
        public static Index Of(DiskFile file)
        {
            var reader = new GzipReader(file);
            var points = new List<GzipPoint> { reader.Point() };
            var spacing = FirstSpacing;
            while (!reader.Next().IsEmpty)
            {
                if (!reader.IsAtPoint || reader.Offset - points[^1].Offset < spacing)
                    continue;
                if (points.Count == MaxPoints)
                {
                    points = [.. points.Where((_, i) => i % 2 == 0)];
                    spacing *= 2;
                }

                points.Add(reader.Point());
            }

            return new Index(reader.Offset, points);
        }
    }
}
