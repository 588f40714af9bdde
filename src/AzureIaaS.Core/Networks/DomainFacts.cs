namespace AzureIaaS.Networks;

/// <summary>A domain controller, as a network finds and reaches it.</summary>
public sealed record DomainController
{
    /// <summary>Its name.</summary>
    public required string HostName { get; init; }

    /// <summary>Its address; null where its name has none.</summary>
    public string? Address { get; init; }

    /// <summary>The TCP ports that it does not answer at.</summary>
    public IReadOnlyList<int> SilentPorts { get; init; } = [];

    /// <summary>How far its clock is ahead of this computer's; null where it tells no time (SNTP).</summary>
    public TimeSpan? ClockOffset { get; init; }
}

/// <summary>What a machine on a network would find of a domain.</summary>
public sealed record DomainFacts
{
    /// <summary>The domain.</summary>
    public required string Domain { get; init; }

    /// <summary>The network.</summary>
    public required VirtualNetwork Network { get; init; }

    /// <summary>The sites that are joined to it.</summary>
    public IReadOnlyList<Site> Sites { get; init; } = [];

    /// <summary>Whether the network's switch runs: without it, nothing can be asked.</summary>
    public bool IsAsked { get; init; }

    /// <summary>How the question for the domain's controllers was answered, in DNS's words (NOERROR, NXDOMAIN, SERVFAIL, REFUSED); null for no answer.</summary>
    public string? Answer { get; init; }

    /// <summary>Whether a Kerberos service is announced.</summary>
    public bool HasKerberos { get; init; }

    /// <summary>The controllers that are announced, as far as they were looked at.</summary>
    public IReadOnlyList<DomainController> Controllers { get; init; } = [];
}
