using System.Globalization;
using System.Text;

namespace AzureIaaS.Appliances;

/// <summary>Writes the header of a file in a tar archive (POSIX.1-1988 ustar; sizes from 8 GiB on in GNU's binary form, which every reader knows).</summary>
internal static class TarHeader
{
    /// <summary>How long a header is, and what a member is filled up to.</summary>
    public const int BlockSize = 512;

    private const long LargestOctal = 1L << 33;

    /// <summary>Makes a header.</summary>
    /// <param name="name">The file's name, at most 100 bytes of UTF-8.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="modified">When it was made.</param>
    public static byte[] Make(string name, long length, DateTimeOffset modified)
    {
        var bytes = new byte[BlockSize];
        Encoding.UTF8.GetBytes(name, bytes.AsSpan(0, 100));
        Octal(bytes.AsSpan(100, 8), 0b110_100_100);
        Octal(bytes.AsSpan(108, 8), 0);
        Octal(bytes.AsSpan(116, 8), 0);
        if (length < LargestOctal)
        {
            Octal(bytes.AsSpan(124, 12), length);
        }
        else
        {
            bytes[124] = 0x80;
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(128), length);
        }

        Octal(bytes.AsSpan(136, 12), modified.ToUnixTimeSeconds());
        bytes.AsSpan(148, 8).Fill((byte)' ');
        bytes[156] = (byte)'0';
        "ustar\0"u8.CopyTo(bytes.AsSpan(257));
        "00"u8.CopyTo(bytes.AsSpan(263));
        Octal(bytes.AsSpan(148, 7), bytes.Sum(b => b));
        return bytes;
    }

    /// <summary>A length filled up to whole blocks.</summary>
    /// <param name="length">The length in bytes.</param>
    public static long Padded(long length) => (length + BlockSize - 1) / BlockSize * BlockSize;

    private static void Octal(Span<byte> field, long value) =>
        Encoding.ASCII.GetBytes(Convert.ToString(value, 8).PadLeft(field.Length - 1, '0').ToUpper(CultureInfo.InvariantCulture) + "\0", field);
}
