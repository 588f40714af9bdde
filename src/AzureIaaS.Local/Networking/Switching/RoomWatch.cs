using System.Diagnostics;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>
/// When to look whether an owner that is busy has made room. It makes room for a frame at a time, and being woken for each costs more than carrying
/// it; so it is looked after in steps of time in which a few frames fit. For the switch's thread alone.
/// </summary>
internal sealed class RoomWatch
{
    private const int Few = 4;
    private const int Many = 7;   // of the 10 datagrams that the kernel often lets wait: an owner never has to wait for the next
    private static readonly long Soonest = Stopwatch.Frequency / 50_000;
    private static readonly long Latest = Stopwatch.Frequency / 4_000;

    private long _step = Soonest;

    /// <summary>When to look, in the time of <see cref="Stopwatch"/>.</summary>
    public long At { get; private set; }

    /// <summary>Learns from a look, and sets the time of the next.</summary>
    /// <param name="sent">How many frames found room; null at the first look.</param>
    public void Next(long? sent)
    {
        _step = Math.Clamp(sent > Many ? _step / 2 : sent < Few ? _step * 2 : _step, Soonest, Latest);
        At = Stopwatch.GetTimestamp() + _step;
    }
}
