using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Wire;

/// <summary>Ethernet frames (IEEE 802.3) as spans: where things are, how they are read and how they are written.</summary>
internal static class Frame
{
    /// <summary>The length of a frame's header: two addresses and a type.</summary>
    public const int Header = 14;

    /// <summary>The longest frame that is carried: a jumbo frame's 9,000 bytes with header and a tag.</summary>
    public const int Longest = 9018;

    /// <summary>The address of everybody.</summary>
    public const ulong Broadcast = 0xFFFFFFFFFFFF;

    /// <summary>The type of IPv4.</summary>
    public const ushort Ipv4 = 0x0800;

    /// <summary>The type of ARP.</summary>
    public const ushort Arp = 0x0806;

    /// <summary>The type of reverse ARP, with which a hypervisor announces a machine that has come to another host.</summary>
    public const ushort Rarp = 0x8035;

    public static ulong Destination(ReadOnlySpan<byte> frame) => Mac(frame);

    public static ulong Source(ReadOnlySpan<byte> frame) => Mac(frame[6..]);

    public static ushort Type(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);

    /// <summary>Whether an address is a group's (the I/G bit), everybody's included.</summary>
    public static bool IsGroup(ulong mac) => (mac >> 40 & 1) != 0;

    public static ulong Mac(ReadOnlySpan<byte> bytes) =>
        (ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32 | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    public static void WriteMac(Span<byte> bytes, ulong mac)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(mac >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)mac);
    }

    /// <summary>Writes a header.</summary>
    public static void Write(Span<byte> frame, ulong destination, ulong source, ushort type)
    {
        WriteMac(frame, destination);
        WriteMac(frame[6..], source);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }
}
