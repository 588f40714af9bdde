using System.Buffers.Binary;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>
/// What answers at a network's gateway address: ARP, ping, DHCP and DNS itself; and packets to elsewhere it hands to whoever goes there: a peer, or
/// the way out. For the switch's thread alone.
/// </summary>
internal sealed class Gateway : IGateway
{
    private static readonly PortIdentity Itself = new(0, 0);

    private const ushort TftpPort = 69;   // libslirp has a server of its own there
    private const byte DestinationUnreachable = 3;
    private const byte HostUnreachable = 1;
    private const byte FragmentationNeeded = 4;
    private const byte Prohibited = 13;
    private const int MostUnreachables = 100;   // a second, for everybody together

    private readonly byte[] _frame = new byte[FramePool.SlotSize];
    private readonly byte[] _data = new byte[2048];
    private readonly Action<ReadOnlyMemory<byte>> _send;
    private readonly Dictionary<ushort, Action<byte[]>> _questions = [];
    private ushort _nextQuestion;
    private long _second;
    private int _unreachables;

    /// <summary>Makes the gateway.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="send">Sends a frame to its destination on the network.</param>
    public Gateway(SwitchPlan plan, Action<ReadOnlyMemory<byte>> send)
    {
        (Plan, _send) = (plan, send);
        Prober = new Prober(SendOrRoute);
        TimeProbe = new TimeProbe((address, port, data) => RouteUdp(address, port, TimeProbe.Port, data), TimeProvider.System);
        Forwarder = new DnsForwarder(AnswerClient);
        SiteDns = new SiteDns((server, port, data) => RouteUdp(server, port, DnsServer.Port, data), AnswerClient);
    }

    /// <summary>The network.</summary>
    public SwitchPlan Plan { get; set; }

    public PortIdentity Identity => Plan.Gateway;

    /// <summary>Asks members.</summary>
    public Prober Prober { get; }

    /// <summary>Asks other servers for names.</summary>
    public DnsForwarder Forwarder { get; }

    /// <summary>Asks computers of sites for their time.</summary>
    public TimeProbe TimeProbe { get; }

    /// <summary>Asks sites for names.</summary>
    public SiteDns SiteDns { get; }

    /// <summary>The way out; null while there is none.</summary>
    public IEgress? Egress { get; set; }

    /// <summary>Sends packets to peers.</summary>
    public PeerLink? Peers { get; set; }

    /// <summary>Called when a member was given its address at its own request.</summary>
    public Action<PortIdentity>? Leased { get; init; }

    public void Receive(ReadOnlySpan<byte> frame, PortIdentity from)
    {
        if (Frame.Type(frame) == Frame.Arp)
            ReceiveArp(frame, from);
        else if (Ipv4.TryRead(frame, out var packet))
            ReceivePacket(frame, packet, from);
    }

    /// <summary>Takes a packet that a peer has sent.</summary>
    public void ReceiveFromPeer(ReadOnlyMemory<byte> bytes)
    {
        if (!Ipv4.TryReadPacket(bytes.Span, out var packet) || packet.TimeToLive <= 1 || FindPeer(packet.Source) is null)
            return;
        if (Plan.Find(packet.Destination) is { } member)
            SendPacket(member.Identity.Mac, packet.Whole);
        else if (packet.Destination == Identity.Address)
            ReceiveOwnFromPeer(packet);
    }

    /// <summary>A peer, or a site, is told of this network's own names, and of nobody else's: it has servers of its own.</summary>
    private void ReceiveOwnFromPeer(Ipv4 packet)
    {
        if (SiteDns.TryTake(packet) || TimeProbe.TryTake(packet) || Prober.TryTake(packet))
            return;
        if (IsPing(packet))
            AnswerPing(packet, to => Route(to));
        else if (packet.DestinationPort == DnsServer.Port && packet.TryReadUdp(out var query))
        {
            if (!DnsServer.TryAnswer(query, Plan, _data, out var length))
                length = DnsServer.Refuse(query, DnsCode.Refused, _data);
            if (length > 0)
                RouteUdp(packet.Source, DnsServer.Port, packet.SourcePort, _data.AsSpan(0, length));
        }
    }

    private static bool IsPing(Ipv4 packet) => packet.Protocol == Ipv4.Icmp && !packet.IsFragment && packet.Payload.Length >= 8 && packet.Payload[0] == 8;

    /// <summary>Asks for a name as a member would, for this computer itself.</summary>
    /// <param name="query">The query.</param>
    /// <param name="done">Called with the answer, if one comes.</param>
    /// <returns>What ends the question.</returns>
    public Action Resolve(byte[] query, Action<byte[]> done)
    {
        var port = _nextQuestion++;
        if (DnsServer.TryAnswer(query, Plan, _data, out var length) || !(SiteDns.TryForward(query, Itself, port) || Forwarder.TryForward(query, Itself, port)))
        {
            done(_data[..(length > 0 ? length : DnsServer.Refuse(query, DnsCode.Refused, _data))]);
            return () => { };
        }

        _questions[port] = done;
        return () => _questions.Remove(port);
    }

    private void AnswerClient(PortIdentity client, ushort port, ReadOnlyMemory<byte> message)
    {
        if (client != Itself)
            SendUdp(client.Mac, client.Address, DnsServer.Port, port, message.Span);
        else if (_questions.Remove(port, out var done))
            done(message.ToArray());
    }

    /// <summary>Sends a frame of the prober's; one without a hardware address is for a computer behind a peer.</summary>
    private void SendOrRoute(ReadOnlyMemory<byte> frame)
    {
        if (Frame.Destination(frame.Span) != 0)
            _send(frame);
        else if (Ipv4.TryRead(frame.Span, out var packet) && FindPeer(packet.Destination) is { } peer)
            Peers?.Send(peer, packet.Whole);
    }

    /// <summary>Takes a frame that comes from outside.</summary>
    public void ReceiveFromOutside(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < Frame.Header)
            return;
        if (Frame.Type(frame) == Frame.Ipv4 && Ipv4.TryRead(frame, out var packet) && Plan.Find(packet.Destination) is { } member)
            SendPacket(member.Identity.Mac, packet.Whole, lessLife: false);
        else if (Frame.Type(frame) == Frame.Arp && Arp.TryRead(frame, out var arp) && arp.Operation == Arp.Request && Plan.Find(arp.TargetAddress) is { } asked)
            Egress?.Send(_data.AsSpan(0, new Arp(Arp.Reply, asked.Identity.Mac, asked.Identity.Address, arp.SenderMac, arp.SenderAddress).Write(_data)));
    }

    private void ReceiveArp(ReadOnlySpan<byte> frame, PortIdentity from)
    {
        if (!Arp.TryRead(frame, out var arp) || arp.Operation != Arp.Request || arp.TargetAddress != Identity.Address)
            return;
        var length = new Arp(Arp.Reply, Identity.Mac, Identity.Address, from.Mac, arp.SenderAddress).Write(_frame);
        _send(_frame.AsMemory(0, length));
    }

    private void ReceivePacket(ReadOnlySpan<byte> frame, Ipv4 packet, PortIdentity from)
    {
        if (packet.DestinationPort == DhcpServer.Port && packet.TryReadUdp(out var request))
            AnswerDhcp(request, from);
        else if (packet.Destination == Identity.Address)
            ReceiveOwn(frame, packet, from);
        else if (Plan.Find(packet.Destination) is { } member)
            SendPacket(member.Identity.Mac, packet.Whole);
        else if (FindPeer(packet.Destination) is { } peer)
            SendToPeer(peer, packet, from);
        else if (IsOutside(packet.Destination) && !Plan.Network.Isolated && Egress is { } egress)
            egress.Send(frame);
        else if (packet.Protocol != Ipv4.Icmp && !packet.IsLaterFragment)
            SayUnreachable(packet, from);
    }

    /// <summary>
    /// Whether an address may be gone out to. This computer's loopback and what is only on its own link are not a guest's to reach: the instance
    /// metadata of a cloud is there, with credentials.
    /// </summary>
    private bool IsOutside(uint address) =>
        !Plan.IsOwn(address) && address >> 24 is not (0 or 127) && address >> 16 != 0xA9FE && address < 0xE0000000;

    private void ReceiveOwn(ReadOnlySpan<byte> frame, Ipv4 packet, PortIdentity from)
    {
        if (Prober.TryTake(packet))
            return;
        if (packet.DestinationPort == DnsServer.Port && packet.TryReadUdp(out var query))
            AnswerDns(query, from, packet.SourcePort);
        else if (IsPing(packet))
            AnswerPing(packet, to => _send(_frame.AsMemory(0, to)));
        else if (packet.Protocol != Ipv4.Udp || packet.DestinationPort != TftpPort)
            Egress?.Send(frame);   // what was forwarded to a member is answered to the gateway
    }

    private void AnswerDhcp(ReadOnlySpan<byte> request, PortIdentity from)
    {
        var answer = DhcpServer.Answer(request, from, Plan, _data);
        if (answer.Length == 0)
            return;
        SendUdp(answer.Mac, answer.Address, DhcpServer.Port, DhcpServer.ClientPort, _data.AsSpan(0, answer.Length));
        if (answer.Given)
            Leased?.Invoke(from);
    }

    private void AnswerDns(ReadOnlySpan<byte> query, PortIdentity from, ushort port)
    {
        if (!DnsServer.TryAnswer(query, Plan, _data, out var length) && !SiteDns.TryForward(query, from, port) && !Forwarder.TryForward(query, from, port))
            length = DnsServer.Refuse(query, DnsCode.Refused, _data);
        if (length > 0)
            SendUdp(from.Mac, from.Address, DnsServer.Port, port, _data.AsSpan(0, length));
    }

    /// <summary>Makes the answer to a ping (RFC 792) of it.</summary>
    /// <param name="packet">The ping.</param>
    /// <param name="send">Sends the frame of that length.</param>
    private void AnswerPing(Ipv4 packet, Action<int> send)
    {
        var payload = _frame.AsSpan(Frame.Header + Ipv4.ShortestHeader, packet.Payload.Length);
        packet.Payload.CopyTo(payload);
        payload[0] = 0;
        payload[2..4].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(payload[2..], Checksum.Of(payload));
        var length = Ipv4.ShortestHeader + payload.Length;
        Ipv4.WriteHeader(_frame.AsSpan(Frame.Header), length, Ipv4.Icmp, Identity.Address, packet.Source);
        Frame.Write(_frame, Plan.Find(packet.Source)?.Identity.Mac ?? 0, Identity.Mac, Frame.Ipv4);
        send(Frame.Header + length);
    }

    /// <summary>Sends what lies in the frame's buffer to a peer.</summary>
    private void Route(int length)
    {
        var packet = _frame.AsSpan(Frame.Header..length);
        if (FindPeer(BinaryPrimitives.ReadUInt32BigEndian(packet[16..])) is { } peer)
            Peers?.Send(peer, packet);
    }

    /// <summary>Sends a datagram from the gateway's address to whoever is behind a peer.</summary>
    private void RouteUdp(uint address, ushort fromPort, ushort toPort, ReadOnlySpan<byte> data) =>
        Route(Frame.Header + Ipv4.WriteUdp(_frame.AsSpan(Frame.Header), Identity.Address, fromPort, address, toPort, data));

    private void SendToPeer(SwitchPeer peer, Ipv4 packet, PortIdentity from)
    {
        if (packet.Whole.Length <= peer.Mtu)
            Peers?.Send(peer, packet.Whole);
        else if (packet.MayNotBeFragmented)
            SayUndelivered(packet, from, FragmentationNeeded, peer.Mtu);
        else
            Ipv4Fragments.Split(packet, peer.Mtu, _frame, p => Peers?.Send(peer, p.Span));
    }

    /// <summary>Tells a member that its packet cannot go on (RFC 792, code 13 of RFC 1812), so that its program need not wait.</summary>
    private void SayUnreachable(Ipv4 packet, PortIdentity from) =>
        SayUndelivered(packet, from, Plan.IsOwn(packet.Destination) ? HostUnreachable : Prohibited, 0);

    private void SayUndelivered(Ipv4 packet, PortIdentity from, byte code, int mtu)
    {
        var second = Environment.TickCount64 / 1000;
        (_second, _unreachables) = second == _second ? (_second, _unreachables + 1) : (second, 0);
        if (_unreachables > MostUnreachables || packet.Destination >= 0xE0000000)
            return;
        var quoted = packet.Whole[..Math.Min(packet.Whole.Length, packet.HeaderLength + 8)];
        var data = _frame.AsSpan(Frame.Header + Ipv4.ShortestHeader, 8 + quoted.Length);
        data.Clear();
        (data[0], data[1]) = (DestinationUnreachable, code);
        BinaryPrimitives.WriteUInt16BigEndian(data[6..], (ushort)mtu);   // RFC 1191, section 4
        quoted.CopyTo(data[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], Checksum.Of(data));
        Ipv4.WriteHeader(_frame.AsSpan(Frame.Header), Ipv4.ShortestHeader + data.Length, Ipv4.Icmp, Identity.Address, from.Address);
        Frame.Write(_frame, from.Mac, Identity.Mac, Frame.Ipv4);
        _send(_frame.AsMemory(0, Frame.Header + Ipv4.ShortestHeader + data.Length));
    }

    private SwitchPeer? FindPeer(uint address)
    {
        foreach (var peer in Plan.Peers)
        {
            if ((address & peer.Mask) == peer.Subnet)
                return peer;
        }

        return null;
    }

    private void SendPacket(ulong mac, ReadOnlySpan<byte> packet, bool lessLife = true)
    {
        Frame.Write(_frame, mac, Identity.Mac, Frame.Ipv4);
        var copy = _frame.AsSpan(Frame.Header, packet.Length);
        packet.CopyTo(copy);
        if (lessLife)
        {
            if (copy[8] <= 1)
                return;
            copy[8]--;
            copy.Slice(10, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(copy[10..], Checksum.Of(copy[..((copy[0] & 0xF) * 4)]));
        }

        _send(_frame.AsMemory(0, Frame.Header + packet.Length));
    }

    private void SendUdp(ulong mac, uint address, ushort fromPort, ushort toPort, ReadOnlySpan<byte> data)
    {
        Frame.Write(_frame, mac, Identity.Mac, Frame.Ipv4);
        var length = Ipv4.WriteUdp(_frame.AsSpan(Frame.Header), Identity.Address, fromPort, address, toPort, data);
        _send(_frame.AsMemory(0, Frame.Header + length));
    }
}
