namespace AzureIaaS.Disks.Gzip;

/// <summary>A Huffman code of deflate (RFC 1951, section 3.2.2): short codes are looked up, longer ones are counted through.</summary>
internal sealed class HuffmanCode
{
    /// <summary>The longest code in bits.</summary>
    public const int MaxBits = 15;

    private const int QuickBits = 10;

    private readonly ushort[] _quick = new ushort[1 << QuickBits];   // symbol times 16 plus length; 0 for a longer code
    private readonly ushort[] _count = new ushort[MaxBits + 1];
    private readonly ushort[] _symbols = new ushort[288];

    /// <summary>Makes the code of these lengths.</summary>
    /// <param name="lengths">The length of each symbol's code in bits; 0 for none.</param>
    /// <returns>Whether they make a code: no more codes of a length than there is room for, and none left over but for a single one.</returns>
    public bool Set(ReadOnlySpan<byte> lengths)
    {
        Array.Clear(_count);
        Array.Clear(_quick);
        foreach (var length in lengths)
            _count[length]++;
        var used = lengths.Length - _count[0];
        _count[0] = 0;
        var left = 1;
        Span<ushort> next = stackalloc ushort[MaxBits + 2];
        Span<int> code = stackalloc int[MaxBits + 2];
        for (var bits = 1; bits <= MaxBits; bits++)
        {
            left = (left << 1) - _count[bits];
            if (left < 0)
                return false;
            next[bits + 1] = (ushort)(next[bits] + _count[bits]);
            code[bits + 1] = (code[bits] + _count[bits]) << 1;
        }

        if (left > 0 && used > 1)
            return false;
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            int bits = lengths[symbol];
            if (bits == 0)
                continue;
            _symbols[next[bits]++] = (ushort)symbol;
            var value = code[bits]++;
            if (bits > QuickBits)
                continue;
            for (var at = Reversed(value, bits); at < _quick.Length; at += 1 << bits)
                _quick[at] = (ushort)((symbol << 4) | bits);
        }

        return true;
    }

    /// <summary>Finds the symbol at the head of a row of bits.</summary>
    /// <param name="row">The bits, the first one lowest.</param>
    /// <param name="used">How many of them its code has.</param>
    /// <returns>The symbol; -1 for bits that are no code.</returns>
    public int Decode(ulong row, out int used)
    {
        int quick = _quick[row & ((1 << QuickBits) - 1)];
        used = quick & 15;
        return quick != 0 ? quick >> 4 : DecodeLong(row, out used);
    }

    private int DecodeLong(ulong row, out int used)
    {
        var (code, first, index) = (0, 0, 0);
        for (used = 1; used <= MaxBits; used++)
        {
            code |= (int)(row & 1);
            row >>= 1;
            int count = _count[used];
            if (code - count < first)
                return _symbols[index + code - first];
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }

        return -1;
    }

    private static int Reversed(int value, int bits)
    {
        var reversed = 0;
        for (; bits > 0; bits--, value >>= 1)
            reversed = (reversed << 1) | (value & 1);
        return reversed;
    }
}
