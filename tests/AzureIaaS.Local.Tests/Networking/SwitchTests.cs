using System.Buffers.Binary;
using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

public class SwitchTests
{
    [Fact]
    public void AFrameGoesToItsDestinationAndToNobodyElse()
    {
        using var wires = new Wires(3);
        wires.Send(0, wires.Udp(0, 2, "hello"));
        Assert.Equal("hello", Wires.TextOf(wires.Receive(2)));
        Assert.Null(wires.Receive(1, 100));
        Assert.Null(wires.Receive(0, 1));
    }

    [Fact]
    public void ABroadcastGoesToEverybodyButItsSender()
    {
        using var wires = new Wires(4);
        wires.Send(0, Wires.Udp(wires[0], new PortIdentity(Frame.Broadcast, Wires.Address("10.20.0.255")), "all"u8, 1, 2));
        Assert.All([1, 2, 3], i => Assert.Equal("all", Wires.TextOf(wires.Receive(i))));
        Assert.Null(wires.Receive(0, 100));
    }

    [Fact]
    public void AnAddressThatIsNobodysIsNotFlooded()
    {
        using var wires = new Wires(3);
        wires.Send(0, Wires.Udp(wires[0], new PortIdentity(0x0200DEADBEEF, Wires.Address("10.20.0.77")), "secret"u8, 1, 2));
        Assert.All([1, 2], i => Assert.Null(wires.Receive(i, 100)));
    }

    [Fact]
    public void TrafficGoesOnWhenTheSwitchIsStartedAnew()
    {
        using var wires = new Wires(2);
        wires.Send(0, wires.Udp(0, 1, "before"));
        Assert.Equal("before", Wires.TextOf(wires.Receive(1)));
        wires.Switch.Dispose();
        Assert.False(wires.Send(0, wires.Udp(0, 1, "lost")));
        wires.Start();
        wires.Send(0, wires.Udp(0, 1, "after"));
        Assert.Equal("after", Wires.TextOf(wires.Receive(1)));
    }

    [Fact]
    public void AMemberThatIsStartedAnewIsFoundAgain()
    {
        using var wires = new Wires(2);
        wires.Send(0, wires.Udp(0, 1, "before"));
        Assert.Equal("before", Wires.TextOf(wires.Receive(1)));
        wires.Plug(1);
        string? seen = null;
        for (var i = 0; i < 50 && seen is null; i++)
        {
            wires.Send(0, wires.Udp(0, 1, "after"));
            seen = Wires.TextOf(wires.Receive(1, 100));
        }

        Assert.Equal("after", seen);
    }

    [Fact]
    public void APeerThatIsStartedAnewIsFoundByTheNextPacket()
    {
        var folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
        var peer = new SwitchPeer("peer", 0, 0, Path.Combine(folder, "peer.sock"));
        using (var link = new PeerLink(Path.Combine(folder, "own.sock"), _ => { }))
        {
            link.Send(peer, [0]);   // nobody is there, and nobody minds
            for (byte i = 1; i < 4; i++)
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 1000 };
                socket.Bind(new UnixDomainSocketEndPoint(peer.Socket));
                var (received, length) = (new byte[2], 0);
                for (var turn = 0; turn < 60 && length == 0; turn++)   // a process that another test is making may hold the old socket for a moment
                {
                    link.Send(peer, [i]);
                    length = Receive(socket, received);
                }

                Assert.Equal((1, i), (length, received[0]));
            }
        }

        Directory.Delete(folder, recursive: true);
    }

    private static int Receive(Socket socket, byte[] buffer)
    {
        var length = socket.Receive(buffer, 0, buffer.Length, SocketFlags.None, out var error);
        return error == SocketError.Success ? length : 0;
    }

    [Fact]
    public void AFloodFromOneDoesNotStarveAnother()
    {
        using var wires = new Wires(3);
        using var stop = new CancellationTokenSource();
        var flood = new Thread(() =>
        {
            var frame = wires.Udp(0, 2, new string('x', 1400));
            while (!stop.IsCancellationRequested)
                wires.Send(0, frame);
        });
        flood.Start();
        try
        {
            // The receiver is slower than the flood: its queue is always full, and the other's few frames still come through.
            var (wanted, frames) = (20, 0);
            for (var i = 0; i < wanted; i++)
                wires.Send(1, wires.Udp(1, 2, $"quiet {i}"));
            var seen = 0;
            while (seen < wanted && frames++ < 20_000 && wires.Receive(2) is { } frame)
                seen += Wires.TextOf(frame)!.StartsWith("quiet", StringComparison.Ordinal) ? 1 : 0;
            Assert.Equal(wanted, seen);
        }
        finally
        {
            stop.Cancel();
            flood.Join();
        }
    }

    [Fact]
    public void AMemberThatTakesNothingHoldsUpNobody()
    {
        using var wires = new Wires(3);
        wires.Send(0, wires.Udp(0, 1, "first"));
        Assert.Equal("first", Wires.TextOf(wires.Receive(1)));
        var frame = wires.Udp(0, 1, new string('x', 1400));
        for (var i = 0; i < 3000; i++)
            Assert.True(wires.Send(0, frame));
        wires.Send(0, wires.Udp(0, 2, "past it"));
        Assert.Equal("past it", Wires.TextOf(wires.Receive(2)));
    }

    [Fact]
    public void ASenderIsHeldUpRatherThanItsFramesLost()
    {
        // Several times as many as all queues on the way have room for. Where the receiver stands still for a moment, some are lost, as on any wire;
        // of a sender that is not held up, a third is lost each time.
        const int Frames = 4000;
        const int Enough = 3400;
        using var wires = new Wires(2);
        var most = 0;
        for (var attempt = 0; attempt < 20 && most < Enough; attempt++)
            most = Math.Max(most, Pour(wires, Frames));
        Assert.True(most >= Enough, $"At most {most} of {Frames} frames have come.");
    }

    [Fact]
    public void WhoSpeaksToOneOnlyLosesFewToABusyReceiver()
    {
        // While the receiver does not run at all, some are lost; of a sender that is held up for a moment at a time only, most are.
        const int Frames = 2000;
        const int Few = Frames / 20;
        using var wires = new Wires(2);
        var lost = Frames;
        for (var attempt = 0; attempt < 40 && lost > Few; attempt++)
            lost = Math.Min(lost, Frames - Pour(wires, Frames, taking: _ => Thread.SpinWait(2500), ahead: 150));
        Assert.InRange(lost, 0, Few);
    }

    [Fact]
    public void ABusyReceiverDoesNotHoldUpWhatIsForOthers()
    {
        const int Frames = 1000;
        using var wires = new Wires(3);
        using var stop = new CancellationTokenSource();
        var taken = 0;
        var slow = new Thread(() =>
        {
            for (; !stop.Token.WaitHandle.WaitOne(1); taken++)
                wires.Receive(1, 10);
        });
        slow.Start();
        var sender = new Thread(() =>
        {
            for (var i = 0; i < Frames; i++)
            {
                wires.Send(0, wires.Udp(0, 1, $"{i}"));
                wires.Send(0, wires.Udp(0, 2, $"{i}"));
            }
        });
        sender.Start();
        var seen = 0;
        while (seen < Frames * 9 / 10 && wires.Receive(2) is not null)
            seen++;
        stop.Cancel();
        sender.Join();
        slow.Join();
        // As many for the slow one were sent, and it has taken few: nobody has waited for it.
        Assert.InRange(taken, 0, seen / 2);
    }

    [Fact]
    public void NobodyElseIsHeardAtAPortWhoseOwnerIsThere()
    {
        using var wires = new Wires(2);
        wires.Send(0, wires.Udp(0, 1, "mine"));
        Assert.Equal("mine", Wires.TextOf(wires.Receive(1)));
        Assert.Equal(SocketError.AccessDenied, wires.SendAsStranger(0, wires.Udp(0, 1, "forged")));
        wires.Send(0, wires.Udp(0, 1, "mine again"));
        Assert.Equal("mine again", Wires.TextOf(wires.Receive(1)));
    }

    [Fact]
    public void TheGatewayAnswersArpAndPing()
    {
        using var wires = new Wires(1);
        var frame = new byte[64];
        var length = new Arp(Arp.Request, wires[0].Mac, wires[0].Address, 0, wires.Plan.Gateway.Address).Write(frame);
        wires.Send(0, frame.AsSpan(0, length));
        Assert.True(Arp.TryRead(wires.Receive(0), out var reply));
        Assert.Equal(new Arp(Arp.Reply, wires.Plan.Gateway.Mac, wires.Plan.Gateway.Address, wires[0].Mac, wires[0].Address), reply);
        wires.Send(0, Ping(wires[0], wires.Plan.Gateway));
        Assert.True(Ipv4.TryRead(wires.Receive(0), out var pong));
        Assert.Equal((Ipv4.Icmp, 0, (ushort)0), (pong.Protocol, pong.Payload[0], Checksum.Of(pong.Payload)));
        Assert.Equal(0, Checksum.Of(pong.Whole[..pong.HeaderLength]));
    }

    [Fact]
    public void WhatCannotBeReachedIsSaidAtOnceToWhoeverTries()
    {
        using var wires = new Wires(1, isolated: true);
        wires.Send(0, Wires.Udp(wires[0], wires.Plan.Gateway with { Address = Wires.Address("8.8.8.8") }, "out?"u8, 5, 6));
        Assert.True(Ipv4.TryRead(wires.Receive(0), out var packet));
        Assert.Equal((Ipv4.Icmp, 3, 13), (packet.Protocol, packet.Payload[0], packet.Payload[1]));
    }

    [Fact]
    public async Task AMemberIsAskedWhetherItListens()
    {
        using var wires = new Wires(1);
        var asking = wires.Switch.ProbeAsync(wires[0].Address, 80, TimeSpan.FromSeconds(5));
        var frame = wires.Receive(0)!;
        Answer(wires, frame, 0x12);
        Assert.Equal(ProbeResult.Answers, await asking);
        Assert.True(Ipv4.TryRead(wires.Receive(0), out var reset));
        Assert.Equal(4, reset.Payload[13]);   // the half-made connection is taken back

        asking = wires.Switch.ProbeAsync(wires[0].Address, 81, TimeSpan.FromSeconds(5));
        Answer(wires, wires.Receive(0)!, 0x14);
        Assert.Equal(ProbeResult.Refuses, await asking);
        Assert.Equal(ProbeResult.Silent, await wires.Switch.ProbeAsync(wires[0].Address, 82, TimeSpan.FromMilliseconds(200)));
        Assert.Equal(ProbeResult.Silent, await wires.Switch.ProbeAsync(Wires.Address("10.20.0.99"), 80, TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void FramesOfNoneOrAnyLengthAreSurvived()
    {
        using var wires = new Wires(2);
        var random = new Random(1);
        for (var i = 0; i < 3000 * Soak.Factor; i++)
        {
            var frame = wires.Udp(0, random.Next(2) == 0 ? 1 : 0, new string('y', random.Next(200)), (ushort)random.Next(100));
            for (var changes = random.Next(8); changes > 0; changes--)
                frame[12 + random.Next(frame.Length - 12)] = (byte)random.Next(256);
            wires.Send(0, frame.AsSpan(0, random.Next(4) == 0 ? random.Next(frame.Length) : frame.Length));
        }

        while (wires.Receive(1, 50) is not null)
        {
            // What was whole has come.
        }

        wires.Send(0, new byte[Frame.Longest + 1]);
        wires.Send(0, new byte[60_000]);
        wires.Send(0, wires.Udp(0, 1, "still here"));
        Assert.Equal("still here", Wires.TextOf(wires.Receive(1)));
    }

    /// <summary>Sends numbered frames as fast as can be, and takes them.</summary>
    /// <param name="wires">The switch.</param>
    /// <param name="frames">How many.</param>
    /// <param name="taking">What the receiver does with each; null for nothing.</param>
    /// <param name="ahead">For how many milliseconds the sender speaks to the receiver before, a little.</param>
    /// <returns>How many came, each after those before it.</returns>
    private static int Pour(Wires wires, int frames, Action<int>? taking = null, int ahead = 0)
    {
        for (var start = Environment.TickCount64; Environment.TickCount64 - start < ahead; wires.Receive(1))
            wires.Send(0, wires.Udp(0, 1, "-"));
        var sender = new Thread(() =>
        {
            for (var i = 0; i <= frames; i++)
                wires.Send(0, wires.Udp(0, 1, $"{i}"));
        });
        sender.Start();
        var (last, taken) = (-1, 0);
        while (wires.Receive(1, 500) is { } frame)
        {
            var number = int.Parse(Wires.TextOf(frame)!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(number > last, $"{number} comes after {last}.");
            last = number;
            if (number == frames)
                break;
            taken++;
            taking?.Invoke(number);
        }

        sender.Join();
        return taken;
    }

    private static byte[] Ping(PortIdentity from, PortIdentity to)
    {
        byte[] echo = [8, .. new byte[15]];
        BinaryPrimitives.WriteUInt16BigEndian(echo.AsSpan(2), Checksum.Of(echo));
        return Wires.Transport(from, to, Ipv4.Icmp, echo);
    }

    /// <summary>Answers a SYN with a segment that has these flags.</summary>
    private static void Answer(Wires wires, byte[] syn, byte flags)
    {
        Assert.True(Ipv4.TryRead(syn, out var asked));
        Assert.Equal((Ipv4.Tcp, 2, (ushort)0), (asked.Protocol, asked.Payload[13], Checksum.OfTransport(asked.Source, asked.Destination, Ipv4.Tcp, asked.Payload)));
        var segment = new byte[20];
        asked.Payload[2..4].CopyTo(segment);
        asked.Payload[..2].CopyTo(segment.AsSpan(2));
        asked.Payload[4..8].CopyTo(segment.AsSpan(8));
        (segment[12], segment[13]) = (5 << 4, flags);
        wires.Send(0, Wires.Transport(wires[0], wires.Plan.Gateway, Ipv4.Tcp, segment));
    }
}
