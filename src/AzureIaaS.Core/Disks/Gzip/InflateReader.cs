using System.Buffers.Binary;

namespace AzureIaaS.Disks.Gzip;

/// <summary>
/// Reads a deflate stream (RFC 1951) from any of its blocks on, given the 32 KiB before it, which no library that comes with the runtime does:
/// that is what makes a compressed file readable at any place.
/// </summary>
internal sealed class InflateReader
{
    /// <summary>How far back a match may refer, in bytes.</summary>
    public const int WindowSize = 32 << 10;

    private const int Room = 256 << 10;
    private const int LongestMatch = 258;

    private static readonly ushort[] LengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    private static readonly byte[] LengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static readonly ushort[] DistanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
    private static readonly byte[] DistanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
    private static readonly byte[] LengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly DiskFile _file;
    private readonly byte[] _input = new byte[64 << 10];
    private readonly byte[] _output = new byte[WindowSize + Room];
    private readonly HuffmanCode _literals = new();
    private readonly HuffmanCode _distances = new();
    private long _inputNext;
    private int _inputAt;
    private int _inputEnd;
    private ulong _bits;
    private int _bitCount;
    private int _end = WindowSize;
    private int _history;
    private Block _block;
    private bool _isLast;
    private int _stored;

    /// <summary>Begins at a block.</summary>
    /// <param name="file">The file that holds the stream.</param>
    /// <param name="bit">Where in the file the block begins, in bits.</param>
    /// <param name="window">What comes before it, at most 32 KiB.</param>
    public InflateReader(DiskFile file, long bit, ReadOnlySpan<byte> window)
    {
        _file = file;
        _inputNext = bit >> 3;
        window.CopyTo(_output.AsSpan(WindowSize - window.Length));
        _history = window.Length;
        if ((bit & 7) > 0)
            Take((int)(bit & 7));
    }

    private enum Block
    {
        None,
        Stored,
        Coded,
    }

    /// <summary>Where in the file the next bit is, in bits.</summary>
    public long Bit => ((_inputNext - _inputEnd + _inputAt) << 3) - _bitCount;

    /// <summary>Whether a block begins here.</summary>
    public bool IsAtBlock => _block == Block.None && !_isLast;

    /// <summary>The last bytes that were read, at most 32 KiB.</summary>
    public ReadOnlySpan<byte> Window => _output.AsSpan(_end - Known, Known);

    private int Known => Math.Min(WindowSize, _history + _end - WindowSize);

    /// <summary>Reads on, to the end of the block at most.</summary>
    /// <returns>The bytes, valid until the next call; none at the end of the stream.</returns>
    /// <exception cref="DiskImageException">The stream is damaged, or ends too early.</exception>
    public ReadOnlySpan<byte> Next()
    {
        if (_end > WindowSize)
        {
            _history = Known;
            _output.AsSpan(_end - WindowSize, WindowSize).CopyTo(_output);
            _end = WindowSize;
        }

        while (_end <= _output.Length - LongestMatch)
        {
            if (_block == Block.None)
            {
                if (_isLast || _end > WindowSize)
                    break;
                ReadHeader();
            }

            if (_block == Block.Stored)
                CopyStored();
            else
                ReadSymbols();
        }

        return _output.AsSpan(WindowSize, _end - WindowSize);
    }

    private void ReadHeader()
    {
        _isLast = Take(1) == 1;
        switch (Take(2))
        {
            case 0:
                Take(_bitCount & 7);
                _stored = Take(16);
                if (_stored != (Take(16) ^ 0xFFFF))
                    throw Damaged();
                _block = Block.Stored;
                break;
            case 1:
                Span<byte> lengths = stackalloc byte[288 + 30];
                lengths[..144].Fill(8);
                lengths[144..256].Fill(9);
                lengths[256..280].Fill(7);
                lengths[280..288].Fill(8);
                lengths[288..].Fill(5);
                _literals.Set(lengths[..288]);

                // 30 of 32 codes are used; the others are no distances.
                _distances.Set([.. lengths[288..], 5, 5]);
                _block = Block.Coded;
                break;
            case 2:
                ReadCodes();
                _block = Block.Coded;
                break;
            default:
                throw Damaged();
        }
    }

    /// <summary>The codes of a block that brings its own (RFC 1951, section 3.2.7).</summary>
    private void ReadCodes()
    {
        var (literals, distances, count) = (Take(5) + 257, Take(5) + 1, Take(4) + 4);
        if (literals > 286 || distances > 30)
            throw Damaged();
        Span<byte> lengths = stackalloc byte[286 + 30 + 138];
        lengths.Clear();
        Span<byte> orders = stackalloc byte[19];
        orders.Clear();
        for (var i = 0; i < count; i++)
            orders[LengthOrder[i]] = (byte)Take(3);
        if (!_literals.Set(orders))
            throw Damaged();
        for (var i = 0; i < literals + distances;)
        {
            Fill();
            var symbol = _literals.Decode(_bits, out var used);
            if (symbol < 0)
                throw Damaged();
            Take(used);
            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && i == 0)
                throw Damaged();
            var (value, times) = symbol switch
            {
                16 => (lengths[i - 1], 3 + Take(2)),
                17 => ((byte)0, 3 + Take(3)),
                _ => ((byte)0, 11 + Take(7)),
            };
            if (i + times > literals + distances)
                throw Damaged();
            lengths.Slice(i, times).Fill(value);
            i += times;
        }

        if (lengths[256] == 0 || !_literals.Set(lengths[..literals]) || !_distances.Set(lengths.Slice(literals, distances)))
            throw Damaged();
    }

    private void CopyStored()
    {
        while (_stored > 0 && _end < _output.Length)
        {
            if (_bitCount >= 8)
            {
                _output[_end++] = (byte)Take(8);
                _stored--;
                continue;
            }

            if (_inputAt == _inputEnd && !Load())
                throw EndsEarly();
            _bits = 0;   // what was seen ahead is read here
            var length = Math.Min(Math.Min(_stored, _output.Length - _end), _inputEnd - _inputAt);
            _input.AsSpan(_inputAt, length).CopyTo(_output.AsSpan(_end));
            _inputAt += length;
            _end += length;
            _stored -= length;
        }

        if (_stored == 0)
            _block = Block.None;
    }

    private void ReadSymbols()
    {
        while (_end <= _output.Length - LongestMatch)
        {
            Fill();
            var symbol = _literals.Decode(_bits, out var used);
            Drop(used);
            if (symbol < 256)
            {
                if (symbol < 0)
                    throw Damaged();
                _output[_end++] = (byte)symbol;
                continue;
            }

            if (symbol == 256)
            {
                _block = Block.None;
                return;
            }

            ReadMatch(symbol - 257);
        }
    }

    /// <summary>A length and a distance: 48 bits at the most with the length's own code, which one filling holds.</summary>
    private void ReadMatch(int symbol)
    {
        if (symbol >= LengthBase.Length)
            throw Damaged();
        var length = LengthBase[symbol] + (int)(_bits & ((1u << LengthExtra[symbol]) - 1));
        Drop(LengthExtra[symbol]);
        var code = _distances.Decode(_bits, out var used);
        if (code < 0 || code >= DistanceBase.Length)
            throw Damaged();
        Drop(used);
        var distance = DistanceBase[code] + (int)(_bits & ((1u << DistanceExtra[code]) - 1));
        Drop(DistanceExtra[code]);
        if (distance > _history + _end - WindowSize)
            throw Damaged();
        var from = _output.AsSpan(_end - distance);
        if (distance >= length)
        {
            from[..length].CopyTo(_output.AsSpan(_end));
        }
        else if (distance == 1)
        {
            _output.AsSpan(_end, length).Fill(from[0]);
        }
        else
        {
            for (var i = 0; i < length; i++)
                _output[_end + i] = from[i];
        }

        _end += length;
    }

    private int Take(int count)
    {
        if (_bitCount < count)
            Fill();
        var value = (int)(_bits & ((1UL << count) - 1));
        Drop(count);
        return value;
    }

    private void Drop(int count)
    {
        _bits >>= count;
        _bitCount -= count;
        if (_bitCount < 0)
            throw EndsEarly();
    }

    /// <summary>Holds at least 56 bits ready, or all that are left. Bits beyond the count may be there already; they are the right ones.</summary>
    private void Fill()
    {
        if (_inputEnd - _inputAt >= sizeof(ulong))
        {
            _bits |= BinaryPrimitives.ReadUInt64LittleEndian(_input.AsSpan(_inputAt)) << _bitCount;
            var whole = (63 - _bitCount) >> 3;
            _inputAt += whole;
            _bitCount += whole << 3;
            return;
        }

        while (_bitCount < 56 && (_inputAt < _inputEnd || Load()))
        {
            _bits |= (ulong)_input[_inputAt++] << _bitCount;
            _bitCount += 8;
        }
    }

    private bool Load()
    {
        var length = (int)Math.Min(_input.Length, _file.Length - _inputNext);
        if (length <= 0)
            return false;
        _file.Read(_inputNext, _input.AsSpan(0, length));
        (_inputNext, _inputAt, _inputEnd) = (_inputNext + length, 0, length);
        return true;
    }

    private DiskImageException Damaged() => DiskErrors.Corrupt(_file.Path, Bit >> 3, "its compressed data is damaged");

    private DiskImageException EndsEarly() => DiskErrors.Truncated(_file.Path, _file.Length, 1, _file.Length);
}
