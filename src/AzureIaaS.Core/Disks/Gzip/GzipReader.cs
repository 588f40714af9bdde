using System.Buffers.Binary;

namespace AzureIaaS.Disks.Gzip;

/// <summary>A place in a gzip file from which it can be read on.</summary>
/// <param name="Offset">How many bytes of content come before it.</param>
/// <param name="Bit">Where in the file it is, in bits.</param>
/// <param name="Window">The content just before it, at most 32 KiB.</param>
internal sealed record GzipPoint(long Offset, long Bit, byte[] Window);

/// <summary>Reads a gzip file (RFC 1952) in order, member after member. From its start, the checksums are verified.</summary>
internal sealed class GzipReader
{
    private const int HeaderSize = 10;
    private const int TrailerSize = 8;
    private const int MaxHeader = 64 << 10;

    private readonly DiskFile _file;
    private InflateReader _inflate;
    private uint? _crc;
    private uint _size;

    /// <summary>Begins at the start.</summary>
    /// <param name="file">The file.</param>
    public GzipReader(DiskFile file)
    {
        _file = file;
        _inflate = Begin(0);
        _crc = 0;
    }

    /// <summary>Begins at a place that was noted.</summary>
    /// <param name="file">The file.</param>
    /// <param name="point">The place.</param>
    public GzipReader(DiskFile file, GzipPoint point)
    {
        _file = file;
        _inflate = new InflateReader(file, point.Bit, point.Window);
        Offset = point.Offset;
    }

    /// <summary>How many bytes of content have been read.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether one can go on from here later.</summary>
    public bool IsAtPoint => _inflate.IsAtBlock;

    /// <summary>What it takes to go on from here later.</summary>
    public GzipPoint Point() => new(Offset, _inflate.Bit, _inflate.Window.ToArray());

    /// <summary>Whether these are the first bytes of a gzip file with deflate in it.</summary>
    /// <param name="head">The first bytes.</param>
    public static bool IsAt(ReadOnlySpan<byte> head) => head.Length >= HeaderSize && head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]) && (head[3] & 0xE0) == 0;

    /// <summary>Reads on.</summary>
    /// <returns>Some bytes, valid until the next call; none at the end.</returns>
    /// <exception cref="DiskImageException">The file is damaged, or ends too early.</exception>
    public ReadOnlySpan<byte> Next()
    {
        while (true)
        {
            var bytes = _inflate.Next();
            if (!bytes.IsEmpty)
            {
                if (_crc is { } crc)
                    _crc = Crc32.Ieee(crc, bytes);
                _size += (uint)bytes.Length;
                Offset += bytes.Length;
                return bytes;
            }

            var next = EndMember((_inflate.Bit + 7) >> 3);
            if (next < 0)
                return [];
            _inflate = Begin(next);
            (_crc, _size) = (0, 0);
        }
    }

    /// <summary>Verifies a member's trailer.</summary>
    /// <returns>Where the next member begins; -1 where there is none.</returns>
    private long EndMember(long at)
    {
        var trailer = _file.Read(at, TrailerSize);
        if (_crc is { } crc && (crc != BinaryPrimitives.ReadUInt32LittleEndian(trailer) || _size != BinaryPrimitives.ReadUInt32LittleEndian(trailer.AsSpan(4))))
            throw DiskErrors.Corrupt(_file.Path, at, "the checksum of its content is wrong");
        at += TrailerSize;
        Span<byte> head = stackalloc byte[HeaderSize];
        if (_file.Length - at < HeaderSize)
            return -1;
        _file.Read(at, head);
        if (IsAt(head))
            return at;

        // Tapes and archives leave zeros behind a file; gzip passes over them.
        return head.ContainsAnyExcept((byte)0) ? throw DiskErrors.Corrupt(_file.Path, at, "there is something other than gzip behind its content") : -1;
    }

    private InflateReader Begin(long at)
    {
        var head = _file.Read(at, (int)Math.Min(MaxHeader, _file.Length - at)).AsSpan();
        if (!IsAt(head))
            throw DiskErrors.Corrupt(_file.Path, at, "this is no gzip header");
        var (flags, end) = (head[3], HeaderSize);
        if ((flags & 4) != 0)
            end += end + 2 <= head.Length ? 2 + BinaryPrimitives.ReadUInt16LittleEndian(head[end..]) : MaxHeader;
        for (var texts = (flags >> 3) & 3; texts > 0; texts &= texts - 1)
            end += end < head.Length && head[end..].IndexOf((byte)0) is >= 0 and var length ? length + 1 : MaxHeader;
        if ((flags & 2) != 0)
            end += 2;
        return end < head.Length ? new InflateReader(_file, (at + end) << 3, []) : throw DiskErrors.Truncated(_file.Path, at, end, _file.Length);
    }
}
