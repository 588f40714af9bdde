using AzureIaaS.Imports;

namespace AzureIaaS;

/// <summary>
/// What ties a disk to the image it was imported from with -Linked, until its copy is complete. The image is read through a socket; what the guest
/// writes lies in a layer of its own over it.
/// </summary>
public sealed class DiskLink
{
    /// <summary>Every file the image is made of, as it was at the import. They must stay as they are until the copy is complete.</summary>
    public IList<ImageFile> Files { get; set; } = [];

    /// <summary>The folder that the image may not leave; null for its own.</summary>
    public string? Root { get; set; }

    /// <summary>What the image may refer to outside the root.</summary>
    public IList<string> ExternalReferences { get; set; } = [];

    /// <summary>The internal snapshot that is read; null for the current state.</summary>
    public string? Snapshot { get; set; }

    /// <summary>The digest that a manifest gives of the file; null where there is no manifest.</summary>
    public string? ManifestDigest { get; set; }

    /// <summary>Where the provider serves the image, read-only; empty where it needs no place.</summary>
    public string Socket { get; set; } = "";

    /// <summary>Whether the copy is complete: the image is no longer needed, and only the guest's own writes are still brought into the copy.</summary>
    public bool IsCopied { get; set; }

    /// <summary>How many bytes of the disk the copy has passed, when it was looked at.</summary>
    public long CopiedLength { get; set; }

    /// <summary>Why the copy does not go on, as a sentence; null while it does.</summary>
    public string? Problem { get; set; }
}
