using System.Buffers.Binary;
using System.Globalization;

namespace AzureIaaS.Tests.Support;

/// <summary>How fuzzers here do damage: bits, bytes, and the numbers that structures break at.</summary>
internal static class Mutation
{
    /// <summary>Set AZUREIAAS_SOAK to a number to try as many times more.</summary>
    public static int Times =>
        int.TryParse(Environment.GetEnvironmentVariable("AZUREIAAS_SOAK"), NumberStyles.None, CultureInfo.InvariantCulture, out var times) ? Math.Max(1, times) : 1;

    /// <summary>Changes some of eight bytes.</summary>
    public static void Change(Span<byte> at, long fileLength, Random random)
    {
        long[] values =
        [
            0, 1, 2, -1, -2, 255, 512, 4096, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue,
            fileLength, fileLength - 1, fileLength / 512, fileLength * 512, 1L << 40, random.NextInt64(),
        ];
        var value = values[random.Next(values.Length)];
        switch (random.Next(6))
        {
            case 0:
                at[0] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                at[0] = (byte)random.Next(256);
                break;
            case 2:
                BinaryPrimitives.WriteInt32LittleEndian(at, (int)value);
                break;
            case 3:
                BinaryPrimitives.WriteInt32BigEndian(at, (int)value);
                break;
            case 4:
                BinaryPrimitives.WriteInt64LittleEndian(at, value);
                break;
            default:
                BinaryPrimitives.WriteInt64BigEndian(at, value);
                break;
        }
    }
}
