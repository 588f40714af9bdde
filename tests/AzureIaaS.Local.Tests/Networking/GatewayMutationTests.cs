using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>A network's gateway under whatever members, peers and sites send: it goes on, and what it sends itself is always whole.</summary>
public class GatewayMutationTests
{
    private const int Frames = 60_000;

    private static readonly SwitchPlan Plan = Wires.PlanOf(3) with
    {
        Peers = [new SwitchPeer("office", Wires.Address("192.168.10.0"), 0xFFFFFF00, "/nowhere", Mtu: 1400)],
        SiteNames = [new SiteNames("office.example", [Wires.Address("192.168.10.53")])],
    };

    private static readonly PortIdentity Member = Plan.Members[1].Identity;
    private static readonly PortIdentity Desk = new(0, Wires.Address("192.168.10.10"));

    private readonly List<byte[]> _sent = [];
    private readonly Gateway _gateway;

    public GatewayMutationTests()
    {
        _gateway = new Gateway(Plan, f => _sent.Add(f.ToArray()));
        _gateway.SiteDns.Names = Plan.SiteNames;
    }

    [Fact]
    public void WhateverAMemberSendsIsSurvivedAndAnsweredByWholeFramesOnly() => Survive(seed: 11, FromMember(), frame =>
    {
        if (FrameFilter.Judge(frame, Member, Plan.Gateway) == FrameVerdict.Gateway)
            _gateway.Receive(frame, Member);
    });

    [Fact]
    public void WhateverAPeerSendsIsSurvivedAndAnsweredByWholeFramesOnly()
    {
        // Questions that the gateway has put itself, whose answers are then forged.
        _gateway.SiteDns.TryForward(Query("dc1.office.example"), Member, 5000);
        _gateway.TimeProbe.Ask(Desk.Address, _ => { });
        _gateway.Prober.Ask(Plan.Gateway, Member, 80, _ => { });
        Survive(seed: 13, FromPeer(), frame => _gateway.ReceiveFromPeer(frame.AsMemory(Frame.Header)));
    }

    private void Survive(int seed, IReadOnlyList<byte[]> whole, Action<byte[]> give)
    {
        var (random, answers) = (new Random(seed), 0);
        for (var i = 0; i < Frames * Soak.Factor; i++)
        {
            var frame = whole[random.Next(whole.Count)].ToArray();
            for (var changes = random.Next(7); changes > 0; changes--)
                frame[Frame.Header - 2 + random.Next(frame.Length - Frame.Header + 2)] = (byte)random.Next(256);
            give(random.Next(4) == 0 ? frame[..random.Next(Frame.Header, frame.Length + 1)] : frame);
            answers += _sent.Count;
            _sent.ForEach(AssertWhole);
            _sent.Clear();
        }

        // What is given whole is answered, to the last.
        foreach (var frame in whole)
            give(frame);
        Assert.NotEmpty(_sent);
        Assert.True(answers > Frames / 10, $"Only {answers} frames were answered: what is tried does not get far.");
    }

    private static void AssertWhole(byte[] frame)
    {
        Assert.InRange(frame.Length, Frame.Header, Frame.Longest);
        Assert.Equal(Plan.Gateway.Mac, Frame.Source(frame));
        Assert.True(Frame.Destination(frame) is Frame.Broadcast or 0 || Plan.Members.Any(m => m.Identity.Mac == Frame.Destination(frame)), "It is nobody's.");
        if (Frame.Type(frame) == Frame.Arp)
            return;
        Assert.True(Ipv4.TryRead(frame, out var packet), "It is no packet.");
        Assert.Equal((frame.Length - Frame.Header, 0), (packet.Whole.Length, Checksum.Of(packet.Whole[..packet.HeaderLength])));
    }

    private static List<byte[]> FromMember()
    {
        var arp = new byte[Frame.Header + Arp.Length];
        new Arp(Arp.Request, Member.Mac, Member.Address, 0, Plan.Gateway.Address).Write(arp);
        var unasked = Member with { Address = 0 };
        var everybody = new PortIdentity(Frame.Broadcast, uint.MaxValue);
        return
        [
            arp,
            Wires.Udp(unasked, everybody, Discover(), 68, 67),
            Wires.Udp(Member, Plan.Gateway, Query("vm1.corp.example"), 4000, 53),
            Wires.Udp(Member, Plan.Gateway, Query("dc1.office.example"), 4000, 53),
            Wires.Udp(Member, Plan.Gateway with { Address = Desk.Address }, new byte[3000], 5, 6),
            Wires.Udp(Member, Plan.Gateway with { Address = Wires.Address("8.8.8.8") }, new byte[20], 5, 6),
            Wires.Transport(Member, Plan.Gateway, Ipv4.Icmp, [8, .. new byte[39]]),
            Wires.Transport(Member, Plan.Gateway, Ipv4.Tcp, [.. new byte[12], 0x50, 2, .. new byte[6]]),
        ];
    }

    private static List<byte[]> FromPeer() =>
    [
        Wires.Udp(Desk, Plan.Gateway, Query("vm1.corp.example"), 4000, 53),
        Wires.Udp(Desk with { Address = Wires.Address("192.168.10.53") }, Plan.Gateway, Query("dc1.office.example"), 53, 50_000),
        Wires.Udp(Desk, Plan.Gateway, new byte[48], TimeProbe.Port, 60_500),
        Wires.Udp(Desk, Member, new byte[200], 5, 6),
        Wires.Transport(Desk, Plan.Gateway, Ipv4.Icmp, [8, .. new byte[39]]),
        Wires.Transport(Desk, Plan.Gateway, Ipv4.Tcp, [.. new byte[12], 0x50, 0x12, .. new byte[6]]),
    ];

    private static byte[] Query(string name) => DnsReply.Query(name, 1);

    private static byte[] Discover()
    {
        var message = new byte[300];
        (message[0], message[1], message[2]) = (1, 1, 6);
        Frame.WriteMac(message.AsSpan(28), Member.Mac);
        ((byte[])[0x63, 0x82, 0x53, 0x63, 53, 1, (byte)DhcpType.Discover, 255]).CopyTo(message, 236);
        return message;
    }
}
