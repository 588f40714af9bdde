using AzureIaaS.Guests;

namespace AzureIaaS.Readiness;

/// <summary>Where a machine is to go.</summary>
public enum ReadinessTarget
{
    /// <summary>The local fabric.</summary>
    Local,

    /// <summary>Azure: of generation 1 or 2 as the machine's firmware asks.</summary>
    Azure,

    /// <summary>Azure, a machine of generation 1: BIOS.</summary>
    AzureGen1,

    /// <summary>Azure, a machine of generation 2: UEFI.</summary>
    AzureGen2,
}

/// <summary>The judgement.</summary>
public enum ReadinessVerdict
{
    /// <summary>Nothing is in the way.</summary>
    Ready,

    /// <summary>It will work once the conditions are met, or with what they say.</summary>
    ReadyWithConditions,

    /// <summary>Something is in the way.</summary>
    NotReady,

    /// <summary>Too little could be seen to judge.</summary>
    Unknown,
}

/// <summary>How much a finding matters.</summary>
public enum ReadinessSeverity
{
    /// <summary>Worth knowing.</summary>
    Information,

    /// <summary>Something to do, before or after.</summary>
    Condition,

    /// <summary>What could not be seen.</summary>
    Unknown,

    /// <summary>It cannot go there as it is.</summary>
    Blocker,
}

/// <summary>One thing that was found.</summary>
public sealed class ReadinessFinding
{
    /// <summary>How much it matters.</summary>
    public ReadinessSeverity Severity { get; set; }

    /// <summary>The rule's id.</summary>
    public string Rule { get; set; } = "";

    /// <summary>What was found, in a sentence.</summary>
    public string Message { get; set; } = "";

    /// <summary>What to do, in a sentence.</summary>
    public string Remedy { get; set; } = "";

    /// <summary>Where the rule comes from.</summary>
    public string Source { get; set; } = "";

    /// <summary>The message.</summary>
    public override string ToString() => Message;
}

/// <summary>Whether a machine is fit for a target, with everything that speaks for it or against.</summary>
public sealed class ReadinessReport
{
    /// <summary>The file that was judged.</summary>
    public string Path { get; set; } = "";

    /// <summary>The machine's name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Where it is to go; Azure has become one of its generations.</summary>
    public ReadinessTarget Target { get; set; }

    /// <summary>The judgement.</summary>
    public ReadinessVerdict Verdict { get; set; }

    /// <summary>The firmware it needs.</summary>
    public Firmware Firmware { get; set; }

    /// <summary>What was found on its disks.</summary>
    public GuestInfo Guest { get; set; } = new();

    /// <summary>What was found, the gravest first.</summary>
    public IList<ReadinessFinding> Findings { get; set; } = [];

    /// <summary>The judgement.</summary>
    public override string ToString() => $"{Name}: {Verdict} for {Target}";
}
