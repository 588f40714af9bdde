using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Exchanges packets with the switches of networks that this one is peered with: a datagram a packet, in a private folder.</summary>
internal sealed class PeerLink : IPollable, IDisposable
{
    private const int MostAtOnce = 64;

    private readonly Socket _receiver = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly Dictionary<string, Socket> _senders = [];
    private readonly byte[] _buffer = new byte[FramePool.SlotSize];
    private readonly Action<ReadOnlyMemory<byte>> _received;

    /// <summary>Begins to take packets.</summary>
    /// <param name="path">Where.</param>
    /// <param name="received">Called with each.</param>
    public PeerLink(string path, Action<ReadOnlyMemory<byte>> received)
    {
        _received = received;
        File.Delete(path);
        _receiver.Bind(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>Sends a packet to a peer; one whose switch does not run loses it.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="packet">The packet.</param>
    public void Send(SwitchPeer peer, ReadOnlySpan<byte> packet)
    {
        if (!_senders.TryGetValue(peer.Socket, out var sender))
        {
            sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
            try
            {
                sender.Connect(new UnixDomainSocketEndPoint(peer.Socket));
            }
            catch (SocketException)
            {
                sender.Dispose();
                return;
            }

            _senders[peer.Socket] = sender;
        }

        _ = sender.Send(packet, SocketFlags.None, out var error);
        if (error is SocketError.Success or SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
            return;
        sender.Dispose();
        _senders.Remove(peer.Socket);
    }

    public void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds) =>
        entries.Add(new Kernel.PollEntry { File = (int)_receiver.Handle, Events = Kernel.Readable });

    public void Happened(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        for (var i = 0; entries[0].Happened != 0 && i < MostAtOnce; i++)
        {
            var length = _receiver.Receive(_buffer, SocketFlags.None, out var error);
            if (error != SocketError.Success)
                return;
            if (length <= Frame.Longest - Frame.Header)
                _received(_buffer.AsMemory(0, length));
        }
    }

    public void Dispose()
    {
        _receiver.Dispose();
        foreach (var sender in _senders.Values)
            sender.Dispose();
    }
}
