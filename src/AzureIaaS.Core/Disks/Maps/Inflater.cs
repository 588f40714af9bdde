using System.IO.Compression;

namespace AzureIaaS.Disks.Maps;

/// <summary>Undoes deflate compression of one unit of a disk.</summary>
internal static class Inflater
{
    [ThreadStatic]
    private static byte[]? _skipped;

    /// <summary>Fills the buffer from compressed bytes.</summary>
    /// <param name="packed">The compressed bytes; what follows their end is not looked at.</param>
    /// <param name="zlib">Whether they have a zlib header and checksum (RFC 1950) or are bare (RFC 1951).</param>
    /// <param name="skip">How many bytes come before those wanted.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <param name="isEnd">Whether the compressed bytes must end with the buffer; their checksum is then verified.</param>
    /// <returns>What is wrong, in half a sentence; null if it went well.</returns>
    public static string? Inflate(ArraySegment<byte> packed, bool zlib, int skip, Span<byte> buffer, bool isEnd)
    {
        using var input = new Segment(packed);
        using Stream inflating = zlib ? new ZLibStream(input, CompressionMode.Decompress) : new DeflateStream(input, CompressionMode.Decompress);
        try
        {
            while (skip > 0)
            {
                _skipped ??= new byte[16 << 10];
                var read = inflating.Read(_skipped, 0, Math.Min(skip, _skipped.Length));
                if (read == 0)
                    return EndsEarly;
                skip -= read;
            }

            if (inflating.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
                return EndsEarly;
            Span<byte> beyond = stackalloc byte[1];
            return isEnd && inflating.Read(beyond) > 0 ? "its compressed data holds more than belongs there" : null;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return "its compressed data is damaged";
        }
    }

    private const string EndsEarly = "its compressed data ends too early";

    /// <summary>A segment of an array as a stream that cannot seek, so that the inflater does not try to give bytes back.</summary>
    private sealed class Segment(ArraySegment<byte> bytes) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, bytes.Count - _position);
            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
