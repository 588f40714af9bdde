using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Wire;

/// <summary>An ARP packet (RFC 826) for IPv4 over Ethernet.</summary>
/// <param name="Operation">1 asks, 2 answers.</param>
/// <param name="SenderMac">Who sends it.</param>
/// <param name="SenderAddress">The sender's IPv4 address; 0 for a probe (RFC 5227).</param>
/// <param name="TargetMac">Whom it is about; 0 in a question.</param>
/// <param name="TargetAddress">The address that it is about.</param>
internal readonly record struct Arp(ushort Operation, ulong SenderMac, uint SenderAddress, ulong TargetMac, uint TargetAddress)
{
    public const int Length = 28;
    public const ushort Request = 1;
    public const ushort Reply = 2;

    /// <summary>Reads the packet of a frame.</summary>
    /// <returns>False when it is of another kind, or not whole.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out Arp arp)
    {
        arp = default;
        var packet = frame[Frame.Header..];
        // Ethernet, IPv4, and the lengths of their addresses.
        if (packet.Length < Length || BinaryPrimitives.ReadUInt64BigEndian(packet) >> 16 != 0x000108000604)
            return false;
        arp = new Arp(BinaryPrimitives.ReadUInt16BigEndian(packet[6..]), Frame.Mac(packet[8..]), BinaryPrimitives.ReadUInt32BigEndian(packet[14..]),
            Frame.Mac(packet[18..]), BinaryPrimitives.ReadUInt32BigEndian(packet[24..]));
        return true;
    }

    /// <summary>Writes it as a frame to its target.</summary>
    /// <returns>The frame's length.</returns>
    public int Write(Span<byte> frame)
    {
        Frame.Write(frame, TargetMac == 0 ? Frame.Broadcast : TargetMac, SenderMac, Frame.Arp);
        var packet = frame[Frame.Header..];
        BinaryPrimitives.WriteUInt64BigEndian(packet, 0x000108000604UL << 16 | Operation);
        Frame.WriteMac(packet[8..], SenderMac);
        BinaryPrimitives.WriteUInt32BigEndian(packet[14..], SenderAddress);
        Frame.WriteMac(packet[18..], TargetMac);
        BinaryPrimitives.WriteUInt32BigEndian(packet[24..], TargetAddress);
        return Frame.Header + Length;
    }
}
