using System.Diagnostics;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>
/// When to look whether an owner that is busy has made room. A slow one makes room for a frame at a time, and being woken for each costs more than
/// carrying it; so it is looked after in steps of time in which it takes a few. For a fast one a step is too long: the kernel says when it has room.
/// For the switch's thread alone.
/// </summary>
internal sealed class RoomWatch
{
    private const double AtOnce = 5;            // of the 10 datagrams that the kernel often lets wait: an owner never has to wait for the next
    private const double FastRate = 30_000;     // frames a second; a step of the kernel's timers takes 60 µs more than was asked for, and more on a busy machine
    private const double Keep = 0.95;           // of what was seen before, at each look
    private static readonly long Latest = Stopwatch.Frequency / 4_000;

    private double _frames;
    private double _time;
    private long _lookedAt;

    /// <summary>Whether the owner is a slow one.</summary>
    public bool IsSlow { get; private set; }

    /// <summary>When to look, in the time of <see cref="Stopwatch"/>; null where the kernel is to say so.</summary>
    public long? At { get; private set; }

    /// <summary>Learns from a look, and sets the time of the next.</summary>
    /// <param name="sent">How many frames found room; null at the first look.</param>
    public void Next(long? sent)
    {
        var now = Stopwatch.GetTimestamp();
        if (sent is { } taken)
            (_frames, _time) = ((_frames * Keep) + taken, (_time * Keep) + now - _lookedAt);
        _lookedAt = now;
        IsSlow = _time > 0 && _frames / _time * Stopwatch.Frequency < FastRate;
        At = IsSlow ? now + (long)Math.Min(Latest, _frames > 0 ? AtOnce * _time / _frames : Latest) : null;
    }
}
