using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Wire;

/// <summary>The Internet's checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words.</summary>
internal static class Checksum
{
    /// <summary>The checksum of bytes, which is 0 when they contain their own.</summary>
    public static ushort Of(ReadOnlySpan<byte> data, uint start = 0) => Fold(Sum(data, start));

    /// <summary>The checksum of a UDP datagram or TCP segment with the pseudo-header before it (RFC 768; RFC 9293, section 3.1).</summary>
    public static ushort OfTransport(uint source, uint destination, byte protocol, ReadOnlySpan<byte> segment)
    {
        var pseudo = (source >> 16) + (source & 0xFFFF) + (destination >> 16) + (destination & 0xFFFF) + protocol + (uint)segment.Length;
        return Fold(Sum(segment, pseudo));
    }

    private static uint Sum(ReadOnlySpan<byte> data, uint sum)
    {
        ulong total = sum;
        while (data.Length >= 2)
        {
            total += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }

        if (data.Length == 1)
            total += (uint)data[0] << 8;
        while (total >> 16 != 0)
            total = (total & 0xFFFF) + (total >> 16);
        return (uint)total;
    }

    private static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
