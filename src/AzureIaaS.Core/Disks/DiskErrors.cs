namespace AzureIaaS.Disks;

/// <summary>The failures of disk images by name, so that every format says the same thing in the same words.</summary>
internal static class DiskErrors
{
    private const string CopyAgain = "Copy the image again from its source and compare sizes; if the source itself is like this, export the disk anew.";

    public static DiskImageException Corrupt(string path, long offset, string problem) =>
        new(DiskImageFault.Corrupt, path, offset, problem, CopyAgain);

    public static DiskImageException Truncated(string path, long offset, long wanted, long fileLength) =>
        new(DiskImageFault.Truncated, path, offset,
            $"the file ends too early: {wanted:N0} bytes were expected here, and it is {fileLength:N0} bytes long", CopyAgain);

    /// <summary>For what a table places beyond the file's end; a place that no file can reach may be negative.</summary>
    public static DiskImageException PointsOutside(string path, long offset, long place, long wanted, long fileLength) =>
        new(DiskImageFault.Truncated, path, offset,
            $"an entry here places {wanted:N0} bytes at byte {(ulong)place}, and the file is {fileLength:N0} bytes long", CopyAgain);

    public static DiskImageException UnsupportedFeature(string path, long offset, string feature, string remedy) =>
        new(DiskImageFault.UnsupportedFeature, path, offset, $"{feature} is not supported", remedy);

    public static DiskImageException UnsupportedFormat(string path, string format, string remedy) =>
        new(DiskImageFault.UnsupportedFormat, path, null, $"this is {format}, which is not read as a disk image", remedy);

    public static DiskImageException MissingReference(string path, string reference, string role) =>
        new(DiskImageFault.MissingReference, path, null, $"its {role} '{reference}' was not found",
            "Put the missing file beside the image, with its original name, and try again.");

    public static DiskImageException ReferenceOutsideRoot(string path, string reference, string role, string root) =>
        new(DiskImageFault.ReferenceOutsideRoot, path, null, $"its {role} '{reference}' lies outside the import's root '{root}'",
            "If you trust this image, allow that file by -AllowExternalReference, or put all its files into one folder and name that by -Root.");

    public static DiskImageException Unreadable(string path, string problem, string remedy, Exception? inner = null) =>
        new(DiskImageFault.Unreadable, path, null, problem, remedy, inner);

    /// <summary>The remedy for what QEMU's tool reads and this version does not.</summary>
    public static string ConvertByQemu(string path, string driver) =>
        $"Convert it with QEMU's tool and import the result: qemu-img convert -f {driver} -O raw {Quoted(path)} {Quoted(path + ".raw")}";

    /// <summary>The remedy for what Hyper-V alone reads whole.</summary>
    public static string ConvertByHyperV(string path) =>
        $"On its Hyper-V host, with its parents in place, make one whole disk of it and import that: Convert-VHD -Path {Quoted(path)} "
        + $"-DestinationPath {Quoted(System.IO.Path.ChangeExtension(path, ".whole.vhdx"))} -VHDType Dynamic";

    /// <summary>A path as PowerShell and other shells take it.</summary>
    public static string Quoted(string path) => $"'{path.Replace("'", "''", StringComparison.Ordinal)}'";
}
