using System.Management.Automation;
using AzureIaaS.Disks;
using AzureIaaS.Imports;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Get-IaaSImage: says what disk images are.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSImage", DefaultParameterSetName = PathSet)]
[OutputType(typeof(ImageInfo))]
public sealed class GetImageCommand : PathCmdlet
{
    /// <summary>The format, without looking.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FormatCompleter))]
    public string? Format { get; set; }

    /// <summary>The internal snapshot to look at, by id or name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Snapshot { get; set; }

    /// <summary>The folder that no file an image refers to may leave.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Root { get; set; }

    /// <summary>Files and folders outside the root that the image may refer to all the same.</summary>
    [Parameter]
    public string[] AllowExternalReference { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var options = new DiskOpenOptions { Format = Format, Snapshot = Snapshot, Root = FullPath(Root), ExternalReferences = FullPaths(AllowExternalReference) };
        foreach (var path in ResolveDisks())
        {
            Try(path, () => WriteObject(Await(c => Task.Run(
                () => ImageInspection.Inspect(path, options, c), c))));
        }
    }
}
