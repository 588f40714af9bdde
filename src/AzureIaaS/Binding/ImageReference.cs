using System.Management.Automation;
using AzureIaaS.Imports;

namespace AzureIaaS.PowerShell;

/// <summary>What a cmdlet takes for an image: a path, perhaps with wildcards, a file, or what Get-IaaSImage gave out. A relative path is PowerShell's to resolve.</summary>
public sealed class ImageReference
{
    /// <summary>Images by a path.</summary>
    /// <param name="path">What was typed.</param>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public ImageReference(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new ArgumentException("An image's path cannot be empty.");
        Path = path;
        IsLiteral = false;
    }

    /// <summary>A file.</summary>
    /// <param name="file">The file.</param>
    public ImageReference(FileInfo file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Path = file.FullName;
        IsLiteral = true;
    }

    /// <summary>An image that was looked at.</summary>
    /// <param name="image">The image.</param>
    public ImageReference(ImageInfo image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Path = image.Path;
        IsLiteral = true;
    }

    /// <summary>An image that was serialized, or a row with a path.</summary>
    /// <param name="value">The object.</param>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public ImageReference(PSObject value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Path = (value.Properties["FullName"] ?? value.Properties["Path"])?.Value?.ToString() is { Length: > 0 } path
            ? path
            : throw new ArgumentException($"A {value.TypeNames.FirstOrDefault() ?? "value"} is no image. Give a path, a file, or an image from Get-IaaSImage.");
        IsLiteral = true;
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>Whether no character of it is a wildcard.</summary>
    public bool IsLiteral { get; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;
}
