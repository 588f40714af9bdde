using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>A kind of thing that can be imported. What exists is the one list <see cref="Known"/>, asked in its order; the first that takes a path has it.</summary>
public abstract class ImportInput
{
    /// <summary>Every kind of input, descriptions before bare disks.</summary>
    public static IReadOnlyList<ImportInput> Known { get; } = [new DescriptionInput(), new DiskInput()];

    /// <summary>Whether a path is this kind of input.</summary>
    /// <param name="path">The full path.</param>
    public abstract bool Takes(string path);

    /// <summary>Reads the description and looks over the disks.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is unknown, not supported or damaged.</exception>
    public abstract ImportSource Read(ImportRequest request, CancellationToken cancellation);

    /// <summary>The name that a machine gets where the request gives none.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <exception cref="IaaSException">It is unknown, not supported or damaged.</exception>
    public virtual string NameOf(ImportRequest request) => SourcePath.BaseName(request.Path);

    /// <summary>The name that a machine gets.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <exception cref="IaaSException">The source is unknown, not supported or damaged.</exception>
    public static string NameFor(ImportRequest request)
    {
        var path = SourcePath.Full(request.Path);
        return request.Name ?? request.Machine?.Name ?? request.Description?.Name ?? Known.First(i => i.Takes(path)).NameOf(request);
    }

    /// <summary>Finds what a request's path is, and reads it.</summary>
    /// <param name="request">What is to be imported.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is unknown, not supported or damaged.</exception>
    public static ImportSource Open(ImportRequest request, CancellationToken cancellation) =>
        request.Machine is { } machine ? MachineInput.Read(machine, request, cancellation)
        : request.Description is { } description ? DescriptionInput.Read(request, description, cancellation)
        : Known.First(i => i.Takes(request.Path)).Read(request, cancellation);
}

/// <summary>A bare disk image: it says nothing of the machine but its disk, and the disk's partition table tells the firmware.</summary>
internal sealed class DiskInput : ImportInput
{
    public override bool Takes(string path) => true;

    public override ImportSource Read(ImportRequest request, CancellationToken cancellation)
    {
        var path = SourcePath.Full(request.Path);
        var options = new DiskOpenOptions
        {
            Format = request.Format,
            Root = request.Root ?? ImportRoot.For(path),
            ExternalReferences = request.ExternalReferences,
            Snapshot = request.Snapshot,
        };
        var disk = ImageInspection.Inspect(path, options, cancellation);
        return new ImportSource
        {
            Format = disk.Format,
            Name = NameOf(request),
            Firmware = disk.Firmware,
            Disks = [disk],
        };
    }
}

/// <summary>The folder that an import may read from.</summary>
internal static class ImportRoot
{
    private static readonly string[] HyperVFolders = ["Virtual Hard Disks", "Virtual Machines", "Snapshots"];

    /// <summary>The file's folder, or the export's own root when the file lies in one of the folders that a Hyper-V export consists of.</summary>
    /// <param name="path">The full path of the file.</param>
    public static string For(string path)
    {
        if (SourcePath.IsRemote(path))
            return path;
        var folder = Path.GetDirectoryName(path)!;
        var isExportPart = HyperVFolders.Contains(Path.GetFileName(folder), StringComparer.OrdinalIgnoreCase);
        return isExportPart && Path.GetDirectoryName(folder) is { } root ? root : folder;
    }
}
