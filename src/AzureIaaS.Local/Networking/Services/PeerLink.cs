using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Exchanges packets with the switches of networks that this one is peered with: a datagram a packet, in a private folder.</summary>
internal sealed class PeerLink : IPollable, IDisposable
{
    private const int MostAtOnce = 64;

    private readonly Socket _receiver = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly Dictionary<string, PeerSender> _senders = [];
    private readonly List<string> _waiting = [];
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
        // A switch that was started anew is known by its refusal, and found again at once.
        for (var left = 2; left > 0 && Find(peer.Socket) is { } sender && !sender.Send(packet); left--)
            Forget(peer.Socket);
    }

    public void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds)
    {
        entries.Add(new Kernel.PollEntry { File = (int)_receiver.Handle, Events = Kernel.Readable });
        _waiting.Clear();
        foreach (var (path, sender) in _senders)
        {
            _waiting.Add(path);
            entries.Add(sender.Entry);
        }
    }

    public void Happened(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        for (var i = 1; i < entries.Length; i++)
        {
            if (entries[i].Happened != 0 && _senders.TryGetValue(_waiting[i - 1], out var sender) && !sender.Flush())
                Forget(_waiting[i - 1]);
        }

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

    private PeerSender? Find(string path)
    {
        if (!_senders.TryGetValue(path, out var sender) && PeerSender.Connect(path) is { } made)
            sender = _senders[path] = made;
        return sender;
    }

    private void Forget(string path)
    {
        if (_senders.Remove(path, out var sender))
            sender.Dispose();
    }
}
