namespace AzureIaaS.Guests.FileSystems.Btrfs;

/// <summary>LZO1X (kernel.org, Documentation/staging/lzo.rst, bitstream version 0), and how Btrfs packs sectors with it.</summary>
internal static class Lzo
{
    private const int LengthSize = 4;
    private const int NearMatches = 0x800;
    private const int FarMatches = 0x4000;

    // What the literals before a match say of it: none, one to three, or a longer run.
    private const int AfterRun = 4;

    /// <summary>Unpacks an extent: its length, then pieces of a sector each with their lengths, which do not cross sectors' ends.</summary>
    /// <param name="packed">The extent, padding and all.</param>
    /// <param name="sectorSize">A sector's size in bytes.</param>
    /// <param name="unpacked">What to fill; what is not covered stays.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public static void UnpackExtent(ReadOnlySpan<byte> packed, int sectorSize, Span<byte> unpacked)
    {
        var end = Math.Min(Le.U32(packed, 0), packed.Length);
        long at = LengthSize;
        while (at <= end - LengthSize && !unpacked.IsEmpty)
        {
            if (sectorSize - (at % sectorSize) is var left && left < LengthSize)
                at += left;
            var length = Le.U32(packed, (int)at);
            var written = Unpack(Fields.Slice(packed, at + LengthSize, length), unpacked[..Math.Min(sectorSize, unpacked.Length)]);
            unpacked = unpacked[written..];
            at += LengthSize + length;
        }
    }

    /// <summary>Unpacks a stream.</summary>
    /// <param name="packed">The stream, with the mark that ends it.</param>
    /// <param name="unpacked">What to fill.</param>
    /// <returns>How many bytes were filled.</returns>
    /// <exception cref="FileSystemException">It is damaged, or longer than what is to be filled.</exception>
    public static int Unpack(ReadOnlySpan<byte> packed, Span<byte> unpacked)
    {
        var (input, output, state) = (0, 0, 0);
        if (packed.Length > 0 && packed[0] > 17)
        {
            var count = packed[0] - 17;
            input = 1;
            Literals(packed, ref input, unpacked, ref output, count);
            state = Math.Min(count, AfterRun);
        }

        while (true)
        {
            int code = Next(packed, ref input), length, distance, literals;
            if (code < 16 && state == 0)
            {
                Literals(packed, ref input, unpacked, ref output, (code == 0 ? Long(packed, ref input, 15) : code) + 3);
                state = AfterRun;
                continue;
            }

            if (code < 16)
            {
                length = state == AfterRun ? 3 : 2;
                distance = (state == AfterRun ? NearMatches : 0) + 1 + (code >> 2) + (Next(packed, ref input) << 2);
                literals = code & 3;
            }
            else if (code >= 64)
            {
                length = (code >> 5) + 1;
                distance = 1 + ((code >> 2) & 7) + (Next(packed, ref input) << 3);
                literals = code & 3;
            }
            else
            {
                var isNear = code >= 32;
                var mask = isNear ? 31 : 7;
                length = 2 + ((code & mask) == 0 ? Long(packed, ref input, mask) : code & mask);
                var place = Next(packed, ref input) | (Next(packed, ref input) << 8);
                distance = (place >> 2) + (isNear ? 1 : (code & 8) << 11);
                if (!isNear && distance == 0)
                    return output;   // the mark that ends the stream
                distance += isNear ? 0 : FarMatches;
                literals = place & 3;
            }

            Match(unpacked, ref output, distance, length);
            Literals(packed, ref input, unpacked, ref output, literals);
            state = literals;
        }
    }

    private static int Next(ReadOnlySpan<byte> packed, ref int input) => input < packed.Length ? packed[input++] : throw Damaged();

    /// <summary>A length that does not fit: zeros count for 255 each.</summary>
    private static int Long(ReadOnlySpan<byte> packed, ref int input, int start)
    {
        var length = start;
        int next;
        while ((next = Next(packed, ref input)) == 0)
            length += byte.MaxValue;
        return length + next;
    }

    private static void Literals(ReadOnlySpan<byte> packed, ref int input, Span<byte> unpacked, ref int output, int count)
    {
        if (count > packed.Length - input || count > unpacked.Length - output)
            throw Damaged();
        packed.Slice(input, count).CopyTo(unpacked[output..]);
        input += count;
        output += count;
    }

    private static void Match(Span<byte> unpacked, ref int output, int distance, int length)
    {
        if (distance > output || length > unpacked.Length - output)
            throw Damaged();

        // A match may reach into what it writes.
        for (var i = 0; i < length; i++, output++)
            unpacked[output] = unpacked[output - distance];
    }

    private static FileSystemException Damaged() => new("compressed data of it is damaged");
}
