using System.Management.Automation;
using AzureIaaS.Disks;
using AzureIaaS.Imports;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Convert-IaaSImage: makes disk images of one format of images of another.</summary>
[Cmdlet(VerbsData.Convert, "IaaSImage", SupportsShouldProcess = true)]
[OutputType(typeof(ImageInfo))]
public sealed class ConvertImageCommand : FileCmdlet
{
    /// <summary>The images to convert.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    public ImageReference[] Image { get; set; } = [];

    /// <summary>What kind of image to make.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ArgumentCompleter(typeof(WriteFormatCompleter))]
    public string Format { get; set; } = "";

    /// <summary>The file to make, or a folder to make it in; beside the image when left out.</summary>
    [Parameter(Position = 2)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The image's own format, without looking.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FormatCompleter))]
    public string? SourceFormat { get; set; }

    /// <summary>The image's internal snapshot to convert, by id or name.</summary>
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

    /// <summary>Replace a file that is there, once the new one is whole.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        WriteFormat format = null!;
        try
        {
            format = WriteFormat.Named(Format);
        }
        catch (IaaSException e)
        {
            ThrowTerminatingError(ErrorRecords.For(e, Format));
        }

        var images = new List<string>();
        foreach (var image in Image)
            Try(image, () => images.AddRange(Resolve(image.Path, image.IsLiteral)));
        var target = Path is null ? null : FullPath(Path);
        if (images.Count > 1 && target is not null && !Directory.Exists(target))
        {
            var e = new IaaSException(ErrorKind.InvalidArgument, "OneFileForMany", $"One file, '{target}', cannot be made of {images.Count} images.",
                "Give -Path a folder that is there, leave it out, or convert one image at a time.", target);
            ThrowTerminatingError(ErrorRecords.For(e, target));
        }

        foreach (var image in images)
            Try(image, () => Convert(image, target, format));
    }

    private void Convert(string image, string? target, WriteFormat format)
    {
        var request = new DiskConversionRequest { Path = ImageConversion.TargetFor(image, target, format), Format = format, Force = Force };
        var options = new DiskOpenOptions { Format = SourceFormat, Snapshot = Snapshot, Root = FullPath(Root), ExternalReferences = FullPaths(AllowExternalReference) };
        if (ShouldProcess($"{image} to {request.Path}", $"Convert to {format.DisplayName}"))
            Begin(image, async c => Output.Write(await ImageConversion.RunAsync(image, options, request, Output, c)));
    }
}
