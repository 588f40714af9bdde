using AzureIaaS.Disks;
using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>Converts image files: opens one, makes another of it, and looks the result over.</summary>
public static class ImageConversion
{
    /// <summary>Converts an image file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="options">How it may be opened.</param>
    /// <param name="request">What to make of it.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; nothing is left behind.</param>
    /// <returns>What was made.</returns>
    /// <exception cref="DiskImageException">The source is damaged or cannot be read.</exception>
    /// <exception cref="IaaSException">The format cannot hold it, or the file cannot be made.</exception>
    public static async Task<ImageInfo> RunAsync(
        string source, DiskOpenOptions options, DiskConversionRequest request, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var image = DiskFormat.OpenImage(source, options);
        foreach (var warning in image.Warnings)
            notices.Report(Notice.Warning($"{image.Path}: {warning}"));
        if (image.LogicalSectorSize != 512 && request.Format.Name is "Raw" or "Qcow2")
            notices.Report(Notice.Warning($"{image.Path}: its logical sectors are of {image.LogicalSectorSize} bytes, which a {request.Format.DisplayName} cannot say; whoever attaches it has to."));
        var text = $"Converting {Path.GetFileName(source)} to {request.Format.DisplayName}";
        await DiskConversion.RunAsync(image, request, new CopyProgress(notices, text, image.Length), cancellation);
        return ImageInspection.Inspect(request.Path, new DiskOpenOptions { Format = request.Format.Name == "Raw" ? "raw" : null }, cancellation);
    }

    /// <summary>The file that an image's conversion makes: the one that was named, one in the folder that was named, or one beside the image.</summary>
    /// <param name="source">The image's full path.</param>
    /// <param name="target">What was named; null for nothing.</param>
    /// <param name="format">What kind of image it is to be.</param>
    public static string TargetFor(string source, string? target, WriteFormat format)
    {
        var name = Path.ChangeExtension(Path.GetFileName(source), format.Extension);
        return target is null ? Path.Combine(Path.GetDirectoryName(source)!, name)
            : Directory.Exists(target) ? Path.Combine(target, name)
            : target;
    }
}
