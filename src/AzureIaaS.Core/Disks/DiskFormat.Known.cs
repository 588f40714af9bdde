using AzureIaaS.Disks.Raw;

namespace AzureIaaS.Disks;

public abstract partial class DiskFormat
{
    /// <summary>
    /// Every format there is, in probe order: first those with a signature at the start of the file, then those known by their end,
    /// then what is recognised only to be refused by name, and raw last of all.
    /// </summary>
    public static IReadOnlyList<DiskFormat> Known { get; } =
    [
        new RawFormat(),
    ];
}
