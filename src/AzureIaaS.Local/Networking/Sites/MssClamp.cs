using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// Lowers the segment size that a TCP connection announces when it is made (RFC 9293, section 3.7.1), so that its packets fit the tunnel from the
/// first one on: routers on the way may drop the messages by which it would learn otherwise.
/// </summary>
internal static class MssClamp
{
    /// <summary>The largest segment through a tunnel; what Azure's VPN gateway advises.</summary>
    public const ushort Most = 1350;

    private const byte Tcp = 6;
    private const byte Syn = 2;
    private const int ShortestTcp = 20;
    private const byte EndOfOptions = 0;
    private const byte NoOperation = 1;
    private const byte SegmentSize = 2;

    /// <summary>Changes a packet, if it announces more.</summary>
    /// <param name="packet">An IPv4 packet, whose header is known to be whole.</param>
    public static void Apply(Span<byte> packet)
    {
        var header = (packet[0] & 0xF) * 4;
        if (packet[9] != Tcp || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) != 0 || packet.Length < header + ShortestTcp)
            return;
        var tcp = packet[header..];
        if ((tcp[13] & Syn) == 0)
            return;
        var end = Math.Min((tcp[12] >> 4) * 4, tcp.Length);
        for (var at = ShortestTcp; at < end && tcp[at] != EndOfOptions;)
        {
            if (tcp[at] == NoOperation)
            {
                at++;
                continue;
            }

            if (at + 2 > end || tcp[at + 1] < 2 || at + tcp[at + 1] > end)
                return;
            if (tcp[at] == SegmentSize && tcp[at + 1] == 4)
            {
                Lower(tcp, at + 2);
                return;
            }

            at += tcp[at + 1];
        }
    }

    private static void Lower(Span<byte> tcp, int at)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(tcp[at..]) <= Most)
            return;
        // The words that change may begin at an odd place: the checksum is made anew of those that hold them (RFC 1624).
        var start = at & ~1;
        var length = (at & 1) == 0 ? 2 : 4;
        Span<byte> before = stackalloc byte[4];
        before.Clear();
        tcp.Slice(start, length).CopyTo(before);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[at..], Most);
        uint sum = (ushort)~BinaryPrimitives.ReadUInt16BigEndian(tcp[16..]);
        for (var i = 0; i < length; i += 2)
            sum += (uint)(ushort)~BinaryPrimitives.ReadUInt16BigEndian(before[i..]) + BinaryPrimitives.ReadUInt16BigEndian(tcp[(start + i)..]);
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], (ushort)~sum);
    }
}
