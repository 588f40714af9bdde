using System.Net.Sockets;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>Where a port's frames come from and go to: two datagram sockets on paths, a datagram a frame, which is what QEMU's dgram netdev speaks.</summary>
/// <param name="Listen">The path that the port receives at.</param>
/// <param name="Peer">The path that its owner receives at.</param>
internal sealed record PortPlace(string Listen, string Peer);

/// <summary>
/// A port of the switch. It holds no connection: its owner finds a switch that was started anew by the same path, and the switch finds an owner
/// that was. For the switch's thread alone.
/// </summary>
internal sealed class SwitchPort : IDisposable
{
    private const int Nobody = -1;

    private readonly FramePool _pool;
    private readonly FrameQueue _queue;
    private readonly int[] _outgoing = new int[MessageBatch.Most];
    private Socket? _receiver;
    private Socket? _sender;
    private ulong _fileNumber;
    private int _outgoingStart;
    private int _outgoingEnd;

    public SwitchPort(FramePool pool, int index, PortIdentity identity, PortPlace place)
    {
        _pool = pool;
        _queue = new FrameQueue(pool);
        (Index, Identity, Place) = (index, identity, place);
    }

    /// <summary>Its number; frames under way are counted by it.</summary>
    public int Index { get; }

    public PortIdentity Identity { get; set; }

    public PortPlace Place { get; }

    /// <summary>The socket that frames come in by; -1 while there is none.</summary>
    public int Receiver { get; private set; } = Nobody;

    /// <summary>The socket that frames go out by; -1 while its owner is not there.</summary>
    public int Sender { get; private set; } = Nobody;

    /// <summary>Whether frames wait until its owner has room for them.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Whether it is in the list of those that have something to send.</summary>
    public bool IsDirty { get; set; }

    /// <summary>How many frames came in and were carried on.</summary>
    public long Received { get; set; }

    /// <summary>How many were not its owner's to send, or malformed.</summary>
    public long Refused { get; set; }

    /// <summary>How many went out.</summary>
    public long Sent { get; private set; }

    /// <summary>How many found no room.</summary>
    public long Dropped { get; private set; }

    /// <summary>Sees to it that the port listens at its path and knows its owner: either may have been replaced since.</summary>
    public void Check()
    {
        if (!Directory.Exists(Path.GetDirectoryName(Place.Listen)))
        {
            Close();
            return;
        }

        if (Receiver == Nobody || Kernel.FileNumber(Place.Listen) != _fileNumber)
            Listen();
        if (Sender == Nobody)
            Connect();
    }

    /// <summary>Takes a frame for its owner, and holds its slot.</summary>
    public void Add(int source, int slot)
    {
        if (Sender == Nobody || !_queue.Add(source, slot))
            Dropped++;
    }

    /// <summary>Sends what waits, as far as its owner has room.</summary>
    public void Flush(MessageBatch batch)
    {
        while (Sender != Nobody)
        {
            if (_outgoingStart == _outgoingEnd)
                (_outgoingStart, _outgoingEnd) = (0, _queue.Take(_outgoing));
            if (_outgoingEnd == 0)
            {
                IsBlocked = false;
                return;
            }

            var sent = batch.Send(Sender, _outgoing.AsSpan(_outgoingStart.._outgoingEnd), out var error);
            Release(sent);
            Sent += sent;
            if (error is Kernel.TryAgain or Kernel.NoBuffers)
            {
                IsBlocked = true;
                if (sent == 0)
                    return;
            }
            else if (error != 0 && error != Kernel.Interrupted)
            {
                // Its owner has gone; whoever comes next at its path is found anew.
                Disconnect();
                return;
            }
        }
    }

    public void Dispose() => Close();

    private void Listen()
    {
        _receiver?.Dispose();
        Receiver = Nobody;
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            File.Delete(Place.Listen);   // left by a switch that was killed, or made by whoever listened for signs of life
            socket.Bind(new UnixDomainSocketEndPoint(Place.Listen));
            socket.ReceiveBufferSize = 4 << 20;
            _receiver = socket;
            Receiver = (int)socket.Handle;
            _fileNumber = Kernel.FileNumber(Place.Listen);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();   // its folder is being replaced at this moment; tried again
        }
    }

    /// <summary>Finds the port's owner, if it is there.</summary>
    public void Connect()
    {
        if (Sender != Nobody || !File.Exists(Place.Peer))
            return;
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false, SendBufferSize = 4 << 20 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Place.Peer));
            _sender = socket;
            Sender = (int)socket.Handle;
        }
        catch (SocketException)
        {
            socket.Dispose();   // not there yet, or any more
        }
    }

    private void Release(int count)
    {
        for (var i = 0; i < count; i++)
            _pool.Release(_outgoing[_outgoingStart++]);
    }

    private void Disconnect()
    {
        Dropped += _outgoingEnd - _outgoingStart + _queue.Count;
        Release(_outgoingEnd - _outgoingStart);
        while ((_outgoingStart, _outgoingEnd) is var _ && _queue.Take(_outgoing) is > 0 and var count)
        {
            (_outgoingStart, _outgoingEnd) = (0, count);
            Release(count);
        }

        (_outgoingStart, _outgoingEnd) = (0, 0);
        _sender?.Dispose();
        _sender = null;
        Sender = Nobody;
        IsBlocked = false;
    }

    private void Close()
    {
        Disconnect();
        if (_receiver is not null && Kernel.FileNumber(Place.Listen) is var now && now != 0 && now == _fileNumber)
            File.Delete(Place.Listen);
        _receiver?.Dispose();
        _receiver = null;
        Receiver = Nobody;
    }
}
