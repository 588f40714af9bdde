using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// The checksum that the blob service compares with what it received (x-ms-content-crc64): CRC-64/NVME, reflected, polynomial 0xAD93D23594C93659, all ones before
/// and inverted after. By carry-less multiplication where the processor has it, a tenth of what MD5 costs.
/// </summary>
internal static class Crc64
{
    private const ulong Reflected = 0x9A6C9329AC4BC9B5;
    private const int Slices = 8;
    private const int Lane = 16;
    private const int Stride = 4 * Lane;

    private static readonly ulong[] Table = MakeTable();

    // A lane is carried over those after it by multiplying its halves with powers of x; a reflected product lies one bit too high, hence the "- 1".
    private static readonly Vector128<ulong> OverStride = Powers(Stride * 8);
    private static readonly Vector128<ulong> OverLane = Powers(Lane * 8);

    /// <summary>Whether the processor has carry-less multiplication: PCLMULQDQ, or on ARM64 PMULL.</summary>
    internal static bool IsAccelerated => Pclmulqdq.IsSupported || ArmAes.IsSupported;

    /// <summary>The checksum as the header has it: little-endian, in base 64.</summary>
    /// <param name="data">The bytes.</param>
    public static string Header(ReadOnlySpan<byte> data)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Compute(data));
        return Convert.ToBase64String(bytes);
    }

    /// <summary>The checksum.</summary>
    /// <param name="data">The bytes.</param>
    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        if (!IsAccelerated || data.Length < 2 * Stride)
            return ~Update(ulong.MaxValue, data);
        var whole = data.Length / Stride * Stride;
        return ~Update(Fold(data[..whole]), data[whole..]);
    }

    /// <summary>The checksum by tables, for processors without carry-less multiplication.</summary>
    /// <param name="data">The bytes.</param>
    internal static ulong ComputePortable(ReadOnlySpan<byte> data) => ~Update(ulong.MaxValue, data);

    /// <summary>Reduces whole strides, with the initial state, to a state.</summary>
    private static ulong Fold(ReadOnlySpan<byte> data)
    {
        var lanes = MemoryMarshal.Cast<byte, Vector128<ulong>>(data);
        var (a, b, c, d) = (lanes[0] ^ Vector128.Create(ulong.MaxValue, 0), lanes[1], lanes[2], lanes[3]);
        var over = OverStride;
        for (lanes = lanes[4..]; lanes.Length >= 4; lanes = lanes[4..])
        {
            a = Carry(a, over) ^ lanes[0];
            b = Carry(b, over) ^ lanes[1];
            c = Carry(c, over) ^ lanes[2];
            d = Carry(d, over) ^ lanes[3];
        }

        over = OverLane;
        var all = Carry(Carry(Carry(a, over) ^ b, over) ^ c, over) ^ d;
        return Update(0, MemoryMarshal.AsBytes(new ReadOnlySpan<Vector128<ulong>>(in all)));   // the same remainder as all that was folded
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Carry(Vector128<ulong> lane, Vector128<ulong> over) => Pclmulqdq.IsSupported
        ? Pclmulqdq.CarrylessMultiply(lane, over, 0x00) ^ Pclmulqdq.CarrylessMultiply(lane, over, 0x11)
        : ArmAes.PolynomialMultiplyWideningLower(lane.GetLower(), over.GetLower()) ^ ArmAes.PolynomialMultiplyWideningUpper(lane, over);

    private static ulong Update(ulong crc, ReadOnlySpan<byte> data)
    {
        var table = Table;
        for (; data.Length >= Slices; data = data[Slices..])
        {
            var word = crc ^ BinaryPrimitives.ReadUInt64LittleEndian(data);
            crc = 0;
            for (var slice = Slices - 1; slice >= 0; slice--, word >>= 8)
                crc ^= table[(slice << 8) + (byte)word];
        }

        foreach (var value in data)
            crc = table[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
    }

    /// <summary>What the two halves of a lane are multiplied with to stand so many bits further on; the first half stands 64 bits before the second.</summary>
    private static Vector128<ulong> Powers(int bits) => Vector128.Create(PowerOfX(bits + 64 - 1), PowerOfX(bits - 1));

    /// <summary>x to a power, modulo the polynomial, reflected: the highest bit is the constant term.</summary>
    private static ulong PowerOfX(int power)
    {
        var value = 1UL << 63;
        for (; power > 0; power--)
            value = TimesX(value);
        return value;
    }

    private static ulong TimesX(ulong value) => (value >> 1) ^ ((value & 1) * Reflected);

    private static ulong[] MakeTable()
    {
        var table = new ulong[Slices << 8];
        for (var i = 0; i < 256; i++)
        {
            ulong value = (uint)i;
            for (var bit = 0; bit < 8; bit++)
                value = TimesX(value);
            table[i] = value;
        }

        for (var i = 256; i < table.Length; i++)
            table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
        return table;
    }
}
