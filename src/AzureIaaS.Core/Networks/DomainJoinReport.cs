using AzureIaaS.Readiness;

namespace AzureIaaS;

/// <summary>Whether machines on a network can join a domain (Active Directory), with everything that is in the way.</summary>
public sealed class DomainJoinReport
{
    /// <summary>The domain.</summary>
    public string Domain { get; set; } = "";

    /// <summary>The network's name.</summary>
    public string Network { get; set; } = "";

    /// <summary>The judgement.</summary>
    public ReadinessVerdict Verdict { get; set; }

    /// <summary>The names of the domain's controllers that were found.</summary>
    public IList<string> Controllers { get; set; } = [];

    /// <summary>What was found, the worst first.</summary>
    public IList<ReadinessFinding> Findings { get; set; } = [];

    /// <summary>The domain and the judgement.</summary>
    public override string ToString() => $"{Domain}: {Verdict}";
}
