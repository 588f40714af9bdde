using System.Management.Automation;
using AzureIaaS.Failover;
using AzureIaaS.Reports;
using AzureIaaS.Simulation;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Export-IaaSReport: writes a forecast, failovers or a farm as a page, Markdown or CSV.</summary>
[Cmdlet(VerbsData.Export, "IaaSReport", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(FileInfo))]
public sealed class ExportReportCommand : IaaSCmdlet
{
    private readonly List<object> _items = [];

    /// <summary>The file; its extension says what it becomes.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("FilePath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>What to report: a forecast, reports of failovers, or machines and hosts.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Alias("Report")]
    [ValidateNotNullOrEmpty]
    public object[] InputObject { get; set; } = [];

    /// <summary>The form, where the extension does not say it.</summary>
    [Parameter]
    public ReportFormat? Format { get; set; }

    /// <summary>Keep a file that is there.</summary>
    [Parameter]
    public SwitchParameter NoClobber { get; set; }

    /// <summary>Give out the file.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var item in InputObject)
            Try(item, () => _items.Add(ReportObject.Of(item)));
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // What could not be read has been said; a report without it would not be the one that was asked for.
        if (_items.Count > 0)
            Try(Path, Export);
        base.EndProcessing();
    }

    private void Export()
    {
        var file = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path);
        var text = ReportFile.Render(_items, Format ?? ReportFile.FormatOf(file));
        if (!ShouldProcess(file, "Write the report"))
            return;
        ReportFile.Save(file, text, overwrite: !NoClobber);
        if (PassThru)
            WriteObject(new FileInfo(file));
    }
}

/// <summary>Compare-IaaSReport: compares two reports of failovers, or two forecasts, item by item.</summary>
[Cmdlet(VerbsData.Compare, "IaaSReport")]
[OutputType(typeof(ReportDifference))]
public sealed class CompareReportCommand : IaaSCmdlet
{
    /// <summary>The former report.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNull]
    public object ReferenceObject { get; set; } = "";

    /// <summary>The later report.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [ValidateNotNull]
    public object DifferenceObject { get; set; } = "";

    /// <summary>Show what is the same, too.</summary>
    [Parameter]
    public SwitchParameter IncludeEqual { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(DifferenceObject, () =>
    {
        foreach (var item in ReportComparison.Compare(ReportObject.Of(ReferenceObject), ReportObject.Of(DifferenceObject)))
        {
            if (IncludeEqual || item.Verdict != "Same")
                WriteObject(item);
        }
    });
}

/// <summary>Finds the report in what a pipeline brings: itself, or what a job or a file has made of it.</summary>
internal static class ReportObject
{
    private static readonly Type[] Known = [typeof(AvailabilityReport), typeof(FailoverReport), typeof(VirtualMachine), typeof(FabricHost)];

    public static object Of(object given)
    {
        var value = given is PSObject wrapped ? wrapped.BaseObject : given;
        if (Array.Exists(Known, t => t.IsInstanceOfType(value)))
            return value;
        var names = PSObject.AsPSObject(given).TypeNames;
        var type = Array.Find(Known, t => names.Contains("Deserialized." + t.FullName));
        if (type is not null && Rehydration.Of(PSObject.AsPSObject(given), type) is { } whole)
            return whole;
        throw new IaaSException(ErrorKind.InvalidArgument, "NotReportable", $"A {names.FirstOrDefault() ?? "value"} is nothing to report.",
            "Pipe in what Measure-IaaSAvailability, Invoke-IaaSFailover, Get-IaaSFailover, Get-IaaSVm or Get-IaaSHost give.", value);
    }
}
