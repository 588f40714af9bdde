using System.Text;

namespace AzureIaaS.Disks.Vhd;

/// <summary>An entry that says where a differencing disk's parent is (Virtual Hard Disk Image Format Specification, "Parent Locator").</summary>
/// <param name="PlatformCode">Whose kind of path it is: <c>W2ru</c> for a relative one of Windows, <c>W2ku</c> for an absolute one.</param>
/// <param name="PlatformDataLength">How long the path is, in bytes.</param>
/// <param name="PlatformDataOffset">Where in the file it is.</param>
internal sealed record ParentLocator(string PlatformCode, uint PlatformDataLength, ulong PlatformDataOffset)
{
    /// <summary>How many entries the dynamic disk header has room for.</summary>
    public const int Count = 8;

    /// <summary>How long an entry is.</summary>
    public const int Size = 24;

    private const int MaxPath = 64 << 10;

    /// <summary>Reads the path; null where there is none that is understood.</summary>
    /// <param name="file">The image's file.</param>
    public string? Read(DiskFile file)
    {
        if (PlatformDataLength is 0 or > MaxPath || PlatformDataOffset > (ulong)(file.Length - PlatformDataLength))
            return null;
        var bytes = file.Read((long)PlatformDataOffset, (int)PlatformDataLength);
        return PlatformCode switch
        {
            "W2ru" or "W2ku" => Encoding.Unicode.GetString(bytes).TrimEnd('\0'),
            "Wi2r" or "Wi2k" => Encoding.Latin1.GetString(bytes).TrimEnd('\0'),
            "MacX" when Uri.TryCreate(Encoding.UTF8.GetString(bytes).TrimEnd('\0'), UriKind.Absolute, out var uri) && uri.IsFile => uri.LocalPath,
            _ => null,
        };
    }
}
