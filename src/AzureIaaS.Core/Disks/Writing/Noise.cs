using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace AzureIaaS.Disks.Writing;

/// <summary>
/// Tells bytes that deflate cannot make smaller (archives, pictures, packages, ciphertext) from others, at a tenth of what trying costs.
/// </summary>
internal static class Noise
{
    private const int HashBits = 13;
    private const int LeastLength = 16 << 10;   // of fewer bytes the counts say too little
    private const int Stride = 4;

    /// <summary>
    /// Whether bytes are noise: every value is about as frequent as any other, which leaves a Huffman code nothing to gain, and there is hardly a
    /// sequence of four that has been there before, which leaves nothing to refer to.
    /// </summary>
    /// <param name="bytes">The bytes.</param>
    public static bool Is(ReadOnlySpan<byte> bytes) => bytes.Length >= LeastLength && IsEven(bytes) && !Repeats(bytes);

    private static bool IsEven(ReadOnlySpan<byte> bytes)
    {
        // Four tables, so that equal neighbours do not wait for each other's count.
        Span<int> counts = stackalloc int[4 * 256];
        counts.Clear();
        foreach (var four in MemoryMarshal.Cast<byte, uint>(bytes))
        {
            counts[(int)(four & 0xFF)]++;
            counts[256 + (int)((four >> 8) & 0xFF)]++;
            counts[512 + (int)((four >> 16) & 0xFF)]++;
            counts[768 + (int)(four >> 24)]++;
        }

        long squares = 0;
        for (var i = 0; i < 256; i++)
        {
            long count = counts[i] + counts[256 + i] + counts[512 + i] + counts[768 + i];
            squares += count * count;
        }

        // Of noise the sum is length²/256, and about length more by chance. Two per cent more than that is a hundredth of the length to be gained.
        var length = (long)bytes.Length;
        return squares < (length * length / 256 * 102 / 100) + length;
    }

    private static bool Repeats(ReadOnlySpan<byte> bytes)
    {
        Span<ushort> places = stackalloc ushort[1 << HashBits];
        places.Clear();
        var (found, most) = (0, bytes.Length / 1024);
        for (var at = Stride; at <= bytes.Length - sizeof(uint); at++)
        {
            var four = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            ref var place = ref places[(int)((four * 2654435761U) >> (32 - HashBits))];
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[(place * Stride)..]) == four && place * Stride < at && ++found > most)
                return true;
            if (at % Stride == 0)
                place = (ushort)(at / Stride);
        }

        return false;
    }
}
