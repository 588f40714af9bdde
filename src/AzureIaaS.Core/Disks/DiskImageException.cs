namespace AzureIaaS.Disks;

/// <summary>What is wrong with a disk image.</summary>
public enum DiskImageFault
{
    /// <summary>No known signature, and nothing that says it is a raw disk.</summary>
    Unrecognised,

    /// <summary>A format that is recognised and not read by this version.</summary>
    UnsupportedFormat,

    /// <summary>A format that is read, with a feature that is not.</summary>
    UnsupportedFeature,

    /// <summary>The file ends before what its own metadata promises.</summary>
    Truncated,

    /// <summary>Metadata that contradicts itself, its checksum or its specification.</summary>
    Corrupt,

    /// <summary>A file it refers to (an extent, a parent) is missing or is not the one meant.</summary>
    MissingReference,

    /// <summary>A file it refers to lies outside the folder that the import may read.</summary>
    ReferenceOutsideRoot,

    /// <summary>The file does not exist, is a folder, or may not be read.</summary>
    Unreadable,
}

/// <summary>A disk image that cannot be read, with what is wrong, in which file and where in it.</summary>
public sealed class DiskImageException : IaaSException
{
    /// <summary>Makes the error; prefer the named functions in <see cref="DiskErrors"/>.</summary>
    /// <param name="fault">What is wrong.</param>
    /// <param name="path">The file in which it was found.</param>
    /// <param name="offset">The offset in that file, in bytes; null where it concerns the whole file.</param>
    /// <param name="problem">What was wrong, without the path.</param>
    /// <param name="remedy">What to do next.</param>
    /// <param name="inner">What caused it.</param>
    public DiskImageException(DiskImageFault fault, string path, long? offset, string problem, string remedy, Exception? inner = null)
        : base(KindOf(fault), "DiskImage" + fault, offset is { } at ? $"{path}: {problem} (at byte {at})." : $"{path}: {problem}.", remedy, path, inner)
    {
        Fault = fault;
        Path = path;
        Offset = offset;
    }

    /// <summary>What is wrong.</summary>
    public DiskImageFault Fault { get; }

    /// <summary>The file in which it was found.</summary>
    public string Path { get; }

    /// <summary>The offset in <see cref="Path"/>, in bytes; null where it concerns the whole file.</summary>
    public long? Offset { get; }

    private static ErrorKind KindOf(DiskImageFault fault) => fault switch
    {
        DiskImageFault.UnsupportedFormat or DiskImageFault.UnsupportedFeature => ErrorKind.NotSupported,
        DiskImageFault.MissingReference => ErrorKind.NotFound,
        DiskImageFault.ReferenceOutsideRoot => ErrorKind.AccessDenied,
        DiskImageFault.Unreadable => ErrorKind.NotFound,
        _ => ErrorKind.InvalidData,
    };
}
