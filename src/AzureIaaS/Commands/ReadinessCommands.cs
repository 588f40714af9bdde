using System.Management.Automation;
using AzureIaaS.Imports;
using AzureIaaS.Readiness;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>What the readiness cmdlets share: which machines, and for which target.</summary>
public abstract class ReadinessCmdlet : PathCmdlet
{
    /// <summary>Where the machine is to go.</summary>
    [Parameter]
    public ReadinessTarget Target { get; set; } = ReadinessTarget.Local;

    /// <summary>The firmware, where the machine does not say.</summary>
    [Parameter]
    public Firmware Firmware { get; set; }

    /// <summary>The image's format, without looking.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FormatCompleter))]
    public string? Format { get; set; }

    /// <summary>The folder that no file an image refers to may leave.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Root { get; set; }

    /// <summary>Files and folders outside the root that an image may refer to all the same.</summary>
    [Parameter]
    public string[] AllowExternalReference { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var path in ResolveDisks())
        {
            var request = new ImportRequest
            {
                Path = path, Firmware = Firmware, Format = Format, Root = FullPath(Root), ExternalReferences = FullPaths(AllowExternalReference),
            };
            Try(path, () => Write(Await(c => Task.Run(() => ReadinessJudge.Judge(request, Target, c), c))));
        }
    }

    /// <summary>Gives the judgement out.</summary>
    /// <param name="report">The report.</param>
    private protected abstract void Write(ReadinessReport report);
}

/// <summary>Get-IaaSVmReadiness: judges whether machines are fit for a target, and says why.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVmReadiness", DefaultParameterSetName = PathSet)]
[OutputType(typeof(ReadinessReport))]
public sealed class GetVmReadinessCommand : ReadinessCmdlet
{
    private protected override void Write(ReadinessReport report) => WriteObject(report);
}

/// <summary>Test-IaaSVmReadiness: whether machines are fit for a target, perhaps with conditions.</summary>
[Cmdlet(VerbsDiagnostic.Test, "IaaSVmReadiness", DefaultParameterSetName = PathSet)]
[OutputType(typeof(bool))]
public sealed class TestVmReadinessCommand : ReadinessCmdlet
{
    private protected override void Write(ReadinessReport report) =>
        WriteObject(report.Verdict is ReadinessVerdict.Ready or ReadinessVerdict.ReadyWithConditions);
}
