using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>A network that packets from its sites go to.</summary>
/// <param name="Subnet">Its first address.</param>
/// <param name="Mask">Its mask.</param>
/// <param name="Socket">Where its switch takes packets.</param>
internal sealed record RelayNetwork(uint Subnet, uint Mask, string Socket);

/// <summary>
/// Carries packets between the networks' switches and the tunnel's device: a thread each way, many packets a system call, nothing allocated.
/// Which packets may pass at all, the switches and the tunnel's own policies decide on their sides.
/// </summary>
internal sealed class SiteRelay : IDisposable
{
    private const int WaitMilliseconds = 200;
    private const int RoomMilliseconds = 20;

    private readonly SafeFileHandle _device;
    private readonly Socket _receiver = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false, ReceiveBufferSize = 4 << 20 };
    private readonly Dictionary<string, Socket> _switches = [];
    private readonly Thread[] _threads;
    private volatile IReadOnlyList<RelayNetwork> _networks = [];
    private volatile bool _ends;

    /// <summary>Begins.</summary>
    /// <param name="device">The tunnel's device.</param>
    /// <param name="path">Where switches send packets.</param>
    public SiteRelay(string device, string path)
    {
        _device = PacketDevice.Open(device);
        File.Delete(path);
        _receiver.Bind(new UnixDomainSocketEndPoint(path));
        _threads = [new(Outward) { IsBackground = true, Name = "to sites" }, new(Inward) { IsBackground = true, Name = "from sites" }];
        foreach (var thread in _threads)
            thread.Start();
    }

    /// <summary>The networks there are.</summary>
    public IReadOnlyList<RelayNetwork> Networks
    {
        get => _networks;
        set => _networks = value;
    }

    public void Dispose()
    {
        _ends = true;
        foreach (var thread in _threads)
            thread.Join();
        foreach (var socket in _switches.Values)
            socket.Dispose();
        _receiver.Dispose();
        _device.Dispose();
    }

    private void Outward() => Carry((int)_receiver.Handle, (batch, pool, slots) => Send(batch, (int)_device.DangerousGetHandle(), slots));

    private void Inward() => Carry((int)_device.DangerousGetHandle(), (batch, pool, slots) =>
    {
        // Neighbours mostly go to the same network: they go together.
        for (var start = 0; start < slots.Length;)
        {
            var network = NetworkOf(pool.Frame(slots[start]));
            var end = start + 1;
            while (end < slots.Length && NetworkOf(pool.Frame(slots[end])) == network)
                end++;
            // A switch that was started anew is known by its refusal, and found again at once.
            for (var left = 2; left > 0 && network is not null && SwitchOf(network.Socket) is { } socket && !Send(batch, (int)socket.Handle, slots[start..end]); left--)
                Forget(network.Socket);
            start = end;
        }
    });

    private delegate void Sender(MessageBatch batch, FramePool pool, ReadOnlySpan<int> slots);

    private void Carry(int from, Sender send)
    {
        using var pool = new FramePool(MessageBatch.Most);
        using var batch = new MessageBatch(pool);
        var slots = Enumerable.Range(0, MessageBatch.Most).Select(_ => pool.Rent()).ToArray();
        var ready = new int[MessageBatch.Most];
        while (!_ends)
        {
            if (!Wait(from, Kernel.Readable, WaitMilliseconds))
                continue;
            var count = batch.Receive(from, slots);
            var good = 0;
            for (var i = 0; i < count; i++)
            {
                if (!Ipv4.TryReadPacket(pool.Frame(slots[i]), out var packet))
                    continue;
                pool.SetLength(slots[i], packet.Whole.Length);
                MssClamp.Apply(pool.Frame(slots[i]));
                ready[good++] = slots[i];
            }

            if (good > 0)
                send(batch, pool, ready.AsSpan(0, good));
        }
    }

    /// <summary>Sends packets. Where there is no room, it waits a moment; then they are lost, as in any router.</summary>
    /// <returns>False when nobody is there to take them.</returns>
    private static bool Send(MessageBatch batch, int to, ReadOnlySpan<int> slots)
    {
        while (slots.Length > 0)
        {
            var sent = batch.Send(to, slots, out var error);
            slots = slots[sent..];
            if (sent > 0 || error == Kernel.Interrupted)
                continue;
            if (error is not (Kernel.TryAgain or Kernel.NoBuffers))
            {
                // One that cannot be sent must not hold up the others; a socket that nobody has any more takes none of them.
                if (error is Kernel.ConnectionRefused or Kernel.NotConnected)
                    return false;
                slots = slots[1..];
            }
            else if (!Wait(to, Kernel.Writable, RoomMilliseconds))
            {
                return true;
            }
        }

        return true;
    }

    private static unsafe bool Wait(int file, short events, int milliseconds)
    {
        var entry = new Kernel.PollEntry { File = file, Events = events };
        return Kernel.Poll(&entry, 1, TimeSpan.FromMilliseconds(milliseconds)) > 0;
    }

    private RelayNetwork? NetworkOf(ReadOnlySpan<byte> packet)
    {
        _ = Ipv4.TryReadPacket(packet, out var read);
        foreach (var network in _networks)
        {
            if ((read.Destination & network.Mask) == network.Subnet)
                return network;
        }

        return null;
    }

    private Socket? SwitchOf(string path)
    {
        if (_switches.TryGetValue(path, out var known))
            return known;
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false, SendBufferSize = 4 << 20 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return _switches[path] = socket;
        }
        catch (SocketException)
        {
            socket.Dispose();   // no machine on the network runs, so it has no switch
            return null;
        }
    }

    private void Forget(string path)
    {
        if (_switches.Remove(path, out var socket))
            socket.Dispose();
    }
}
