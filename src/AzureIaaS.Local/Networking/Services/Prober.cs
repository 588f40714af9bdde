using System.Buffers.Binary;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>How a member has answered the gateway's question.</summary>
internal enum ProbeResult
{
    /// <summary>Not within the time.</summary>
    Silent,

    /// <summary>It listens at the port, or answers the ping.</summary>
    Answers,

    /// <summary>It is there, and does not listen at the port.</summary>
    Refuses,
}

/// <summary>
/// Asks members, from the gateway's address, whether they listen at a TCP port or answer a ping. A port's answer is told from the handshake's
/// first two segments alone (RFC 9293, section 3.5), and the half-made connection is taken back, so that no server sees one.
/// </summary>
internal sealed class Prober(Action<ReadOnlyMemory<byte>> send)
{
    private const int FirstPort = 61000;   // above what systems use for connections of their own
    private const int Ports = 4000;
    private const byte Syn = 2;
    private const byte Reset = 4;
    private const byte Acknowledge = 16;

    private readonly Dictionary<(uint Address, ushort Number, bool Ping), Probe> _open = [];
    private readonly byte[] _frame = new byte[128];
    private int _next = Random.Shared.Next(Ports);

    /// <summary>Asks whether a member listens at a port.</summary>
    /// <param name="gateway">The gateway.</param>
    /// <param name="member">The member.</param>
    /// <param name="port">The port; null for a ping.</param>
    /// <param name="done">Called with the answer, if one comes.</param>
    /// <returns>What ends the question.</returns>
    public Action Ask(PortIdentity gateway, PortIdentity member, int? port, Action<ProbeResult> done)
    {
        _next = (_next + 1) % Ports;
        var probe = new Probe(gateway, member, (ushort)(FirstPort + _next), port, done);
        var key = (member.Address, probe.Number, port is null);
        _open[key] = probe;
        if (port is null)
            SendPing(probe);
        else
            SendSegment(probe, Syn, sequence: (uint)Random.Shared.NextInt64(uint.MaxValue));
        return () => _open.Remove(key);
    }

    /// <summary>Takes a packet, if it answers a question.</summary>
    /// <param name="packet">The packet, to the gateway.</param>
    /// <returns>False when it is none.</returns>
    public bool TryTake(Ipv4 packet)
    {
        if (_open.Count == 0 || packet.IsFragment)
            return false;
        var data = packet.Payload;
        if (packet.Protocol == Ipv4.Icmp && data.Length >= 8 && data[0] == 0)
            return Take((packet.Source, BinaryPrimitives.ReadUInt16BigEndian(data[4..]), true), ProbeResult.Answers, 0);
        if (packet.Protocol != Ipv4.Tcp || data.Length < 20)
            return false;
        var flags = data[13];
        var result = (flags & Reset) != 0 ? ProbeResult.Refuses : (flags & (Syn | Acknowledge)) == (Syn | Acknowledge) ? ProbeResult.Answers : ProbeResult.Silent;
        return Take((packet.Source, packet.DestinationPort, false), result, BinaryPrimitives.ReadUInt32BigEndian(data[8..]));
    }

    private bool Take((uint, ushort, bool) key, ProbeResult result, uint acknowledged)
    {
        if (!_open.TryGetValue(key, out var probe))
            return false;
        if (result == ProbeResult.Silent)
            return true;
        _open.Remove(key);
        if (result == ProbeResult.Answers && probe.Port is not null)
            SendSegment(probe, Reset, acknowledged);
        probe.Done(result);
        return true;
    }

    private void SendPing(Probe probe)
    {
        var data = _frame.AsSpan(Frame.Header + Ipv4.ShortestHeader, 40);
        data.Clear();
        data[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(data[4..], probe.Number);
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], Checksum.Of(data));
        Send(probe, Ipv4.Icmp, data.Length);
    }

    private void SendSegment(Probe probe, byte flags, uint sequence)
    {
        var data = _frame.AsSpan(Frame.Header + Ipv4.ShortestHeader, 20);
        data.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(data, probe.Number);
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], (ushort)probe.Port!.Value);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], sequence);
        (data[12], data[13]) = (5 << 4, flags);
        BinaryPrimitives.WriteUInt16BigEndian(data[14..], 1024);
        BinaryPrimitives.WriteUInt16BigEndian(data[16..], Checksum.OfTransport(probe.Gateway.Address, probe.Member.Address, Ipv4.Tcp, data));
        Send(probe, Ipv4.Tcp, data.Length);
    }

    private void Send(Probe probe, byte protocol, int length)
    {
        Frame.Write(_frame, probe.Member.Mac, probe.Gateway.Mac, Frame.Ipv4);
        Ipv4.WriteHeader(_frame.AsSpan(Frame.Header), Ipv4.ShortestHeader + length, protocol, probe.Gateway.Address, probe.Member.Address);
        send(_frame.AsMemory(0, Frame.Header + Ipv4.ShortestHeader + length));
    }

    private sealed record Probe(PortIdentity Gateway, PortIdentity Member, ushort Number, int? Port, Action<ProbeResult> Done);
}
