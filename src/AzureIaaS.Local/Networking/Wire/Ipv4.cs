using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Wire;

/// <summary>An IPv4 packet (RFC 791) within a frame, its header checked for being there as a whole.</summary>
internal readonly ref struct Ipv4
{
    public const int ShortestHeader = 20;
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;

    private readonly ReadOnlySpan<byte> _packet;

    private Ipv4(ReadOnlySpan<byte> packet) => _packet = packet;

    public uint Source => BinaryPrimitives.ReadUInt32BigEndian(_packet[12..]);

    public uint Destination => BinaryPrimitives.ReadUInt32BigEndian(_packet[16..]);

    public byte Protocol => _packet[9];

    public byte TimeToLive => _packet[8];

    /// <summary>Whether it is a later piece of a packet, which has no transport header.</summary>
    public bool IsLaterFragment => (BinaryPrimitives.ReadUInt16BigEndian(_packet[6..]) & 0x1FFF) != 0;

    /// <summary>Whether it is a piece of a packet, the first one included.</summary>
    public bool IsFragment => (BinaryPrimitives.ReadUInt16BigEndian(_packet[6..]) & 0x3FFF) != 0;

    /// <summary>Whether routers must not cut it into pieces (DF).</summary>
    public bool MayNotBeFragmented => (_packet[6] & 0x40) != 0;

    public int HeaderLength => (_packet[0] & 0xF) * 4;

    /// <summary>The whole packet, without what a short frame is padded with.</summary>
    public ReadOnlySpan<byte> Whole => _packet;

    public ReadOnlySpan<byte> Payload => _packet[HeaderLength..];

    /// <summary>The source port of UDP or TCP; 0 where there is none.</summary>
    public ushort SourcePort => HasPorts ? BinaryPrimitives.ReadUInt16BigEndian(Payload) : (ushort)0;

    /// <summary>The destination port of UDP or TCP; 0 where there is none.</summary>
    public ushort DestinationPort => HasPorts ? BinaryPrimitives.ReadUInt16BigEndian(Payload[2..]) : (ushort)0;

    private bool HasPorts => !IsLaterFragment && Protocol is Udp or Tcp && Payload.Length >= 8;

    /// <summary>The packet of a frame.</summary>
    /// <param name="frame">The frame, of type IPv4.</param>
    /// <param name="packet">The packet.</param>
    /// <returns>False when its header is not whole, or its lengths do not fit.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out Ipv4 packet) => TryReadPacket(frame[Frame.Header..], out packet);

    /// <summary>A packet without a frame.</summary>
    /// <param name="bytes">The packet, perhaps with padding after it.</param>
    /// <param name="packet">The packet.</param>
    public static bool TryReadPacket(ReadOnlySpan<byte> bytes, out Ipv4 packet)
    {
        packet = default;
        if (bytes.Length < ShortestHeader || bytes[0] >> 4 != 4)
            return false;
        var header = (bytes[0] & 0xF) * 4;
        var total = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (header < ShortestHeader || total < header || total > bytes.Length)
            return false;
        packet = new Ipv4(bytes[..total]);
        return true;
    }

    /// <summary>The data of a UDP datagram that is whole.</summary>
    /// <param name="data">The data.</param>
    public bool TryReadUdp(out ReadOnlySpan<byte> data)
    {
        data = default;
        if (Protocol != Udp || IsFragment || Payload.Length < 8)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(Payload[4..]);
        if (length < 8 || length > Payload.Length)
            return false;
        data = Payload[8..length];
        return true;
    }

    /// <summary>Writes a header without options, with its checksum.</summary>
    /// <param name="packet">The packet, whose payload is there already or follows.</param>
    /// <param name="length">The length of the whole packet.</param>
    /// <param name="protocol">The protocol.</param>
    /// <param name="source">From where.</param>
    /// <param name="destination">To where.</param>
    public static void WriteHeader(Span<byte> packet, int length, byte protocol, uint source, uint destination)
    {
        packet[..ShortestHeader].Clear();
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)length);
        packet[6] = 0x40;   // don't fragment: then the identification need not be unique (RFC 6864)
        packet[8] = 64;
        packet[9] = protocol;
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(packet[16..], destination);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum.Of(packet[..ShortestHeader]));
    }

    /// <summary>Writes a UDP datagram with its data (RFC 768).</summary>
    /// <returns>The packet's length.</returns>
    public static int WriteUdp(Span<byte> packet, uint source, ushort sourcePort, uint destination, ushort destinationPort, ReadOnlySpan<byte> data)
    {
        var udp = packet[ShortestHeader..(ShortestHeader + 8 + data.Length)];
        data.CopyTo(udp[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], 0);
        var checksum = Checksum.OfTransport(source, destination, Udp, udp);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? (ushort)0xFFFF : checksum);
        WriteHeader(packet, ShortestHeader + udp.Length, Udp, source, destination);
        return ShortestHeader + udp.Length;
    }
}
