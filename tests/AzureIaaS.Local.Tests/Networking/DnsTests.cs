using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

public class DnsTests
{
    private const ushort A = 1;
    private const ushort Ptr = 12;
    private const ushort Aaaa = 28;
    private static readonly SwitchPlan Plan = Wires.PlanOf(3);

    [Theory]
    [InlineData("vm1.corp.example", "10.20.0.5")]
    [InlineData("VM1.Corp.Example", "10.20.0.5")]
    [InlineData("gateway.corp.example", "10.20.0.1")]
    public void AMembersNameIsItsAddress(string name, string address)
    {
        var answer = Ask(Query(name, A));
        Assert.Equal((DnsCode.NoError, 1, true), (CodeOf(answer), AnswersOf(answer), (answer[2] & 4) != 0));
        Assert.Equal(address, new IPAddress(answer.AsSpan(answer.Length - 4)).ToString());
    }

    [Fact]
    public void AnAddressIsAMembersName()
    {
        var answer = Ask(Query("5.0.20.10.in-addr.arpa", Ptr));
        Assert.Equal((DnsCode.NoError, 1), (CodeOf(answer), AnswersOf(answer)));
        Assert.EndsWith("\u0003vm1\u0004corp\u0007example\0", Encoding.ASCII.GetString(answer), StringComparison.Ordinal);
        Assert.Equal(DnsCode.NameError, CodeOf(Ask(Query("99.0.20.10.in-addr.arpa", Ptr))));
    }

    [Fact]
    public void ThatThereIsNothingIsSaidWithHowLongItMayBeBelieved()
    {
        var missing = Ask(Query("nobody.corp.example", A));
        Assert.Equal((DnsCode.NameError, 0, 1), (CodeOf(missing), AnswersOf(missing), missing[9]));
        var otherType = Ask(Query("vm1.corp.example", Aaaa));
        Assert.Equal((DnsCode.NoError, 0, 1), (CodeOf(otherType), AnswersOf(otherType), otherType[9]));
    }

    [Theory]
    [InlineData("www.example.com")]
    [InlineData("evilcorp.example")]
    [InlineData("5.1.20.10.in-addr.arpa")]
    [InlineData("")]
    public void OtherNamesAreLeftToOthers(string name) => Assert.False(DnsServer.TryAnswer(Query(name, A), Plan, new byte[2048], out _));

    [Fact]
    public void WithoutASuffixMembersHaveShortNames() =>
        Assert.Equal(1, AnswersOf(Ask(Query("vm2", A), Wires.PlanOf(3, suffix: ""))));

    [Fact]
    public void TheLongestNamesThereCanBeAreAnswered()
    {
        var suffix = AzureIaaS.Networks.DnsName.CheckSuffix(string.Join('.', new string('a', 63), new string('b', 63), new string('c', 52)));
        var plan = Wires.PlanOf(3, suffix: suffix);
        plan = plan with { Members = [.. plan.Members.Select(m => m with { HostName = new string('x', 62) + m.HostName[^1] })] };
        Assert.Equal(1, AnswersOf(Ask(Query("5.0.20.10.in-addr.arpa", Ptr), plan)));
        Assert.Equal(1, AnswersOf(Ask(Query($"{plan.Members[1].HostName}.{suffix}", A), plan)));
        Assert.Equal(DnsCode.NameError, CodeOf(Ask(Query($"nobody.{suffix}", A), plan)));
        Assert.Throws<IaaSException>(() => AzureIaaS.Networks.DnsName.CheckSuffix(suffix + ".d"));
    }

    [Fact]
    public void WhatMakesNoSenseIsRefusedAndAnAnswerIsNeverAnswered()
    {
        var query = Query("vm1.corp.example", A);
        Assert.Equal(DnsCode.FormatError, CodeOf(Ask(query.AsSpan(0, query.Length - 1))));
        var update = query.ToArray();
        update[2] = 5 << 3;
        Assert.Equal(DnsCode.NotImplemented, CodeOf(Ask(update)));
        var answer = query.ToArray();
        answer[2] |= 0x80;
        Assert.Empty(Ask(answer));
        var pointer = query.ToArray();
        pointer[12] = 0xC0;
        Assert.Equal(DnsCode.FormatError, CodeOf(Ask(pointer)));
    }

    [Fact]
    public void WhateverIsChangedTheServerSurvives()
    {
        var random = new Random(5);
        var source = Query("vm1.corp.example", A);
        for (var i = 0; i < 100_000 * Soak.Factor; i++)
        {
            var message = source.ToArray();
            for (var changes = 1 + random.Next(6); changes > 0; changes--)
                message[random.Next(message.Length)] = (byte)random.Next(256);
            Ask(message.AsSpan(0, random.Next(3) == 0 ? random.Next(message.Length) : message.Length));
        }
    }

    [Fact]
    public void AnIsolatedNetworkAsksNobody()
    {
        using var wires = new Wires(1, isolated: true);
        Assert.Equal(DnsCode.Refused, CodeOf(AskOnWire(wires, Query("www.example.com", A))!));
    }

    [Fact]
    public async Task OneWithAWayOutAsksItsServersAndBelievesOnlyThem()
    {
        using var upstream = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        upstream.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var asked = new List<DnsRoute> { new("", [(IPEndPoint)upstream.LocalEndPoint!]) };
        var answers = new List<(ushort Port, byte[] Message)>();
        using var forwarder = new DnsForwarder((_, port, message) => answers.Add((port, message.ToArray()))) { Routes = asked };
        var query = Query("www.example.com", A, id: 77);
        Assert.True(forwarder.TryForward(query, Plan.Members[0].Identity, 5353));
        var buffer = new byte[512];
        var received = await upstream.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
        Assert.Equal(query.AsSpan(2).ToArray(), buffer[2..received.ReceivedBytes]);
        buffer[2] |= 0x80;
        var wrong = buffer[..received.ReceivedBytes];
        wrong[0] ^= 1;
        await upstream.SendToAsync(wrong, received.RemoteEndPoint);
        wrong[0] ^= 1;
        wrong[13] = (byte)'x';
        await upstream.SendToAsync(wrong, received.RemoteEndPoint);
        Pump(forwarder, 2);
        Assert.Empty(answers);
        await upstream.SendToAsync(buffer[..received.ReceivedBytes].Select((b, i) => i == 13 ? (byte)'w' : b).ToArray(), received.RemoteEndPoint);
        Pump(forwarder, 1);
        var (port, answer) = Assert.Single(answers);
        Assert.Equal((5353, 77), (port, BinaryPrimitives.ReadUInt16BigEndian(answer)));
    }

    [Fact]
    public void NamesOfASiteAreAskedOfTheSite()
    {
        using var forwarder = new DnsForwarder((_, _, _) => { }) { Routes = [new DnsRoute("hq.example", [new IPEndPoint(IPAddress.Loopback, 9)])] };
        Assert.True(forwarder.TryForward(Query("files.hq.example", A), Plan.Members[0].Identity, 1));
        Assert.False(forwarder.TryForward(Query("files.hq.example.org", A), Plan.Members[0].Identity, 1));
    }

    private static void Pump(DnsForwarder forwarder, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var (entries, milliseconds) = (new List<Local.Networking.Switching.Kernel.PollEntry>(), 0);
            forwarder.Prepare(entries, ref milliseconds);
            forwarder.Happened([.. entries.Select(e => e with { Happened = Local.Networking.Switching.Kernel.Readable })]);
        }
    }

    private static byte[]? AskOnWire(Wires wires, byte[] query)
    {
        wires.Send(0, Wires.Udp(wires[0], wires.Plan.Gateway, query, 4000, 53));
        return Ipv4.TryRead(wires.Receive(0), out var packet) && packet.TryReadUdp(out var data) ? data.ToArray() : null;
    }

    private static byte[] Query(string name, ushort type, ushort id = 1)
    {
        var message = new List<byte> { (byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
            message.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        message.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        return [.. message];
    }

    private static byte[] Ask(ReadOnlySpan<byte> query, SwitchPlan? plan = null)
    {
        var answer = new byte[2048];
        Assert.True(DnsServer.TryAnswer(query, plan ?? Plan, answer, out var length) || length == 0);
        return answer[..length];
    }

    private static DnsCode CodeOf(byte[] message) => (DnsCode)(message[3] & 0xF);

    private static int AnswersOf(byte[] message) => BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(6));
}
