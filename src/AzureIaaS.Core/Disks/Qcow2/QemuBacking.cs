using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The backing file of QEMU's formats: its name is in the file, and its format, in QEMU's word, perhaps too.</summary>
internal static class QemuBacking
{
    private const int MaxName = 1023;

    private static readonly Dictionary<string, string> FormatsByDriver = new(StringComparer.Ordinal)
    {
        ["raw"] = "raw", ["file"] = "raw", ["qcow2"] = "qcow2", ["qcow"] = "qcow", ["vmdk"] = "vmdk", ["vdi"] = "vdi", ["vpc"] = "vhd", ["vhdx"] = "vhdx",
    };

    /// <summary>Opens the backing file; null where there is none.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="nameAt">Where the name is; zero for none.</param>
    /// <param name="nameSize">How long it is, in bytes.</param>
    /// <param name="driver">What QEMU calls its format; null where that is not said.</param>
    /// <param name="options">How the image is opened.</param>
    /// <param name="warnings">Takes what is odd and accepted.</param>
    /// <exception cref="DiskImageException">It is missing, in another place than a file, or cannot be read.</exception>
    public static DiskImage? Open(DiskFile file, ulong nameAt, uint nameSize, string? driver, DiskOpenOptions options, List<string> warnings)
    {
        if (nameAt == 0 || nameSize == 0)
            return null;
        if (nameSize > MaxName || nameAt > (ulong)(file.Length - nameSize))
            throw DiskErrors.Corrupt(file.Path, 8, $"the name of its backing file is said to be at byte {nameAt} with {nameSize:N0} bytes, which cannot be");
        var name = Encoding.UTF8.GetString(file.Read((long)nameAt, (int)nameSize));
        if (name.StartsWith("file:", StringComparison.Ordinal))
            name = name["file:".Length..];
        var shown = string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));

        // A colon before any slash makes it a protocol's address, or QEMU's own notation: nothing on this computer's disks.
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (colon > 1 && name.IndexOf('/', StringComparison.Ordinal) is var slash && (slash < 0 || colon < slash))
        {
            throw DiskErrors.UnsupportedFeature(file.Path, (long)nameAt, $"a backing file '{shown}' that is no ordinary file",
                "If you trust it, make one whole disk of both and import that. " + DiskErrors.ConvertByQemu(file.Path, "qcow2"));
        }

        string? format = null;
        if (driver is not null && !FormatsByDriver.TryGetValue(driver, out format))
        {
            throw DiskErrors.UnsupportedFeature(file.Path, (long)nameAt, $"a backing file of QEMU's format '{driver}'",
                "Make one whole disk of both and import that. " + DiskErrors.ConvertByQemu(file.Path, "qcow2"));
        }

        var path = DiskReference.ResolveAny(file.Path, [name], "backing file", options);
        if (format is not null)
            return DiskParent.Open(file.Path, path, format, options);
        warnings.Add($"It does not say of what format its backing file '{shown}' is, so that was found by looking.");
        return OpenByLooking(file, path, options);
    }

    /// <summary>As QEMU does: what has no signature is raw.</summary>
    private static DiskImage OpenByLooking(DiskFile file, string path, DiskOpenOptions options)
    {
        try
        {
            return DiskParent.Open(file.Path, path, null, options);
        }
        catch (DiskImageException e) when (e.Fault == DiskImageFault.Unrecognised && e.Path == path)
        {
            return DiskParent.Open(file.Path, path, "raw", options);
        }
    }
}
