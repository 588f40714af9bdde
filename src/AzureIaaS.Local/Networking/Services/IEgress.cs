using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>The way out of a network, and the way in to its members' ports, without root: a stack of its own that makes connections of packets.</summary>
internal interface IEgress : IPollable, IDisposable
{
    /// <summary>Takes a frame to somewhere outside, or in answer to what came from there.</summary>
    /// <param name="frame">The frame.</param>
    void Send(ReadOnlySpan<byte> frame);

    /// <summary>Opens a port of this computer that leads to a member.</summary>
    /// <param name="forward">Which.</param>
    /// <returns>False when it cannot be listened at.</returns>
    bool Open(Forward forward);

    /// <summary>Closes such a port; connections that are made already go on.</summary>
    /// <param name="forward">Which.</param>
    void Close(Forward forward);
}
