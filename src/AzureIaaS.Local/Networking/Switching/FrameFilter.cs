using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>Who a port's owner is: nobody else's frames may come from it.</summary>
/// <param name="Mac">Its hardware address.</param>
/// <param name="Address">Its IPv4 address.</param>
internal readonly record struct PortIdentity(ulong Mac, uint Address);

/// <summary>What is done with a frame.</summary>
internal enum FrameVerdict
{
    /// <summary>Nothing.</summary>
    Drop,

    /// <summary>It goes to whom it is addressed to.</summary>
    Forward,

    /// <summary>It is the gateway's.</summary>
    Gateway,

    /// <summary>It only says where its sender is.</summary>
    Announce,
}

/// <summary>
/// Decides what a port's owner may send: frames from its own hardware address, IPv4 and ARP from its own address, and nothing that speaks as the
/// network's servers would. Pure, and total: every sequence of bytes has an answer.
/// </summary>
internal static class FrameFilter
{
    private const ushort DhcpServerPort = 67;
    private const ushort DhcpClientPort = 68;

    /// <summary>Judges a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="owner">The port's owner.</param>
    /// <param name="gateway">The gateway.</param>
    public static FrameVerdict Judge(ReadOnlySpan<byte> frame, PortIdentity owner, PortIdentity gateway)
    {
        if (frame.Length is < Frame.Header or > Frame.Longest || Frame.Source(frame) != owner.Mac)
            return FrameVerdict.Drop;
        return Frame.Type(frame) switch
        {
            Frame.Ipv4 => JudgePacket(frame, owner, gateway),
            Frame.Arp => JudgeArp(frame, owner, gateway),
            Frame.Rarp => FrameVerdict.Announce,
            // IPv6 among it: its routers and neighbours are believed without a proof, and nobody here would check them.
            _ => FrameVerdict.Drop,
        };
    }

    private static FrameVerdict JudgePacket(ReadOnlySpan<byte> frame, PortIdentity owner, PortIdentity gateway)
    {
        if (!Ipv4.TryRead(frame, out var packet))
            return FrameVerdict.Drop;
        var isUdp = packet.Protocol == Ipv4.Udp && !packet.IsLaterFragment;
        if (isUdp && packet.SourcePort == DhcpServerPort)
            return FrameVerdict.Drop;   // the network has its server
        var asksForAddress = isUdp && packet.SourcePort == DhcpClientPort && packet.DestinationPort == DhcpServerPort;
        if (packet.Source != owner.Address && !(packet.Source == 0 && asksForAddress))
            return FrameVerdict.Drop;
        if (asksForAddress || Frame.Destination(frame) == gateway.Mac)
            return FrameVerdict.Gateway;
        return FrameVerdict.Forward;
    }

    private static FrameVerdict JudgeArp(ReadOnlySpan<byte> frame, PortIdentity owner, PortIdentity gateway)
    {
        if (!Arp.TryRead(frame, out var arp) || arp.SenderMac != owner.Mac || (arp.SenderAddress != owner.Address && arp.SenderAddress != 0))
            return FrameVerdict.Drop;
        if (arp.TargetAddress == gateway.Address || Frame.Destination(frame) == gateway.Mac)
            return FrameVerdict.Gateway;
        return FrameVerdict.Forward;
    }
}
