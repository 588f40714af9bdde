namespace AzureIaaS.Disks;

/// <summary>How an image may be opened.</summary>
public sealed record DiskOpenOptions
{
    /// <summary>The name of the format to open it as, without probing; null to probe.</summary>
    public string? Format { get; init; }

    /// <summary>The folder that no file an image refers to may leave; null for the image's own folder.</summary>
    public string? Root { get; init; }

    /// <summary>Files, or folders with all that is in them, that an image may refer to although they lie outside the root.</summary>
    public IReadOnlyList<string> ExternalReferences { get; init; } = [];

    /// <summary>The id or name of the internal snapshot to read; null for the current state. Only qcow2 has any.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Whether an image with faults in its tables is opened all the same, to find all of them.</summary>
    internal bool SkipTables { get; init; }

    /// <summary>The real paths of the images that lie over this one, the one that was named first: none may come again below itself.</summary>
    internal IReadOnlyList<string> Chain { get; init; } = [];

    /// <summary>The root to hold references to, for an image at a path.</summary>
    /// <param name="path">The image's path.</param>
    internal string RootFor(string path) => SourcePath.IsRemote(path) ? path : System.IO.Path.GetFullPath(Root ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
}
