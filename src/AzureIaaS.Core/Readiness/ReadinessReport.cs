using AzureIaaS.Guests;
using AzureIaaS.Imports;

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

    /// <summary>The format that was said for the image; null where it was found out.</summary>
    public string? Format { get; set; }

    /// <summary>The folder that no file might leave; null for the export's own, or the file's.</summary>
    public string? Root { get; set; }

    /// <summary>What its images might refer to outside the root.</summary>
    public IList<string> ExternalReferences { get; set; } = [];

    /// <summary>Every file of its images, as it was when it was judged.</summary>
    public IList<ImageFile> Files { get; set; } = [];

    /// <summary>Makes an import of what was judged: the same machine, under the same rules.</summary>
    /// <param name="request">What else is asked; its path, format, root and firmware are the report's, and so is its name where it has none.</param>
    /// <param name="provider">The provider that it is to go to.</param>
    /// <exception cref="IaaSException">It is not ready, was judged for elsewhere, or has changed since.</exception>
    public ImportRequest ToImport(ImportRequest request, string provider)
    {
        if ((Target == ReadinessTarget.Local) != (provider == "Local"))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "JudgedForAnotherTarget", $"{Name} was judged for {Target}, and this import is to {provider}.",
                "Judge it for there with Get-IaaSVmReadiness -Target, or name the context with -Context.", Path);
        }

        if (Verdict == ReadinessVerdict.NotReady)
        {
            var blockers = Findings.Where(f => f.Severity == ReadinessSeverity.Blocker).ToList();
            throw new IaaSException(ErrorKind.InvalidState, "NotReady", $"{Name} is not ready for {Target}: {string.Join(' ', blockers.Select(f => f.Message))}",
                string.Join(' ', blockers.Select(f => f.Remedy).Append("Then judge it again.")), Path);
        }

        ImportSaga.CheckUnchanged(Files);
        return request with
        {
            Path = Path,
            Name = request.Name ?? Name,
            Format = Format,
            Root = Root,
            ExternalReferences = [.. ExternalReferences],
            Firmware = request.Firmware != Firmware.Unknown ? request.Firmware : Firmware,
        };
    }

    /// <summary>The judgement.</summary>
    public override string ToString() => $"{Name}: {Verdict} for {Target}";
}
