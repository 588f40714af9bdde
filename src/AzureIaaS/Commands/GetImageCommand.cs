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

    /// <summary>Compute the digest of the content, as an import notes it.</summary>
    [Parameter]
    public SwitchParameter Digest { get; set; }

    /// <summary>Compute the SHA-256 of the raw content.</summary>
    [Parameter]
    public SwitchParameter Checksum { get; set; }

    /// <summary>Read all of the image, and say everything that is wrong with it.</summary>
    [Parameter]
    public SwitchParameter Check { get; set; }

    private ImageFacts Wanted => (Digest ? ImageFacts.Digest : 0) | (Checksum ? ImageFacts.Checksum : 0) | (Check ? ImageFacts.Faults : 0);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var options = new DiskOpenOptions { Format = Format, Snapshot = Snapshot, Root = FullPath(Root), ExternalReferences = FullPaths(AllowExternalReference) };
        foreach (var path in ResolveDisks())
        {
            Try(path, () => WriteObject(Await(c => Task.Run(
                () => ImageInspection.InspectAllAsync(path, options, Wanted, Output, c), c)), enumerateCollection: true));
        }
    }
}
