using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>What answers for the gateway's address.</summary>
internal interface IGateway
{
    /// <summary>Who it is on the network.</summary>
    PortIdentity Identity { get; }

    /// <summary>Takes a frame that is the gateway's.</summary>
    /// <param name="frame">The frame, which passed the filter.</param>
    /// <param name="from">Whose it is.</param>
    void Receive(ReadOnlySpan<byte> frame, PortIdentity from);
}

/// <summary>
/// Carries frames between ports. Every address it carries to is a member's; by which port that member is reached at this moment, it learns from
/// the frames that come from there: a machine on its way to another host has two. For the switch's thread alone.
/// </summary>
internal sealed class LearningSwitch(FramePool pool)
{
    /// <summary>What the gateway's own frames are counted by.</summary>
    public const int GatewayIndex = 0;

    private readonly Dictionary<ulong, SwitchPort> _table = [];
    private readonly List<SwitchPort> _dirty = [];

    /// <summary>The gateway.</summary>
    public required IGateway Gateway { get; init; }

    /// <summary>The ports, in no order.</summary>
    public List<SwitchPort> Ports { get; } = [];

    /// <summary>Adds a port; the first of an owner's is the one it is reached by until another has spoken.</summary>
    public void Add(SwitchPort port)
    {
        Ports.Add(port);
        _table.TryAdd(port.Identity.Mac, port);
    }

    /// <summary>Takes a port away.</summary>
    public void Remove(SwitchPort port)
    {
        Ports.Remove(port);
        _dirty.Remove(port);
        if (_table.GetValueOrDefault(port.Identity.Mac) == port)
        {
            _table.Remove(port.Identity.Mac);
            if (Ports.Find(p => p.Identity.Mac == port.Identity.Mac) is { } other)
                _table[port.Identity.Mac] = other;
        }

        port.Dispose();
    }

    /// <summary>Takes a frame that came in by a port; the caller still holds its slot.</summary>
    public void Receive(SwitchPort from, int slot)
    {
        var frame = pool.Frame(slot);
        var verdict = FrameFilter.Judge(frame, from.Identity, Gateway.Identity);
        if (verdict == FrameVerdict.Drop)
        {
            from.Refused++;
            return;
        }

        from.Received++;
        if (_table.GetValueOrDefault(from.Identity.Mac) != from)
            _table[from.Identity.Mac] = from;
        switch (verdict)
        {
            case FrameVerdict.Gateway:
                from.Hold.SpeaksTo(null);
                Gateway.Receive(frame, from.Identity);
                break;
            case FrameVerdict.Forward when pool.Charge(slot, from.Index):
                Carry(from, Frame.Destination(frame), slot);
                break;
        }
    }

    /// <summary>Sends a frame of the gateway's.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        var slot = pool.Rent();
        if (slot < 0)
            return;
        pool.SetLength(slot, frame.Length);
        frame.CopyTo(pool.Frame(slot));
        if (pool.Charge(slot, GatewayIndex))
            Carry(null, Frame.Destination(frame), slot);
        pool.Release(slot);
    }

    /// <summary>Sends what waits at the ports that have got something.</summary>
    public void Flush(MessageBatch batch)
    {
        foreach (var port in _dirty)
        {
            port.IsDirty = false;
            if (!port.IsBlocked)
                port.Flush(batch);
        }

        _dirty.Clear();
    }

    private void Carry(SwitchPort? from, ulong destination, int slot)
    {
        if (!Frame.IsGroup(destination))
        {
            // An address that is no member's is nobody's here: flooding its frames would show them to everybody.
            if (_table.TryGetValue(destination, out var to) && to != from)
            {
                from?.Hold.SpeaksTo(to);
                Give(to, from, slot);
            }

            return;
        }

        from?.Hold.SpeaksTo(null);
        foreach (var port in Ports)
        {
            if (port.Identity.Mac != from?.Identity.Mac)
                Give(port, from, slot);
        }
    }

    private void Give(SwitchPort to, SwitchPort? from, int slot)
    {
        to.Add(from?.Index ?? GatewayIndex, slot);
        from?.Hold.Begin(to);
        if (to.IsDirty)
            return;
        to.IsDirty = true;
        _dirty.Add(to);
    }
}
