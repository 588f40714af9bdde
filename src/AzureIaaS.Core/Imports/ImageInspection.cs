using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>What can be known of an image by reading all of it.</summary>
[Flags]
public enum ImageFacts
{
    /// <summary>Nothing more than its metadata tells.</summary>
    None = 0,

    /// <summary>The digest of its content, as an import notes it.</summary>
    Digest = 1,

    /// <summary>The SHA-256 of its raw content.</summary>
    Checksum = 2,

    /// <summary>Everything that is wrong with it.</summary>
    Faults = 4,
}

/// <summary>Looks an image over, all of its metadata and none of its data: what Get-IaaSImage shows, and what an import is planned from.</summary>
public static class ImageInspection
{
    /// <summary>Opens an image and looks it over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it may be opened.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">It is unknown, not supported or damaged.</exception>
    public static ImageInfo Inspect(string path, DiskOpenOptions options, CancellationToken cancellation)
    {
        using var image = DiskFormat.OpenImage(path, options);
        var table = PartitionTable.Read(image.Length, [image.LogicalSectorSize], image.Read);
        var files = image.Files.Distinct().Select(ImageFile.Of).ToList();
        var warnings = new List<string>(image.Warnings);
        if (table.RequiredLength > image.Length)
            warnings.Add($"A partition ends at byte {table.RequiredLength:N0}, beyond the end of the virtual disk at {image.Length:N0}.");
        if (!CanBoot(table))
            warnings.Add("No boot loader was seen: there is no boot code in the first sector and no EFI system partition.");
        return new ImageInfo
        {
            Path = image.Path,
            Format = image.Format.Name,
            Variant = image.Variant,
            Length = image.Length,
            DataLength = DataLength(image, cancellation),
            FileLength = files.Sum(f => f.Length),
            LogicalSectorSize = image.LogicalSectorSize,
            PartitionScheme = table.Scheme.ToString(),
            PartitionCount = table.Partitions.Count,
            Firmware = FirmwareOf(table),
            Chain = ChainOf(image),
            Files = files,
            Details = new Dictionary<string, string>(image.Details),
            Warnings = warnings,
        };
    }

    /// <summary>Looks over the images that a file stands for: itself, or the disks of the machine that it describes, an OVA's inside it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it may be opened; a format is that of an image.</param>
    /// <param name="wanted">What more is wanted.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">One is unknown, not supported or damaged; not where it is checked.</exception>
    public static async Task<IReadOnlyList<ImageInfo>> InspectAllAsync(string path, DiskOpenOptions options, ImageFacts wanted, IProgress<Notice> notices, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var images = new List<ImageInfo>();
        foreach (var (image, itsOptions, controller) in options.Format is null ? DescriptionInput.DisksOf(path, options) : [(path, options, DiskController.Unknown)])
        {
            var info = await InspectAsync(image, itsOptions, wanted, notices, cancellation);
            info.Controller = controller;
            images.Add(info);
        }

        return images;
    }

    /// <summary>Looks an image and the system on it over, and reads as much more of it as is asked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it may be opened.</param>
    /// <param name="wanted">What more is wanted.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">It is unknown, not supported or damaged; not where it is checked.</exception>
    public static async Task<ImageInfo> InspectAsync(string path, DiskOpenOptions options, ImageFacts wanted, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var faults = wanted.HasFlag(ImageFacts.Faults) ? ImageVerification.Check(path, options, notices, cancellation) : null;
        if (faults is { Count: > 0 })
            return new ImageInfo { Path = SourcePath.Full(path), Format = options.Format ?? "", Faults = [.. faults] };
        var info = Inspect(path, options, cancellation);
        info.Faults = faults is null ? null : [];
        info.OperatingSystem = SystemOn(path, options, info.Warnings, cancellation);
        if ((wanted & (ImageFacts.Digest | ImageFacts.Checksum)) == 0)
            return info;
        using var image = DiskFormat.OpenImage(path, options);
        if (wanted.HasFlag(ImageFacts.Digest))
            info.Digest = await ImageVerification.DigestAsync(image, notices, cancellation);
        if (wanted.HasFlag(ImageFacts.Checksum))
            info.Checksum = ImageVerification.Checksum(image, notices, cancellation);
        return info;
    }

    /// <summary>
    /// The firmware that a disk boots with. Where both kinds of loader are there, BIOS is taken: it needs no entry in firmware variables, which
    /// do not come along with a disk.
    /// </summary>
    /// <param name="table">The disk's partition table.</param>
    public static Firmware FirmwareOf(PartitionTable table)
    {
        var bios = table.HasBootCode && (table.Scheme != PartitionScheme.Gpt || table.HasBiosBootPartition);
        return bios ? Firmware.Bios : table.HasEfiSystemPartition ? Firmware.Uefi : Firmware.Unknown;
    }

    private static string? SystemOn(string path, DiskOpenOptions options, IList<string> warnings, CancellationToken cancellation)
    {
        try
        {
            using var image = DiskFormat.OpenImage(path, options);
            return GuestInspector.Inspect([image], cancellation).Name;
        }
        catch (DiskImageException e)
        {
            warnings.Add($"What system is on it was not seen: {e.Message}");
            return null;
        }
    }

    private static List<ImageLayer> ChainOf(DiskImage image)
    {
        var chain = new List<ImageLayer>();
        for (var layer = image; layer is not null; layer = layer.Parent)
            chain.Add(new ImageLayer { Path = layer.Path, Format = layer.Format.Name, Variant = layer.Variant, Length = layer.Length });
        return chain;
    }

    private static bool CanBoot(PartitionTable table) => table.HasBootCode || table.HasEfiSystemPartition;

    private static long DataLength(DiskImage image, CancellationToken cancellation)
    {
        long sum = 0;
        foreach (var extent in image.GetExtents())
        {
            cancellation.ThrowIfCancellationRequested();
            if (extent.Kind == DiskExtentKind.Data)
                sum += extent.Length;
        }

        return sum;
    }
}
