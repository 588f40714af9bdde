using System.Numerics;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>The hash of 64 bits that the entries of a hive's transaction logs carry.</summary>
internal static class Marvin32
{
    // The two halves of the seed that the registry uses.
    private const uint LowSeed = 0x7A4E_55C5;
    private const uint HighSeed = 0x82EF_4D88;

    // What ends the message: a bit behind it, and a number of zeros. Messages are of whole numbers here.
    private const uint Padding = 0x80;

    /// <summary>Computes it.</summary>
    /// <param name="bytes">A multiple of four.</param>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var (low, high) = (LowSeed, HighSeed);
        for (var at = 0; at < bytes.Length; at += sizeof(uint))
            Mix(ref low, ref high, Le.U32(bytes, at));
        Mix(ref low, ref high, Padding);
        Mix(ref low, ref high, 0);
        return ((ulong)high << 32) | low;
    }

    private static void Mix(ref uint low, ref uint high, uint value)
    {
        low += value;
        high ^= low;
        low = BitOperations.RotateLeft(low, 20) + high;
        high = BitOperations.RotateLeft(high, 9) ^ low;
        low = BitOperations.RotateLeft(low, 27) + high;
        high = BitOperations.RotateLeft(high, 19);
    }
}
