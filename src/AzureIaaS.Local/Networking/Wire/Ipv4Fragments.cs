using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Wire;

/// <summary>Cuts packets into pieces for a way that takes shorter ones only (RFC 791, section 3.2).</summary>
internal static class Ipv4Fragments
{
    private const int Unit = 8;
    private const ushort MoreFragments = 0x2000;

    /// <summary>Cuts a packet.</summary>
    /// <param name="packet">The packet, which may be cut, or be a piece already.</param>
    /// <param name="mtu">How long a piece may be, 68 at least.</param>
    /// <param name="buffer">Room for a piece.</param>
    /// <param name="send">Called with each piece, which lies in the buffer.</param>
    public static void Split(Ipv4 packet, int mtu, byte[] buffer, Action<ReadOnlyMemory<byte>> send)
    {
        var header = packet.HeaderLength;
        var room = (mtu - header) / Unit * Unit;
        var field = BinaryPrimitives.ReadUInt16BigEndian(packet.Whole[6..]);
        for (var at = 0; at < packet.Payload.Length; at += room)
        {
            var length = Math.Min(room, packet.Payload.Length - at);
            var isLast = at + length == packet.Payload.Length;
            var piece = buffer.AsSpan(0, header + length);
            packet.Whole[..header].CopyTo(piece);
            packet.Payload.Slice(at, length).CopyTo(piece[header..]);
            BinaryPrimitives.WriteUInt16BigEndian(piece[2..], (ushort)piece.Length);
            BinaryPrimitives.WriteUInt16BigEndian(piece[6..], (ushort)((field + at / Unit) | (isLast ? 0 : MoreFragments)));
            piece.Slice(10, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(piece[10..], Checksum.Of(piece[..header]));
            send(buffer.AsMemory(0, piece.Length));
        }
    }
}
