using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

public class FrameFilterTests
{
    private static readonly PortIdentity Owner = new(0x525400000001, Wires.Address("10.20.0.4"));
    private static readonly PortIdentity Other = new(0x525400000002, Wires.Address("10.20.0.5"));
    private static readonly PortIdentity Gateway = new(0x52550A140001, Wires.Address("10.20.0.1"));
    private static readonly PortIdentity Everybody = new(Frame.Broadcast, uint.MaxValue);

    [Fact]
    public void WhatIsTheOwnersOwnIsCarried()
    {
        Assert.Equal(FrameVerdict.Forward, Judge(Wires.Udp(Owner, Other, [1], 5, 6)));
        Assert.Equal(FrameVerdict.Forward, Judge(Wires.Udp(Owner, Everybody, [1], 137, 137)));
        Assert.Equal(FrameVerdict.Gateway, Judge(Wires.Udp(Owner, Gateway, [1], 5, 53)));
        Assert.Equal(FrameVerdict.Forward, Judge(Arp(Owner, Owner.Address, Other.Address)));
        Assert.Equal(FrameVerdict.Forward, Judge(Arp(Owner, 0, Owner.Address)));
        Assert.Equal(FrameVerdict.Gateway, Judge(Arp(Owner, Owner.Address, Gateway.Address)));
    }

    [Fact]
    public void NobodySpeaksFromAnothersAddress()
    {
        Assert.Equal(FrameVerdict.Drop, Judge(Wires.Udp(Other, Gateway, [1], 5, 6)));
        Assert.Equal(FrameVerdict.Drop, Judge(Wires.Udp(Owner with { Address = Other.Address }, Gateway, [1], 5, 6)));
        Assert.Equal(FrameVerdict.Drop, Judge(Wires.Udp(Owner with { Address = 0 }, Everybody, [1], 5, 6)));
        Assert.Equal(FrameVerdict.Drop, Judge(Arp(Owner, Gateway.Address, Other.Address)));
        Assert.Equal(FrameVerdict.Drop, Judge(Arp(Owner, Other.Address, Other.Address)));
        var forged = Arp(Owner, Owner.Address, Other.Address);
        Frame.WriteMac(forged.AsSpan(Frame.Header + 8), Gateway.Mac);   // the packet claims another sender than the frame
        Assert.Equal(FrameVerdict.Drop, Judge(forged));
    }

    [Fact]
    public void AClientMayAskForItsAddressAndNobodyMayAnswer()
    {
        Assert.Equal(FrameVerdict.Gateway, Judge(Wires.Udp(Owner with { Address = 0 }, Everybody, [1], 68, 67)));
        Assert.Equal(FrameVerdict.Gateway, Judge(Wires.Udp(Owner, Other, [1], 68, 67)));
        Assert.Equal(FrameVerdict.Drop, Judge(Wires.Udp(Owner, Everybody, [1], 67, 68)));
        Assert.Equal(FrameVerdict.Drop, Judge(Wires.Udp(Owner, Other, [1], 67, 68)));
    }

    [Fact]
    public void OtherProtocolsAreNotCarried()
    {
        foreach (var type in new ushort[] { 0x86DD, 0x8100, 0x88CC, 0x0027 })
        {
            var frame = Wires.Udp(Owner, Other, [1], 5, 6);
            (frame[12], frame[13]) = ((byte)(type >> 8), (byte)type);
            Assert.Equal(FrameVerdict.Drop, Judge(frame));
        }

        var announcement = new byte[60];
        Frame.Write(announcement, Frame.Broadcast, Owner.Mac, Frame.Rarp);
        Assert.Equal(FrameVerdict.Announce, Judge(announcement));
    }

    [Fact]
    public void EveryFrameHasAnAnswerHoweverShort()
    {
        foreach (var whole in new[] { Wires.Udp(Owner, Other, new byte[30], 5, 6), Arp(Owner, Owner.Address, Other.Address) })
        {
            var needed = Frame.Type(whole) == Frame.Arp ? Frame.Header + Local.Networking.Wire.Arp.Length : whole.Length;
            for (var length = 0; length < needed; length++)
                Assert.Equal(FrameVerdict.Drop, Judge(whole.AsSpan(0, length)));
        }

        Assert.Equal(FrameVerdict.Drop, Judge(new byte[Frame.Longest + 1]));
    }

    [Fact]
    public void WhateverIsChangedAnotherIsNeverSpokenFor()
    {
        var random = new Random(7);
        var source = Wires.Udp(Owner, Other, new byte[20], 5, 6);
        for (var i = 0; i < 200_000 * Soak.Factor; i++)
        {
            var frame = source.ToArray();
            for (var changes = 1 + random.Next(6); changes > 0; changes--)
                frame[random.Next(frame.Length)] = (byte)random.Next(256);
            if (Judge(frame) is not (FrameVerdict.Forward or FrameVerdict.Gateway))
                continue;
            Assert.Equal(Owner.Mac, Frame.Source(frame));
            Assert.True(Frame.Type(frame) != Frame.Ipv4 || (Ipv4.TryRead(frame, out var packet) && (packet.Source == Owner.Address || packet.DestinationPort == 67)));
        }
    }

    private static FrameVerdict Judge(ReadOnlySpan<byte> frame) => FrameFilter.Judge(frame, Owner, Gateway);

    private static byte[] Arp(PortIdentity from, uint sender, uint target)
    {
        var frame = new byte[60];
        new Arp(Local.Networking.Wire.Arp.Request, from.Mac, sender, 0, target).Write(frame);
        return frame;
    }
}
