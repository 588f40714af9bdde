using AzureIaaS.Appliances;
using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>A machine as its source describes it. Unknown is a value: what the source does not say is null, or Unknown.</summary>
public sealed record ImportSource
{
    /// <summary>What the source is: a disk image's format, or a description's kind.</summary>
    public required string Format { get; init; }

    /// <summary>The machine's name, in the source's words.</summary>
    public required string Name { get; init; }

    /// <summary>The number of virtual processors.</summary>
    public int? Cpu { get; init; }

    /// <summary>The guest's memory in bytes.</summary>
    public long? Memory { get; init; }

    /// <summary>The firmware, from the description or from the partition table of the first disk.</summary>
    public Firmware Firmware { get; init; }

    /// <summary>The disks, the one to boot from first.</summary>
    public required IReadOnlyList<ImageInfo> Disks { get; init; }

    /// <summary>The folder that no file of it may leave; null for each disk's own.</summary>
    public string? Root { get; init; }

    /// <summary>The network adapters in order; none where the source says nothing of them.</summary>
    public IReadOnlyList<DescribedAdapter> Adapters { get; init; } = [];

    /// <summary>What is odd about the machine and was accepted deliberately, or left out, in sentences.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>What an image file is, as Get-IaaSImage shows it.</summary>
public sealed class ImageInfo
{
    /// <summary>The full path of the file.</summary>
    public string Path { get; set; } = "";

    /// <summary>The format's short name: <c>vhdx</c>.</summary>
    public string Format { get; set; } = "";

    /// <summary>The kind within the format: <c>dynamic</c>.</summary>
    public string Variant { get; set; } = "";

    /// <summary>The size of the virtual disk in bytes.</summary>
    public long Length { get; set; }

    /// <summary>How many bytes of it are stored as data.</summary>
    public long DataLength { get; set; }

    /// <summary>The size of the file or files in bytes.</summary>
    public long FileLength { get; set; }

    /// <summary>The size of a logical sector in bytes.</summary>
    public int LogicalSectorSize { get; set; }

    /// <summary>How the disk is divided: <c>None</c>, <c>Mbr</c> or <c>Gpt</c>.</summary>
    public string PartitionScheme { get; set; } = "";

    /// <summary>How many partitions there are.</summary>
    public int PartitionCount { get; set; }

    /// <summary>The firmware that the disk boots with, as far as the partition table tells.</summary>
    public Firmware Firmware { get; set; }

    /// <summary>The operating system on the disk, as it calls itself; null where none was seen, or nobody looked.</summary>
    public string? OperatingSystem { get; set; }

    /// <summary>The images it is made of, from itself down to the whole disk at the bottom; one for a disk without a parent.</summary>
    public IList<ImageLayer> Chain { get; set; } = [];

    /// <summary>The controller that its machine's description puts it on; Unknown where there is none.</summary>
    public DiskController Controller { get; set; }

    /// <summary>The digest that a manifest gives of the file: algorithm, colon, hexadecimal; null where there is no manifest.</summary>
    public string? ManifestDigest { get; set; }

    /// <summary>Every file the image is made of.</summary>
    public IList<ImageFile> Files { get; set; } = [];

    /// <summary>Whatever else the format says, by name.</summary>
    public IDictionary<string, string> Details { get; set; } = new Dictionary<string, string>();

    /// <summary>What is odd and was accepted, in sentences.</summary>
    public IList<string> Warnings { get; set; } = [];

    /// <summary>The digest of the content, as an import notes it (<see cref="DiskDigest"/>); null where it was not asked for.</summary>
    public string? Digest { get; set; }

    /// <summary>The SHA-256 of the raw content, with <c>sha256:</c> before it; null where it was not asked for.</summary>
    public string? Checksum { get; set; }

    /// <summary>Everything that is wrong with the image, in sentences; empty for one that is whole, null where it was not checked.</summary>
    public IList<string>? Faults { get; set; }

    /// <summary>The file's name.</summary>
    public override string ToString() => System.IO.Path.GetFileName(Path);
}

/// <summary>One image of a chain: what differs from the next one below, or, at the bottom, a whole disk.</summary>
public sealed class ImageLayer
{
    /// <summary>The full path of the file.</summary>
    public string Path { get; set; } = "";

    /// <summary>The format's short name.</summary>
    public string Format { get; set; } = "";

    /// <summary>The kind within the format: <c>differencing</c>.</summary>
    public string Variant { get; set; } = "";

    /// <summary>The size of its virtual disk in bytes.</summary>
    public long Length { get; set; }

    /// <summary>The file's name.</summary>
    public override string ToString() => System.IO.Path.GetFileName(Path);
}

/// <summary>A file that an image is made of, as it was when it was looked at.</summary>
public sealed class ImageFile
{
    /// <summary>The full path.</summary>
    public string Path { get; set; } = "";

    /// <summary>The length in bytes.</summary>
    public long Length { get; set; }

    /// <summary>When it was last written to.</summary>
    public DateTimeOffset LastWrite { get; set; }

    /// <summary>What the server of an address calls this version of it; null for a file.</summary>
    public string? Tag { get; set; }

    /// <summary>Looks at a file.</summary>
    /// <param name="path">The file.</param>
    public static ImageFile Of(string path)
    {
        if (SourcePath.IsRemote(path))
        {
            using var remote = RemoteFile.Open(path);
            return new ImageFile { Path = path, Length = remote.Length, LastWrite = remote.LastModified, Tag = remote.Tag };
        }

        var info = new FileInfo(path);
        return new ImageFile { Path = info.FullName, Length = info.Length, LastWrite = info.LastWriteTimeUtc };
    }

    /// <summary>Looks at a file that may be gone.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The file; null when it is not there.</returns>
    public static ImageFile? Find(string path) => SourcePath.IsRemote(path) || File.Exists(path) ? Of(path) : null;

    /// <summary>Whether it is still as it was.</summary>
    /// <param name="other">How it was.</param>
    public bool IsSame(ImageFile other) => Length == other.Length && LastWrite == other.LastWrite && Tag == other.Tag;

    /// <summary>The file's path.</summary>
    public override string ToString() => Path;
}
