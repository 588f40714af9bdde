using System.Diagnostics;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>
/// Lets the next frames of a port's owner wait in the kernel, which holds the owner up, while a port that is just busy has enough of them: what
/// would only be dropped need not be received. Never for a port that stands still, and for a moment at a time: what the owner has for others waits
/// too. Who has spoken for a while to a slow one only keeps nobody waiting, and is held for as long as it takes, but looked after now and then.
/// For the switch's thread alone.
/// </summary>
/// <param name="source">What the owner's frames are counted by.</param>
internal sealed class SenderHold(int source)
{
    private const int Many = MessageBatch.Most;   // the next batch is at hand; what waits behind it is cold in the cache by the time it goes
    private const int Few = Many / 4;             // so that the owner is woken for some frames, not for each
    private static readonly TimeSpan AtMost = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ForOneAtMost = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan ForOneAfter = TimeSpan.FromMilliseconds(100);

    private SwitchPort? _speaksTo;
    private long _speaksToSince;
    private SwitchPort? _heldBy;
    private long _heldAt;
    private bool _isForOne;

    /// <summary>Takes note of whom the owner speaks to.</summary>
    /// <param name="to">The port; null for everybody, or for the gateway.</param>
    public void SpeaksTo(SwitchPort? to)
    {
        if (_speaksTo != to || to is null)
            (_speaksTo, _speaksToSince) = (to, Stopwatch.GetTimestamp());
    }

    /// <summary>Begins, if a port to which a frame has just been given is busy.</summary>
    /// <param name="to">The port.</param>
    public void Begin(SwitchPort to)
    {
        if (_heldBy is not null || !IsBusy(to, Many))
            return;
        (_heldBy, _heldAt) = (to, Stopwatch.GetTimestamp());
        _isForOne = to.IsSlow && _speaksTo == to && Stopwatch.GetElapsedTime(_speaksToSince, _heldAt) >= ForOneAfter;
    }

    /// <summary>Whether the owner's frames are left waiting.</summary>
    public bool Lasts()
    {
        if (_heldBy is not null && (!IsBusy(_heldBy, Few) || Stopwatch.GetElapsedTime(_heldAt) >= (_isForOne ? ForOneAtMost : AtMost)))
            _heldBy = null;
        return _heldBy is not null;
    }

    private bool IsBusy(SwitchPort to, int frames) => to.IsBlocked && to.CountOf(source) >= frames && !to.StandsStill;
}
