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

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var path in ResolvePaths())
        {
            Try(path, () => WriteObject(Await(c => Task.Run(
                () => ImageInspection.Inspect(path, new DiskOpenOptions { Format = Format }, c), c))));
        }
    }
}
