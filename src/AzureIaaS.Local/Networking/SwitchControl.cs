using System.Text.Json.Serialization;

namespace AzureIaaS.Local.Networking;

/// <summary>What a switch is asked to do.</summary>
internal enum SwitchCommand
{
    /// <summary>Take note of what was changed, now.</summary>
    Sync,

    /// <summary>Ask a member whether it listens at a port, or answers a ping.</summary>
    Probe,

    /// <summary>Open a port of this computer's loopback that leads to a member, for as long as the connection lasts.</summary>
    Forward,

    /// <summary>Say how many frames were carried.</summary>
    Status,

    /// <summary>Ask for a name, as a member would.</summary>
    Resolve,

    /// <summary>Ask a computer of a site for its time.</summary>
    Time,

    /// <summary>Give a place on the network, for as long as the connection lasts.</summary>
    Attach,
}

/// <summary>A command to a switch: one line of JSON.</summary>
internal sealed record SwitchRequest
{
    public SwitchCommand Command { get; init; }

    /// <summary>The member's address.</summary>
    public string? Address { get; init; }

    /// <summary>A DNS query.</summary>
    public byte[]? Query { get; init; }

    /// <summary>The member's port; null for a ping.</summary>
    public int? Port { get; init; }

    /// <summary>How long an answer is waited for.</summary>
    public int Milliseconds { get; init; } = 1000;
}

/// <summary>How many frames a port has carried.</summary>
/// <param name="HostName">Whose it is.</param>
/// <param name="Adapter">The adapter's name.</param>
/// <param name="Received">Frames that came in and were carried on.</param>
/// <param name="Refused">Frames that were not the owner's to send.</param>
/// <param name="Sent">Frames that went out.</param>
/// <param name="Dropped">Frames that found no room.</param>
internal sealed record PortCounters(string HostName, string Adapter, long Received, long Refused, long Sent, long Dropped);

/// <summary>A switch's answer: one line of JSON.</summary>
internal sealed record SwitchResponse
{
    /// <summary>What could not be done as it is remembered, each as a sentence.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>How the member answered.</summary>
    public string? Result { get; init; }

    /// <summary>A DNS answer.</summary>
    public byte[]? Answer { get; init; }

    /// <summary>How far a computer's clock is ahead.</summary>
    public TimeSpan? Offset { get; init; }

    /// <summary>The port that was opened, as <c>127.0.0.1:40123</c>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The address of the place that was given.</summary>
    public string? Address { get; init; }

    /// <summary>Its hardware address.</summary>
    public string? MacAddress { get; init; }

    /// <summary>Where the switch takes its frames.</summary>
    public string? Listen { get; init; }

    /// <summary>Where the switch sends its frames.</summary>
    public string? Peer { get; init; }

    /// <summary>The switch's process.</summary>
    public int ProcessId { get; init; }

    /// <summary>The ports.</summary>
    public IReadOnlyList<PortCounters> Ports { get; init; } = [];
}

/// <summary>How commands and answers are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SwitchRequest))]
[JsonSerializable(typeof(SwitchResponse))]
internal sealed partial class SwitchJson : JsonSerializerContext;
