using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>Something beside ports that the switch's thread waits for.</summary>
internal interface IPollable
{
    /// <summary>Says what is waited for.</summary>
    /// <param name="entries">Receives it.</param>
    /// <param name="milliseconds">How long may be waited at most; to be made shorter.</param>
    void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds);

    /// <summary>Does what has become possible.</summary>
    /// <param name="entries">What was prepared, with what happened.</param>
    void Happened(ReadOnlySpan<Kernel.PollEntry> entries);
}

/// <summary>The switch's one thread: waits for frames, and for whatever else its servers wait for, and lets nobody have more than a share of a turn.</summary>
internal sealed unsafe class SwitchLoop : IDisposable
{
    private const int Share = MessageBatch.Most;
    private const int SharesPerTurn = 4;
    private static readonly TimeSpan CheckEvery = TimeSpan.FromMilliseconds(200);

    private readonly LearningSwitch _switch;
    private readonly FramePool _pool;
    private readonly MessageBatch _incoming;
    private readonly MessageBatch _outgoing;
    private readonly int[] _slots = new int[Share];
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Socket _wakeReader = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly Socket _wakeWriter = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly List<Kernel.PollEntry> _entries = [];
    private readonly List<SwitchPort> _polled = [];
    private readonly List<(IPollable Pollable, int Start, int Count)> _others = [];
    private readonly byte[] _wakeByte = [1];

    /// <summary>Makes the loop of a switch.</summary>
    /// <param name="network">The switch.</param>
    /// <param name="pool">The memory of its frames.</param>
    /// <param name="wakePath">A path for a socket by which other threads wake it.</param>
    public SwitchLoop(LearningSwitch network, FramePool pool, string wakePath)
    {
        (_switch, _pool) = (network, pool);
        (_incoming, _outgoing) = (new MessageBatch(pool), new MessageBatch(pool));
        for (var i = 0; i < Share; i++)
            _slots[i] = pool.Rent();
        File.Delete(wakePath);
        _wakeReader.Bind(new UnixDomainSocketEndPoint(wakePath));
        _wakeWriter.Connect(new UnixDomainSocketEndPoint(wakePath));
    }

    /// <summary>What is waited for beside the ports.</summary>
    public List<IPollable> Pollables { get; } = [];

    /// <summary>Has something done on the switch's thread.</summary>
    /// <param name="action">What.</param>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        _ = _wakeWriter.Send(_wakeByte, SocketFlags.None, out _);   // full means that it is awake
    }

    /// <summary>Has something done on the switch's thread, and waits for what comes of it.</summary>
    /// <param name="work">What.</param>
    public Task<T> CallAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                result.SetResult(work());
            }
            catch (Exception e)
            {
                result.SetException(e);   // the asker's to see
            }
        });
        return result.Task;
    }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="cancellation">Stops it.</param>
    public void Run(CancellationToken cancellation)
    {
        using var wake = cancellation.Register(() => Post(() => { }));
        var checkedAt = 0L;
        while (!cancellation.IsCancellationRequested)
        {
            if (Environment.TickCount64 - checkedAt >= CheckEvery.TotalMilliseconds)
            {
                checkedAt = Environment.TickCount64;
                foreach (var port in _switch.Ports)
                    port.Check();
            }

            Wait();
            var entries = CollectionsMarshal.AsSpan(_entries);
            if (entries[0].Happened != 0)
                RunPosted();
            ServePorts(entries);
            foreach (var (pollable, start, count) in _others)
                pollable.Happened(entries.Slice(start, count));
            _switch.Flush(_outgoing);
        }
    }

    public void Dispose()
    {
        foreach (var port in _switch.Ports)
            port.Dispose();
        _wakeReader.Dispose();
        _wakeWriter.Dispose();
        _incoming.Dispose();
        _outgoing.Dispose();
    }

    private void Wait()
    {
        _entries.Clear();
        _polled.Clear();
        _others.Clear();
        _entries.Add(new Kernel.PollEntry { File = (int)_wakeReader.Handle, Events = Kernel.Readable });
        var milliseconds = (int)CheckEvery.TotalMilliseconds;
        var until = long.MaxValue;
        foreach (var port in _switch.Ports)
        {
            // A negative file is passed over by the kernel.
            _polled.Add(port);
            var isHeld = port.Hold.Lasts();
            var looksAt = port.LooksAt;
            _entries.Add(new Kernel.PollEntry { File = port.Handle, Events = (short)((isHeld ? 0 : Kernel.Readable) | (port.IsBlocked && looksAt is null ? Kernel.Writable : 0)) });
            if (isHeld)
                milliseconds = 1;
            until = Math.Min(until, looksAt ?? long.MaxValue);
        }

        foreach (var pollable in Pollables)
        {
            var start = _entries.Count;
            pollable.Prepare(_entries, ref milliseconds);
            _others.Add((pollable, start, _entries.Count - start));
        }

        fixed (Kernel.PollEntry* entries = CollectionsMarshal.AsSpan(_entries))
        {
            if (Kernel.Poll(entries, (nuint)_entries.Count, TimeLeft(milliseconds, until)) > 0)
                return;
            for (var i = 0; i < _entries.Count; i++)
                entries[i].Happened = 0;
        }
    }

    private static TimeSpan TimeLeft(int milliseconds, long until)
    {
        var time = TimeSpan.FromMilliseconds(milliseconds);
        if (until == long.MaxValue)
            return time;
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), until);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < time ? left : time;
    }

    private void RunPosted()
    {
        while (_wakeReader.Available > 0)
            _ = _wakeReader.Receive(_wakeByte, SocketFlags.None, out _);
        while (_posted.TryDequeue(out var action))
            action();
    }

    private void ServePorts(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        var (left, now) = (false, Stopwatch.GetTimestamp());
        for (var i = 0; i < _polled.Count; i++)
        {
            if ((entries[1 + i].Happened & Kernel.Writable) != 0 || _polled[i].LooksAt <= now)
                _polled[i].Flush(_outgoing);
            left |= IsReadable(entries[1 + i]);
        }

        // Round after round: a port that has more than a share waits for the others.
        for (var round = 0; left && round < SharesPerTurn; round++)
        {
            left = false;
            for (var i = 0; i < _polled.Count; i++)
            {
                if (IsReadable(entries[1 + i]))
                    left |= ReceiveShare(_polled[i]);
            }

            _switch.Flush(_outgoing);
        }
    }

    /// <summary>Whether there is something to receive; an error is received too.</summary>
    private static bool IsReadable(Kernel.PollEntry entry) => (entry.Happened & ~Kernel.Writable) != 0;

    /// <returns>Whether anything came.</returns>
    private bool ReceiveShare(SwitchPort port)
    {
        if (port.Handle < 0 || port.Hold.Lasts())
            return false;
        var count = _incoming.Receive(port.Handle, _slots);
        if (count > 0)
            port.Connect();   // it is there: it has just spoken
        for (var i = 0; i < count; i++)
        {
            _switch.Receive(port, _slots[i]);
            var next = _pool.Rent();
            if (next < 0)
                continue;   // the slot is used again, whoever waits for it
            _pool.Release(_slots[i]);
            _slots[i] = next;
        }

        return count > 0;
    }
}
