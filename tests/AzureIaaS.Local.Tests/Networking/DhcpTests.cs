using System.Buffers.Binary;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

public class DhcpTests
{
    private const uint Everybody = uint.MaxValue;
    private static readonly SwitchPlan Plan = Wires.PlanOf(3);
    private static readonly PortIdentity Client = Plan.Members[1].Identity;

    [Fact]
    public void AClientIsOfferedItsAddressWithAllThatBelongsToIt()
    {
        var (answer, data) = Ask(Message(DhcpType.Discover));
        Assert.Equal((Client.Address, Client.Mac, false), (answer.Address, answer.Mac, answer.Given));
        var options = OptionsOf(data);
        Assert.Equal((2, Client.Address), (data[0], BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(16))));
        Assert.Equal((byte)DhcpType.Offer, options[53][0]);
        Assert.Equal([255, 255, 255, 0], options[1]);
        Assert.Equal([10, 20, 0, 1], options[3]);
        Assert.Equal([10, 20, 0, 1], options[6]);
        Assert.Equal("vm1", Text(options[12]));
        Assert.Equal("corp.example", Text(options[15]));
        Assert.True(BinaryPrimitives.ReadUInt32BigEndian(options[51]) > BinaryPrimitives.ReadUInt32BigEndian(options[59]));
        Assert.True(BinaryPrimitives.ReadUInt32BigEndian(options[59]) > BinaryPrimitives.ReadUInt32BigEndian(options[58]));
    }

    [Fact]
    public void WhoAsksForItsAddressIsGivenIt()
    {
        var (selecting, data) = Ask(Message(DhcpType.Request, requested: Client.Address, server: Plan.Gateway.Address));
        Assert.Equal((true, (byte)DhcpType.Ack), (selecting.Given, OptionsOf(data)[53][0]));
        var (renewing, _) = Ask(Message(DhcpType.Request, own: Client.Address));
        Assert.Equal((true, Client.Address), (renewing.Given, renewing.Address));
        var (rebooting, _) = Ask(Message(DhcpType.Request, requested: Client.Address, broadcast: true));
        Assert.Equal((true, Everybody, Frame.Broadcast), (rebooting.Given, rebooting.Address, rebooting.Mac));
    }

    [Fact]
    public void WhoAsksForAnotherAddressIsRefusedAndToldSo()
    {
        foreach (var message in new[] { Message(DhcpType.Request, requested: Client.Address + 1), Message(DhcpType.Request, own: Wires.Address("192.168.1.5")) })
        {
            var (answer, data) = Ask(message);
            Assert.Equal((false, Everybody, (byte)DhcpType.Nak), (answer.Given, answer.Address, OptionsOf(data)[53][0]));
            Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(16)));
        }
    }

    [Fact]
    public void WhatIsNotForThisServerIsNotAnswered()
    {
        Assert.Equal(0, Ask(Message(DhcpType.Request, requested: Client.Address, server: Wires.Address("10.20.0.9"))).Answer.Length);
        Assert.Equal(0, Ask(Message(DhcpType.Offer)).Answer.Length);
        Assert.Equal(0, Ask(Message(DhcpType.Release, own: Client.Address)).Answer.Length);
        var reply = Message(DhcpType.Discover);
        reply[0] = 2;
        Assert.Equal(0, Ask(reply).Answer.Length);
        var another = Message(DhcpType.Discover);
        another[33]++;   // on behalf of another hardware address
        Assert.Equal(0, Ask(another).Answer.Length);
        var relayed = Message(DhcpType.Discover);
        relayed[24] = 10;
        Assert.Equal(0, Ask(relayed).Answer.Length);
    }

    [Fact]
    public void WhoHasAnAddressIsToldTheRestWithoutALease()
    {
        var (answer, data) = Ask(Message(DhcpType.Inform, own: Client.Address));
        Assert.Equal((Client.Address, false), (answer.Address, answer.Given));
        Assert.False(OptionsOf(data).ContainsKey(51));
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(16)));
    }

    [Fact]
    public void WhateverIsChangedTheServerSurvives()
    {
        var random = new Random(3);
        var source = Message(DhcpType.Request, requested: Client.Address, server: Plan.Gateway.Address);
        for (var i = 0; i < 100_000 * Soak.Factor; i++)
        {
            var message = source.ToArray();
            for (var changes = 1 + random.Next(6); changes > 0; changes--)
                message[random.Next(4) == 0 ? random.Next(message.Length) : 236 + random.Next(message.Length - 236)] = (byte)random.Next(256);
            var (answer, data) = Ask(message.AsSpan(0, random.Next(3) == 0 ? random.Next(message.Length) : message.Length));
            Assert.True(answer.Length == 0 || BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(16)) is var given && (given == 0 || given == Client.Address));
        }
    }

    [Fact]
    public void AMemberThatAsksOnTheWireIsAnsweredThereAndItIsNoted()
    {
        using var wires = new Wires(2);
        var member = wires[0];
        wires.Send(0, Wires.Udp(member with { Address = 0 }, new PortIdentity(Frame.Broadcast, Everybody), Message(DhcpType.Discover, member), 68, 67));
        Assert.True(Ipv4.TryRead(wires.Receive(0), out var offer) && offer.TryReadUdp(out var data) && data[16] == 10);
        Assert.Empty(wires.Leased);
        wires.Send(0, Wires.Udp(member with { Address = 0 }, new PortIdentity(Frame.Broadcast, Everybody), Message(DhcpType.Request, member, requested: member.Address), 68, 67));
        Assert.NotNull(wires.Receive(0));
        Assert.Equal([member], wires.Leased);
        Assert.Null(wires.Receive(1, 100));
    }

    [Fact]
    public void AServerOnAGuestIsNotHeardAndTheNetworksOwnAnswers()
    {
        using var wires = new Wires(2);
        var (rogue, client) = (wires[0], wires[1]);
        var offer = Message(DhcpType.Offer, client, requested: Wires.Address("10.20.0.66"), server: rogue.Address);
        offer[0] = 2;
        foreach (var to in new[] { client, new PortIdentity(Frame.Broadcast, Everybody) })
        {
            foreach (var from in new[] { rogue, wires.Plan.Gateway, rogue with { Address = wires.Plan.Gateway.Address } })
                wires.Send(0, Wires.Udp(from, to, offer, 67, 68));
        }

        // What comes first is the gateway's answer: nothing was before it.
        wires.Send(1, Wires.Udp(client with { Address = 0 }, new PortIdentity(Frame.Broadcast, Everybody), Message(DhcpType.Discover, client), 68, 67));
        Assert.True(Ipv4.TryRead(wires.Receive(1), out var packet));
        Assert.True(packet.TryReadUdp(out var data));
        Assert.Equal((wires.Plan.Gateway.Address, client.Address), (packet.Source, BinaryPrimitives.ReadUInt32BigEndian(data[16..])));
        Assert.Null(wires.Receive(0, 100));   // and the rogue has not even heard the question
    }

    private static byte[] Message(DhcpType type, PortIdentity? client = null, uint requested = 0, uint server = 0, uint own = 0, bool broadcast = false)
    {
        var data = new byte[300];
        (data[0], data[1], data[2]) = (1, 1, 6);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(4), 0xCAFE);
        data[10] = (byte)(broadcast ? 0x80 : 0);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(12), own);
        Frame.WriteMac(data.AsSpan(28), (client ?? Client).Mac);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(236), 0x63825363);
        var options = new DhcpOptions(data.AsSpan(240));
        options.Add(53, [(byte)type]);
        if (requested != 0)
            options.Add(50, requested);
        if (server != 0)
            options.Add(54, server);
        options.Add(55, [1, 3, 6, 12, 15]);
        options.End();
        return data;
    }

    private static (DhcpAnswer Answer, byte[] Data) Ask(ReadOnlySpan<byte> message)
    {
        var data = new byte[600];
        var answer = DhcpServer.Answer(message, Client, Plan, data);
        return (answer, data[..answer.Length]);
    }

    private static Dictionary<byte, byte[]> OptionsOf(byte[] data)
    {
        var found = new Dictionary<byte, byte[]>();
        for (var at = 240; data[at] != 255; at += 2 + data[at + 1])
            found[data[at]] = data[(at + 2)..(at + 2 + data[at + 1])];
        return found;
    }

    private static string Text(byte[] bytes) => System.Text.Encoding.ASCII.GetString(bytes);
}
