using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>
/// Sends packets to one peer. A kernel holds few datagrams for a socket (net.unix.max_dgram_qlen, often 10), so that a burst waits here until there
/// is room; what finds none here either is lost, as in any router. For the switch's thread alone.
/// </summary>
internal sealed class PeerSender : IDisposable
{
    /// <summary>How many packets may wait.</summary>
    public const int Most = 256;

    private readonly Socket _socket;
    private readonly int[] _lengths = new int[Most];
    private byte[][]? _packets;   // made by the first burst
    private int _first;
    private int _count;

    private PeerSender(Socket socket) => _socket = socket;

    /// <summary>Connects to a peer; null when its switch does not run.</summary>
    /// <param name="path">Where it takes packets.</param>
    public static PeerSender? Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false, SendBufferSize = 4 << 20 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new PeerSender(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>What is waited for; a negative file for nothing.</summary>
    public Kernel.PollEntry Entry => new() { File = _count > 0 ? (int)_socket.Handle : -1, Events = Kernel.Writable };

    /// <summary>Sends a packet, or has it wait.</summary>
    /// <returns>False when the peer has gone.</returns>
    public bool Send(ReadOnlySpan<byte> packet)
    {
        if (_count == 0)
        {
            _ = _socket.Send(packet, SocketFlags.None, out var error);
            if (error == SocketError.Success)
                return true;
            if (!IsFull(error))
                return error == SocketError.MessageSize;
        }

        if (_count == Most || packet.Length > FramePool.SlotSize)
            return true;
        _packets ??= [.. Enumerable.Range(0, Most).Select(_ => new byte[FramePool.SlotSize])];
        var slot = (_first + _count++) % Most;
        packet.CopyTo(_packets[slot]);
        _lengths[slot] = packet.Length;
        return true;
    }

    /// <summary>Sends what waits, as far as there is room.</summary>
    /// <returns>False when the peer has gone.</returns>
    public bool Flush()
    {
        while (_count > 0)
        {
            _ = _socket.Send(_packets![_first].AsSpan(0, _lengths[_first]), SocketFlags.None, out var error);
            if (error != SocketError.Success)
                return IsFull(error);
            _first = (_first + 1) % Most;
            _count--;
        }

        return true;
    }

    public void Dispose() => _socket.Dispose();

    private static bool IsFull(SocketError error) => error is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable;
}
