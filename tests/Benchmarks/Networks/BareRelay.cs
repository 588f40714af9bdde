using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>
/// The least that can be between two peers: what comes from one goes to the other, by the system calls that the switch makes, in batches of the same
/// size, on one thread. What it reaches, no switch on the same sockets can surpass.
/// </summary>
internal sealed class BareRelay : IDisposable
{
    private readonly Socket[] _sockets;
    private readonly Thread _thread;
    private volatile bool _ends;

    /// <summary>Begins.</summary>
    /// <param name="places">Where it listens, and where the peer does, for each of the two.</param>
    public BareRelay(IReadOnlyList<(string Listen, string Peer)> places)
    {
        _sockets = [.. places.Select(p =>
        {
            var socket = TwoPeers.Bind(p.Listen);
            socket.Connect(new UnixDomainSocketEndPoint(p.Peer));
            return socket;
        })];
        _thread = new Thread(Run) { IsBackground = true, Name = "bare relay" };
        _thread.Start();
    }

    public void Dispose()
    {
        _ends = true;
        _thread.Join();
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    private unsafe void Run()
    {
        using var pool = new FramePool(MessageBatch.Most);
        using var batch = new MessageBatch(pool);
        var slots = Enumerable.Range(0, MessageBatch.Most).Select(_ => pool.Rent()).ToArray();
        var entries = stackalloc Kernel.PollEntry[2];
        while (!_ends)
        {
            for (var i = 0; i < 2; i++)
                entries[i] = new Kernel.PollEntry { File = (int)_sockets[i].Handle, Events = Kernel.Readable };
            if (Kernel.Poll(entries, 2, TimeSpan.FromMilliseconds(100)) <= 0)
                continue;
            for (var i = 0; i < 2; i++)
            {
                while (entries[i].Happened != 0 && batch.Receive(entries[i].File, slots) is > 0 and var count)
                    Send(batch, entries[1 - i].File, slots.AsSpan(0, count));
            }
        }
    }

    private unsafe void Send(MessageBatch batch, int to, ReadOnlySpan<int> slots)
    {
        while (slots.Length > 0 && !_ends)
        {
            slots = slots[batch.Send(to, slots, out _)..];
            var entry = new Kernel.PollEntry { File = to, Events = Kernel.Writable };
            if (slots.Length > 0)
                Kernel.Poll(&entry, 1, TimeSpan.FromMilliseconds(100));
        }
    }
}
