namespace AzureIaaS.Disks;

/// <summary>
/// A disk image format: how to tell it, and how to open it. What exists is the one list <see cref="Known"/>, in the order in which
/// a file is probed; the first that says "mine" has it, and a fault it then finds is final. Nothing falls through to raw.
/// </summary>
public abstract partial class DiskFormat
{
    /// <summary>The short name, as typed: <c>vhdx</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What people call it: <c>Hyper-V VHDX</c>.</summary>
    public abstract string DisplayName { get; }

    /// <summary>The extensions such files usually have, with their dots, in lower case.</summary>
    public virtual IReadOnlyList<string> Extensions => [];

    /// <summary>Whether this version reads the format; what is only recognised is refused by name.</summary>
    public virtual bool CanRead => true;

    /// <summary>Whether the file is of this format, judged by its signature. Looks only at the probe, and never throws.</summary>
    /// <param name="probe">The file's name, length, first and last bytes.</param>
    public abstract bool IsMine(DiskProbe probe);

    /// <summary>Opens the image. Takes over the file: the image closes it, and so does a failure.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="options">How it may be opened.</param>
    /// <exception cref="DiskImageException">It is damaged, or uses what this version does not read.</exception>
    public DiskImage Open(DiskFile file, DiskOpenOptions options)
    {
        try
        {
            return OpenCore(file, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens an image, finding out its format unless the options name it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it may be opened; null for the defaults.</param>
    /// <exception cref="DiskImageException">It is missing, unknown, not supported or damaged.</exception>
    public static DiskImage OpenImage(string path, DiskOpenOptions? options = null)
    {
        options ??= new DiskOpenOptions();
        var file = DiskFile.OpenUnpacked(path);
        try
        {
            var format = options.Format is { } name ? Named(name) : Probe(file);
            return format.Open(file, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Finds the format of an open file.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="DiskImageException">No format knows it.</exception>
    public static DiskFormat Probe(DiskFile file)
    {
        var probe = DiskProbe.Of(file);
        foreach (var format in Known)
        {
            if (format.IsMine(probe))
                return format;
        }

        throw Unrecognised(probe);
    }

    /// <summary>Finds a format by its short name, in any case.</summary>
    /// <param name="name">The name, such as <c>raw</c>.</param>
    /// <exception cref="IaaSException">There is no format of that name.</exception>
    public static DiskFormat Named(string name) =>
        Known.FirstOrDefault(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new IaaSException(ErrorKind.InvalidArgument, "UnknownFormatName", $"There is no disk format called '{name}'.",
            $"Name one of: {string.Join(", ", Known.Where(f => f.CanRead).Select(f => f.Name))}.", name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Opens the image; the caller closes the file if this throws.</summary>
    /// <param name="file">The open file, which the image then owns.</param>
    /// <param name="options">How it may be opened.</param>
    protected abstract DiskImage OpenCore(DiskFile file, DiskOpenOptions options);

    private static DiskImageException Unrecognised(DiskProbe probe)
    {
        var claimed = Known.FirstOrDefault(f => f.Extensions.Contains(probe.Extension));
        return claimed is null
            ? new DiskImageException(DiskImageFault.Unrecognised, probe.Path, null,
                "this is no disk image that is known here: it has no format's signature, no partition table and no file system",
                "If it is a raw disk all the same, say so with -Format Raw.")
            : new DiskImageException(DiskImageFault.Unrecognised, probe.Path, null,
                $"it is called {probe.Extension} but does not have the signature of {claimed.DisplayName}, so it is damaged or something else",
                "Look at what the file really is; if it is a raw disk under a wrong name, say so with -Format Raw.");
    }
}
