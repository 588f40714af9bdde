using System.Buffers.Binary;
using System.Numerics;

namespace AzureIaaS.Disks;

/// <summary>The two 32-bit cyclic redundancy checks that disk formats use, both reflected; inverted at start and end unless said otherwise.</summary>
internal static class Crc32
{
    /// <summary>One table for each byte of eight that are taken at once; the first is that of one byte.</summary>
    private static readonly uint[][] IeeeTables = MakeTables(0xEDB88320);

    /// <summary>CRC-32 (IEEE 802.3), as GPT uses it.</summary>
    public static uint Ieee(ReadOnlySpan<byte> bytes) => Ieee(0, bytes);

    /// <summary>The same, going on from what came before.</summary>
    /// <param name="crc">That of what came before; 0 at the start.</param>
    /// <param name="bytes">What follows.</param>
    public static uint Ieee(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        var t = IeeeTables;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            var eight = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ crc;
            crc = t[7][(byte)eight] ^ t[6][(byte)(eight >> 8)] ^ t[5][(byte)(eight >> 16)] ^ t[4][(byte)(eight >> 24)]
                ^ t[3][(byte)(eight >> 32)] ^ t[2][(byte)(eight >> 40)] ^ t[1][(byte)(eight >> 48)] ^ t[0][(byte)(eight >> 56)];
        }

        foreach (var b in bytes)
            crc = t[0][(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    /// <summary>CRC-32C (Castagnoli), as VHDX uses it.</summary>
    public static uint Castagnoli(ReadOnlySpan<byte> bytes) => ~Castagnoli(uint.MaxValue, bytes);

    /// <summary>CRC-32C without the inversions, as Linux' file systems use it.</summary>
    /// <param name="crc">What came out so far, or what to start from.</param>
    /// <param name="bytes">What comes next.</param>
    public static uint Castagnoli(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }

    private static uint[][] MakeTables(uint polynomial)
    {
        var tables = Enumerable.Range(0, sizeof(ulong)).Select(_ => new uint[256]).ToArray();
        for (uint i = 0; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
            tables[0][i] = value;
        }

        for (var i = 0; i < 256; i++)
        {
            for (var more = 1; more < tables.Length; more++)
                tables[more][i] = tables[0][(byte)tables[more - 1][i]] ^ (tables[more - 1][i] >> 8);
        }

        return tables;
    }
}
