using System.Buffers.Binary;

namespace AzureIaaS.Guests;

/// <summary>Undoes LZ4 compression in its legacy frame, the one that the kernel reads: blocks of up to 8 MiB, each for itself.</summary>
/// <param name="packed">The compressed bytes, from the magic number on.</param>
internal sealed class Lz4LegacyStream(Stream packed) : Stream
{
    private const int BlockSize = 8 << 20;
    private const uint Magic = 0x184C2102;

    private byte[] _input = [];
    private byte[] _block = [];
    private int _length;
    private int _at;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (_at == _length)
        {
            if (!Next())
                return 0;
        }

        var bytes = _block.AsSpan(_at, Math.Min(buffer.Length, _length - _at));
        bytes.CopyTo(buffer);
        _at += bytes.Length;
        return bytes.Length;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private bool Next()
    {
        Span<byte> size = stackalloc byte[4];
        uint length;
        do
        {
            if (packed.ReadAtLeast(size, 4, throwOnEndOfStream: false) < 4)
                return false;
            length = BinaryPrimitives.ReadUInt32LittleEndian(size);
        }
        while (length == Magic);   // frames may follow one another

        // A block that cannot be compressed grows a little; anything longer is what follows the frame, padding above all.
        if (length is 0 or > BlockSize + (BlockSize / 255) + 16)
            return false;
        if (_input.Length < length)
            _input = new byte[length];
        packed.ReadExactly(_input, 0, (int)length);
        if (_block.Length == 0)
            _block = new byte[BlockSize];
        (_length, _at) = (Inflate(_input.AsSpan(0, (int)length), _block), 0);
        return true;
    }

    /// <summary>Inflates a block (LZ4 block format): runs of literals, each followed by a copy of earlier bytes.</summary>
    private static int Inflate(ReadOnlySpan<byte> packed, Span<byte> block)
    {
        var (at, to) = (0, 0);
        while (at < packed.Length)
        {
            var token = packed[at++];
            var literals = Count(packed, ref at, token >> 4);
            if (literals > packed.Length - at || literals > block.Length - to)
                throw new InvalidDataException();
            packed.Slice(at, literals).CopyTo(block[to..]);
            (at, to) = (at + literals, to + literals);
            if (at == packed.Length)
                break;
            if (at > packed.Length - 2)
                throw new InvalidDataException();
            var back = packed[at] | (packed[at + 1] << 8);
            at += 2;
            var length = Count(packed, ref at, token & 15) + 4;
            if (back == 0 || back > to || length > block.Length - to)
                throw new InvalidDataException();
            for (; length > 0; length--, to++)
                block[to] = block[to - back];
        }

        return to;
    }

    /// <summary>A count of four bits, or more bytes as long as each is 255.</summary>
    private static int Count(ReadOnlySpan<byte> packed, ref int at, int first)
    {
        if (first < 15)
            return first;
        while (true)
        {
            if (at >= packed.Length || first > BlockSize)
                throw new InvalidDataException();
            var more = packed[at++];
            first += more;
            if (more != 255)
                return first;
        }
    }
}
