using System.Buffers.Binary;
using System.Numerics;

namespace AzureIaaS.Disks;

/// <summary>The two 32-bit cyclic redundancy checks that disk formats use, both reflected; inverted at start and end unless said otherwise.</summary>
internal static class Crc32
{
    private static readonly uint[] IeeeTable = MakeTable(0xEDB88320);

    /// <summary>CRC-32 (IEEE 802.3), as GPT uses it.</summary>
    public static uint Ieee(ReadOnlySpan<byte> bytes) => Compute(IeeeTable, bytes);

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

    private static uint Compute(uint[] table, ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            crc = table[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] MakeTable(uint polynomial)
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
            table[i] = value;
        }

        return table;
    }
}
