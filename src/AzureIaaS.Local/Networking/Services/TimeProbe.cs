using System.Buffers.Binary;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Asks a computer behind a peer for its time (SNTP, RFC 4330), from the gateway's address. For the switch's thread alone.</summary>
/// <param name="send">Sends a datagram from a port of the gateway's to an address.</param>
/// <param name="time">This computer's clock.</param>
internal sealed class TimeProbe(TimeProbe.Sender send, TimeProvider time)
{
    public const ushort Port = 123;

    private const int FirstPort = 60500;   // between the names' and the prober's
    private const int Ports = 400;
    private const int Length = 48;
    private const int TransmitTime = 40;
    private const int OriginateTime = 24;
    private static readonly DateTimeOffset Epoch = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<(uint Address, ushort Port), (ulong Cookie, Action<TimeSpan> Done)> _open = [];

    /// <summary>Sends a datagram.</summary>
    public delegate void Sender(uint address, ushort fromPort, ReadOnlySpan<byte> data);

    /// <summary>Asks.</summary>
    /// <param name="address">The computer's address.</param>
    /// <param name="done">Called with how far its clock is ahead, if it answers.</param>
    /// <returns>What ends the question.</returns>
    public Action Ask(uint address, Action<TimeSpan> done)
    {
        var key = (address, (ushort)(FirstPort + Random.Shared.Next(Ports)));
        var cookie = (ulong)Random.Shared.NextInt64();
        _open[key] = (cookie, done);
        send(address, key.Item2, Request(cookie));
        return () => _open.Remove(key);
    }

    /// <summary>Takes a packet to the gateway, if it answers a question.</summary>
    public bool TryTake(Ipv4 packet)
    {
        if (_open.Count == 0 || packet.SourcePort != Port || !_open.TryGetValue((packet.Source, packet.DestinationPort), out var asked) || !packet.TryReadUdp(out var data))
            return false;
        if (TryRead(data, asked.Cookie, time.GetUtcNow(), out var offset))
        {
            _open.Remove((packet.Source, packet.DestinationPort));
            asked.Done(offset);
        }

        return true;
    }

    /// <summary>Writes a question; the transmit time is a number by chance, which the answer must repeat.</summary>
    /// <param name="cookie">The number.</param>
    public static byte[] Request(ulong cookie)
    {
        var request = new byte[Length];
        request[0] = 0x23;   // version 4, client
        BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(TransmitTime), cookie);
        return request;
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="data">Its bytes.</param>
    /// <param name="cookie">The question's number.</param>
    /// <param name="now">This computer's time.</param>
    /// <param name="offset">How far the other clock is ahead.</param>
    /// <returns>False when it is none to that question, or whoever answers does not know the time.</returns>
    public static bool TryRead(ReadOnlySpan<byte> data, ulong cookie, DateTimeOffset now, out TimeSpan offset)
    {
        offset = default;
        if (data.Length < Length || (data[0] & 7) != 4 || data[0] >> 6 == 3 || data[1] is 0 or > 15 || BinaryPrimitives.ReadUInt64BigEndian(data[OriginateTime..]) != cookie)
            return false;
        var seconds = BinaryPrimitives.ReadUInt32BigEndian(data[TransmitTime..]);
        // After 2036 the seconds begin anew (RFC 4330, section 3).
        var whole = (seconds & 0x80000000) == 0 ? seconds + (1L << 32) : seconds;
        offset = Epoch.AddSeconds(whole) - now;
        return true;
    }
}
