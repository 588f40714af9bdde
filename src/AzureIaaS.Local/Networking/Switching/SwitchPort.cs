using System.Diagnostics;
using System.Net.Sockets;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>Where a port's frames come from and go to: a datagram socket on a path each, a datagram a frame, which is what QEMU's dgram netdev speaks.</summary>
/// <param name="Listen">The path of the port's socket.</param>
/// <param name="Peer">The path of its owner's socket.</param>
internal sealed record PortPlace(string Listen, string Peer);

/// <summary>
/// A port of the switch. Its owner holds no connection and finds a switch that was started anew by the same path; the switch finds an owner that
/// was. For the switch's thread alone.
/// </summary>
/// <remarks>
/// The socket is connected to its owner's. So it hears nobody else, and the kernel lets more wait for it than the few datagrams of
/// net.unix.max_dgram_qlen: fewer wake-ups, and a burst that is not held up. Where the owner connects too, that holds both ways.
/// </remarks>
internal sealed class SwitchPort : IDisposable
{
    private const int Nobody = -1;
    private static readonly TimeSpan StandsStillAfter = TimeSpan.FromMilliseconds(10);

    private readonly FramePool _pool;
    private readonly FrameQueue _queue;
    private readonly RoomWatch _room = new();
    private readonly int[] _outgoing = new int[MessageBatch.Most];
    private Socket? _socket;
    private ulong _fileNumber;
    private ulong _ownerNumber;
    private long _movedAt;
    private int _outgoingStart;
    private int _outgoingEnd;

    public SwitchPort(FramePool pool, int index, PortIdentity identity, PortPlace place)
    {
        _pool = pool;
        _queue = new FrameQueue(pool);
        Hold = new SenderHold(index);
        (Index, Identity, Place) = (index, identity, place);
    }

    /// <summary>Its number; frames under way are counted by it.</summary>
    public int Index { get; }

    public PortIdentity Identity { get; set; }

    public PortPlace Place { get; }

    /// <summary>The socket; -1 while there is none.</summary>
    public int Handle { get; private set; } = Nobody;

    /// <summary>Whether its owner is there.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>Whether frames wait until its owner has room for them.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Whether its owner has taken nothing for a while: it is no longer just busy.</summary>
    public bool StandsStill => Stopwatch.GetElapsedTime(_movedAt) >= StandsStillAfter;

    /// <summary>Whether its owner, when it is busy, takes frames slowly.</summary>
    public bool IsSlow => _room.IsSlow;

    /// <summary>When to look whether its owner has room, in the time of <see cref="Stopwatch"/>; null where nothing waits, or where the kernel is to say so.</summary>
    public long? LooksAt => IsBlocked && !StandsStill ? _room.At : null;

    /// <summary>What holds its owner up.</summary>
    public SenderHold Hold { get; }

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

        if (Handle == Nobody || Kernel.FileNumber(Place.Listen) != _fileNumber)
            Listen();
        // Whoever took its owner's place is refused by the kernel until then.
        if (IsConnected && Kernel.FileNumber(Place.Peer) != _ownerNumber)
            Disconnect();
        Connect();
    }

    /// <summary>Takes a frame for its owner, and holds its slot.</summary>
    public void Add(int source, int slot)
    {
        if (!IsConnected || !_queue.Add(source, slot))
            Dropped++;
    }

    /// <summary>How many frames of a source wait in its queue.</summary>
    public int CountOf(int source) => _queue.CountOf(source);

    /// <summary>Sends what waits, as far as its owner has room.</summary>
    public void Flush(MessageBatch batch)
    {
        var (wasBlocked, before) = (IsBlocked, Sent);
        Send(batch);
        if (IsBlocked)
            _room.Next(wasBlocked ? Sent - before : null);
    }

    private void Send(MessageBatch batch)
    {
        while (IsConnected)
        {
            if (_outgoingStart == _outgoingEnd)
                (_outgoingStart, _outgoingEnd) = (0, _queue.Take(_outgoing));
            if (_outgoingEnd == 0)
            {
                IsBlocked = false;
                return;
            }

            var sent = batch.Send(Handle, _outgoing.AsSpan(_outgoingStart.._outgoingEnd), out var error);
            Release(sent);
            Sent += sent;
            if (sent > 0)
                _movedAt = Stopwatch.GetTimestamp();
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
        Disconnect();
        _socket?.Dispose();
        (_socket, Handle) = (null, Nobody);
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            File.Delete(Place.Listen);   // left by a switch that was killed, or made by whoever listened for signs of life
            socket.Bind(new UnixDomainSocketEndPoint(Place.Listen));
            (_socket, Handle) = (socket, (int)socket.Handle);
            _fileNumber = Kernel.FileNumber(Place.Listen);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();   // its folder is being replaced at this moment; tried again
        }
    }

    /// <summary>Finds the port's owner, if it is there and not known already.</summary>
    public void Connect()
    {
        if (IsConnected || Handle == Nobody)
            return;
        // The number first: of an owner that comes between the two, the next check learns.
        _ownerNumber = Kernel.FileNumber(Place.Peer);
        IsConnected = _ownerNumber != 0 && Kernel.Connect(Handle, Place.Peer);
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
        if (IsConnected)
            Kernel.Disconnect(Handle);
        (IsConnected, IsBlocked) = (false, false);
    }

    private void Close()
    {
        Disconnect();
        if (_socket is not null && Kernel.FileNumber(Place.Listen) is var now && now != 0 && now == _fileNumber)
            File.Delete(Place.Listen);
        _socket?.Dispose();
        (_socket, Handle) = (null, Nobody);
    }
}
